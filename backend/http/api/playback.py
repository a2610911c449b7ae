"""The bytes of clips: playback, download."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.peers import page_scheme, split_host
from backend.http.api.clips import camera_of_clip, clip_in_path
from backend.http.handles import house
from backend.http.routes import Route, json_response, query_of
from backend.http.wire.clips import PlaybackJson
from backend.http.wire.times import RequestModel
from backend.playback.playback import Page


class DownloadQuery(RequestModel):
    """`GET /api/clips/{id}/download`."""

    inline: bool = Field(default=False, description="Show it in the page instead of saving it.")
    form: Literal["original", "clean"] = Field(
        default="original",
        description="clean: without the pictures the file hides for decoding; made when first asked for.",
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
    return json_response(PlaybackJson.of(clip, await house(request).playback.resolve(clip, page)))


async def stream(request: web.Request) -> web.StreamResponse:
    return await house(request).playback.stream(request, await clip_in_path(request))


async def download(request: web.Request) -> web.StreamResponse:
    query = query_of(request, DownloadQuery)
    clip, clean = await clip_in_path(request), query.form == "clean"
    return await house(request).playback.download(request, clip, inline=query.inline, clean=clean)


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
)
