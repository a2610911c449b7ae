"""The bytes of clips, and when they show which frame: playback, frames, download."""

from contextlib import nullcontext
from typing import Literal

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.peers import split_host
from backend.access.streams import StreamKind
from backend.catalogue.values import Clip
from backend.http.api.clips import camera_of_clip, clip_in_path
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, json_response, query_of, streaming
from backend.http.wire.clips import ClipFramesJson, PlaybackJson
from backend.http.wire.times import RequestModel
from backend.playback.forms import Form, form_for
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

    form: Literal["original", "clean"] | None = Field(
        default=None,
        description="clean: this player ignores edit lists and would show what the file hides, so where it "
        "hides pictures, get a form without them; it is made before the answer, if there is none. original: "
        "the file as it was recorded. Default: original, but clean for a browser that is known to ignore "
        "edit lists (Firefox) and for callers who may not manage the clip.",
    )
    after: Literal["expired", "failed"] | None = Field(
        default=None,
        description="Why the address given before does not do. failed: get the clip through the daemon.",
    )


class StreamQuery(RequestModel):
    """`GET /api/clips/{id}/playback/stream`."""

    form: Literal["original", "clean"] | None = Field(default=None, description="As of `playback`.")


async def playback(request: web.Request) -> web.StreamResponse:
    host, _ = split_host(request.headers["Host"].lower())
    query, clip = query_of(request, PlaybackQuery), await clip_in_path(request)
    page = Page(house(request).access.page_scheme(request), host, query.after)
    form, making = _form(request, clip, query.form), streaming(request, StreamKind.CLEAN)
    found = await house(request).playback.resolve(clip, page, form, making)
    return json_response(PlaybackJson.of(clip, found))


async def stream(request: web.Request) -> web.StreamResponse:
    clip = await clip_in_path(request)
    form = _form(request, clip, query_of(request, StreamQuery).form)
    return await house(request).playback.stream(request, clip, form, streaming(request, StreamKind.CLEAN))


async def frames(request: web.Request) -> web.StreamResponse:
    clip, playback = await clip_in_path(request), house(request).playback
    times = await playback.frame_times(clip)
    offsets_us = await playback.indexes.offsets_us(times)
    return json_response(ClipFramesJson.of(clip, offsets_us, times.media_start_s))


async def download(request: web.Request) -> web.StreamResponse:
    query = query_of(request, DownloadQuery)
    clip = await clip_in_path(request)
    if query.form == "original":
        authorise(request[PRINCIPAL], Action.MANAGE, clip.camera)
    clean = query.form == "clean" or not _has_originals(request, clip)
    with streaming(request, StreamKind.CLEAN) if clean else nullcontext():
        return await house(request).playback.download(request, clip, inline=query.inline, clean=clean)


def _form(request: web.Request, clip: Clip, asked: str | None) -> Form:
    """The form of a clip for a player. Refused if the caller may not have the one that was asked for."""
    if asked == "original":
        authorise(request[PRINCIPAL], Action.MANAGE, clip.camera)
    user_agent = request.headers.get("User-Agent", "")
    return form_for(asked, user_agent, has_originals=_has_originals(request, clip))


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
        query=StreamQuery,
        ignores_unknown_query=True,
        stream=StreamKind.CLIP,
        media_type="video/mp4",
        also_head=True,
    ),
    Route(
        "GET",
        f"{_CLIP}/frames",
        frames,
        Action.VIEW,
        "The frames of the video, to step through them and to name one",
        camera=camera_of_clip,
        stream=StreamKind.STILLS,
        response=ClipFramesJson,
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
