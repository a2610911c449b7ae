"""The bytes of clips: playback, download, thumbnails."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.peers import page_scheme, split_host
from backend.api.clips import camera_of_clip
from backend.catalogue import Clip, PreviewSource
from backend.file_body import FileToSend, send_file
from backend.keys import CLIPS, PLAYBACK, PREVIEWS
from backend.playback import Page
from backend.previews import PLACEHOLDER
from backend.routes import Route, json_response, query_of
from backend.wire.clips import ClipPreviewsJson, PlaybackJson, chosen_preview
from backend.wire.times import Asked

FOR_EVER = "private, max-age=31536000, immutable"


class DownloadQuery(Asked):
    """`GET /api/clips/{id}/download`."""

    inline: bool = Field(default=False, description="Show it in the page instead of saving it.")
    form: Literal["original", "clean"] = Field(
        default="original",
        description="clean: without the pictures the file hides for decoding; made when first asked for.",
    )


class PlaybackQuery(Asked):
    """`GET /api/clips/{id}/playback`."""

    after: Literal["expired", "failed"] | None = Field(
        default=None,
        description="Why the address given before does not do. failed: get the clip through the daemon.",
    )


class ThumbnailQuery(Asked):
    """`GET /api/clips/{id}/thumbnail`."""

    source: Literal["current", "middle", "manual"] | None = Field(
        default=None, description="Default: what the card shows now."
    )
    v: int | None = Field(
        default=None, ge=0, description="Version, as in thumbnail_url: may be cached for ever."
    )


async def playback(request: web.Request) -> web.StreamResponse:
    host, _ = split_host(request.headers["Host"].lower())
    page = Page(page_scheme(request), host, query_of(request, PlaybackQuery).after)
    return json_response(await request.app[PLAYBACK].resolve(await _clip(request), page))


async def stream(request: web.Request) -> web.StreamResponse:
    return await request.app[PLAYBACK].stream(request, await _clip(request))


async def download(request: web.Request) -> web.StreamResponse:
    asked = query_of(request, DownloadQuery)
    clip, clean = await _clip(request), asked.form == "clean"
    return await request.app[PLAYBACK].download(request, clip, inline=asked.inline, clean=clean)


async def thumbnail(request: web.Request) -> web.StreamResponse:
    asked, clip = query_of(request, ThumbnailQuery), await _clip(request)
    source = chosen_preview(clip) if asked.source is None else PreviewSource(asked.source)
    file = None if source is None else request.app[PREVIEWS].file(clip, source)
    if file is None:
        return _placeholder()
    # Without the version of the picture there is, the next one will have the same address.
    info = clip.previews.of(source) if source is not None else None
    cached = info is not None and asked.v == info.version
    headers = {"Cache-Control": FOR_EVER if cached else "private, no-cache"}
    try:
        return await send_file(request, FileToSend(file.path, file.content_type, file.etag, headers))
    except FileNotFoundError:
        return _placeholder()


async def previews(request: web.Request) -> web.StreamResponse:
    return json_response(ClipPreviewsJson.of(await _clip(request)))


async def _clip(request: web.Request) -> Clip:
    return await request.app[CLIPS].get(request.match_info["id"])


def _placeholder() -> web.Response:
    return web.Response(body=PLACEHOLDER, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


_CLIP = "/api/clips/{id}"

ROUTES = (
    Route(
        "GET",
        f"{_CLIP}/playback",
        playback,
        Action.VIEW,
        "Where a player gets the clip",
        camera=camera_of_clip,
        query=PlaybackQuery,
        response=PlaybackJson,
    ),
    Route(
        "GET",
        f"{_CLIP}/playback/stream",
        stream,
        Action.VIEW,
        "The video, by byte range",
        camera=camera_of_clip,
        media_type="video/mp4",
        also_head=True,
    ),
    Route(
        "GET",
        f"{_CLIP}/download",
        download,
        Action.VIEW,
        "The file under a readable name",
        camera=camera_of_clip,
        query=DownloadQuery,
        media_type="application/octet-stream",
        also_head=True,
    ),
    Route(
        "GET",
        f"{_CLIP}/thumbnail",
        thumbnail,
        Action.VIEW,
        "The preview picture, or a placeholder",
        camera=camera_of_clip,
        query=ThumbnailQuery,
        media_type="image/jpeg",
        also_head=True,
    ),
    Route(
        "GET",
        f"{_CLIP}/previews",
        previews,
        Action.VIEW,
        "The previews there are",
        camera=camera_of_clip,
        response=ClipPreviewsJson,
    ),
)
