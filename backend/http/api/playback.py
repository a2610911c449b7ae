"""The bytes of clips: playback, download."""

from contextlib import nullcontext
from typing import Literal

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.peers import page_scheme, split_host
from backend.access.streams import StreamKind
from backend.catalogue.values import Clip
from backend.http.api.clips import camera_of_clip, clip_in_path
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, json_response, query_of, streaming
from backend.http.wire.clips import PlaybackJson
from backend.http.wire.times import RequestModel
from backend.playback.playback import Page


class DownloadQuery(RequestModel):
    """`GET /api/clips/{id}/download`."""

    inline: bool = Field(default=False, description="Show it in the page instead of saving it.")
    form: Literal["original", "clean"] | None = Field(
        default=None,
        description="clean: without what the file hides for decoding; made when first asked for. "
        "original: the file as it was recorded. Default: original for those who may manage the clip, "
        "clean for all others.",
    )


class PlaybackQuery(RequestModel):
    """`GET /api/clips/{id}/playback`."""

    after: Literal["expired", "failed"] | None = Field(
        default=None,
        description="Why the address given before does not do. failed: get the clip through the daemon.",
    )


async def playback(request: web.Request) -> web.StreamResponse:
    host, _ = split_host(request.headers["Host"].lower())
    page = Page(page_scheme(request), host, query_of(request, PlaybackQuery).after)
    clip = await clip_in_path(request)
    found = await house(request).playback.resolve(clip, page, clean=not _has_originals(request, clip))
    return json_response(PlaybackJson.of(clip, found))


async def stream(request: web.Request) -> web.StreamResponse:
    clip = await clip_in_path(request)
    return await house(request).playback.stream(request, clip, clean=not _has_originals(request, clip))


async def download(request: web.Request) -> web.StreamResponse:
    query = query_of(request, DownloadQuery)
    clip = await clip_in_path(request)
    if query.form == "original":
        authorise(request[PRINCIPAL], Action.MANAGE, clip.camera)
    clean = query.form == "clean" or not _has_originals(request, clip)
    with streaming(request, StreamKind.CLEAN) if clean else nullcontext():
        return await house(request).playback.download(request, clip, inline=query.inline, clean=clean)


def _has_originals(request: web.Request, clip: Clip) -> bool:
    """Whether the caller gets the camera's own file, with what it hides, if they do not say which."""
    return request[PRINCIPAL].may(Action.MANAGE, clip.camera)


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
        ignores_unknown_query=True,
        stream=StreamKind.CLIP,
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
        ignores_unknown_query=True,
        stream=StreamKind.CLIP,
        media_type="application/octet-stream",
        also_head=True,
    ),
)
