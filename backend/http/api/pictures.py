"""The pictures that stand for clips: see them, pick one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.catalogue.values import Clip, PreviewSource
from backend.clips.idempotency import Order, StoredAnswer
from backend.http.api.clips import camera_of_clip, carried_out, clip_in_path
from backend.http.handles import house
from backend.http.problems import Problem
from backend.http.refusals import refusal
from backend.http.routes import Route, body_of, json_response, query_of
from backend.http.wire.clips import ClipPreviewsJson
from backend.http.wire.pictures import ManualErrorJson, ManualJson, ManualRequest, PromoteRequest
from backend.http.wire.times import RequestModel
from backend.pictures.pictures import PLACEHOLDER
from backend.playback.file_body import send_file
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

BY_VERSION = "private, max-age=300"
"""Not for ever: what a browser keeps can be seen after its session has ended."""


class ThumbnailQuery(RequestModel):
    """`GET /api/clips/{id}/thumbnail`."""

    source: Literal["current", "middle", "manual"] | None = Field(
        default=None, description="Default: what the card shows now."
    )
    v: int | None = Field(
        default=None, ge=0, description="Version, as in thumbnail_url: may be cached for five minutes."
    )


async def thumbnail(request: web.Request) -> web.StreamResponse:
    query = query_of(request, ThumbnailQuery)
    pictures = house(request).pictures
    for _ in range(2):
        clip = await clip_in_path(request)
        source = clip.chosen_preview if query.source is None else PreviewSource(query.source)
        info = None if source is None else clip.previews.of(source)
        if source is None or info is None or (file := await pictures.file(clip, source)) is None:
            break
        # Without the version of the picture there is, the next one will have the same address.
        headers = {"Cache-Control": BY_VERSION if query.v == info.version else "private, no-cache"}
        try:
            return await send_file(request, replace(file, headers=headers))
        except (FileNotFoundError, NotADirectoryError):
            if (stored := await pictures.read(clip, source)) is not None:
                return web.Response(body=stored, content_type=file.content_type, headers=headers)
            # Replaced since the row was read, or lost: the row knows.
    return web.Response(body=PLACEHOLDER, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


async def previews(request: web.Request) -> web.StreamResponse:
    return json_response(ClipPreviewsJson.of(await clip_in_path(request)))


async def set_manual(request: web.Request) -> web.StreamResponse:
    body, clip = body_of(request, ManualRequest), await clip_in_path(request)
    frame = body.frame_to_show()
    manual = house(request).manual_pictures
    request_text = f"set_manual_from_timestamp {clip.id} {body.model_dump_json(exclude_unset=True)}"
    return await _picked(request, clip, request_text, lambda: manual.set_from_timestamp(clip.id, frame))


async def promote(request: web.Request) -> web.StreamResponse:
    source, clip = PreviewSource(body_of(request, PromoteRequest).source), await clip_in_path(request)
    manual = house(request).manual_pictures
    request_text = f"promote_preview {clip.id} {source}"
    return await _picked(request, clip, request_text, lambda: manual.promote(clip.id, source))


def status_error(request: web.Request, problem: Problem) -> web.Response:
    """A problem as `set_manual_from_timestamp` promises it; missing rights are reported as everywhere."""
    if problem.status in {401, 403}:
        return refusal(request, problem)
    error = ManualErrorJson(error=problem.refused.detail, field=problem.refused.field)
    return web.json_response(error.model_dump(), status=problem.status, headers=problem.headers)


async def _picked(
    request: web.Request, clip: Clip, request_text: str, carry_out: Callable[[], Awaitable[Clip]]
) -> web.StreamResponse:
    made: list[Clip] = []

    async def do() -> None:
        made.append(await carry_out())

    async def answer(clip_id: str) -> StoredAnswer:
        changed = made[0]
        if changed.previews.manual is None:
            raise Refused(Kind.PICTURE_REMOVED)
        return StoredAnswer(200, ManualJson.of(changed, changed.previews.manual).model_dump_json())

    return await carried_out(request, Order(request_text, clip.id, do, answer, makes_clip=False))


_CLIP = "/api/clips/{id}"

ROUTES = (
    Route(
        "GET",
        f"{_CLIP}/thumbnail",
        thumbnail,
        Action.VIEW,
        "The preview picture, or a placeholder",
        camera=camera_of_clip,
        query=ThumbnailQuery,
        ignores_unknown_query=True,
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
    Route(
        "POST",
        f"{_CLIP}/set_manual_from_timestamp",
        set_manual,
        Action.MANAGE,
        "Let a frame of the clip stand for it, as PNG",
        camera=camera_of_clip,
        body=ManualRequest,
        response=ManualJson,
        errors=status_error,
        error_response=ManualErrorJson,
    ),
    Route(
        "POST",
        f"{_CLIP}/promote_preview",
        promote,
        Action.MANAGE,
        "Let one of the pictures there are stand for the clip",
        camera=camera_of_clip,
        body=PromoteRequest,
        response=ManualJson,
    ),
)
