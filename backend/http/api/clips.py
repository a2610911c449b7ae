"""Clips and snapshots: make, read, change, delete. Parses and answers; `backend.clips` does the work."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import BaseModel

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.base.ids import new_id
from backend.catalogue.values import Clip, ClipFilter, ClipPage, MediaType
from backend.clips.idempotency import Order, SentKey, StoredAnswer
from backend.http.canonical import OWN_PATH
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, body_of, json_response, query_of
from backend.http.wire.clips import (
    ClipJson,
    ClipListJson,
    ClipPatch,
    ClipQuery,
    ClipRequest,
    ExtendRequest,
    SnapshotRequest,
    parse_statuses,
)
from backend.http.wire.times import RequestModel
from backend.problems.kinds import Kind
from backend.problems.refused import Refused


async def clip_in_path(request: web.Request) -> Clip:
    """The clip that the address names. Raises the 404 of an unknown one."""
    return await house(request).clips.get(request.match_info["id"])


async def camera_of_clip(request: web.Request) -> str | None:
    """The camera of the clip in the path; None when there is none (the handler answers 404)."""
    return await house(request).clips.camera_of(request.match_info["id"])


async def create(request: web.Request) -> web.StreamResponse:
    body = body_of(request, ClipRequest)
    _may_record(request, body.camera)
    clips, clip_id = house(request).clips, new_id()
    return await _once(request, body, clip_id, lambda: clips.create(body.options(), clip_id), status=201)


async def snapshot(request: web.Request) -> web.StreamResponse:
    body = body_of(request, SnapshotRequest)
    _may_record(request, body.camera)
    clips, clip_id = house(request).clips, new_id()
    return await _once(request, body, clip_id, lambda: clips.snapshot(body.options(), clip_id), status=201)


async def list_clips(request: web.Request) -> web.StreamResponse:
    query = query_of(request, ClipQuery)
    statuses = parse_statuses(query.status)
    if query.from_ is not None and query.to is not None and query.to <= query.from_:
        raise Refused(Kind.QUERY_SPAN_BACKWARDS, field="to")
    wanted = ClipFilter(
        statuses=statuses,
        camera=query.camera,
        q=query.q,
        from_=query.from_,
        to=query.to,
        media_type=None if query.media_type is None else MediaType(query.media_type),
        keep=query.keep,
    )
    return clip_list(request, await house(request).clips.list(wanted, query.cursor, query.limit))


async def get_clip(request: web.Request) -> web.StreamResponse:
    return json_response(house(request).clip_writer.json(await clip_in_path(request)))


async def patch(request: web.Request) -> web.StreamResponse:
    changes = body_of(request, ClipPatch).changes()
    changed = await house(request).clips.change(request.match_info["id"], changes)
    return json_response(house(request).clip_writer.json(changed))


async def delete(request: web.Request) -> web.StreamResponse:
    await house(request).clips.delete(request.match_info["id"])
    return web.Response(status=204)


async def stop(request: web.Request) -> web.StreamResponse:
    return await _verb(request, "stop", house(request).clips.stop)


async def retry(request: web.Request) -> web.StreamResponse:
    return await _verb(request, "retry", house(request).clips.retry)


async def extend(request: web.Request) -> web.StreamResponse:
    seconds = body_of(request, ExtendRequest).seconds
    clips = house(request).clips
    return await _verb(request, f"extend {seconds}", lambda clip_id: clips.extend(clip_id, seconds))


def clip_list(request: web.Request, page: ClipPage) -> web.Response:
    """A ClipListJson of what of a page the caller may see; clips written before are not written again."""
    principal, writer = request[PRINCIPAL], house(request).clip_writer
    seen = [writer.written(clip) for clip in page.items if principal.may(Action.VIEW, clip.camera)]
    cursor = json.dumps(page.next_cursor).encode()
    body = b'{"clips":[' + b",".join(seen) + b'],"next_cursor":' + cursor + b"}"
    return web.Response(body=body, content_type="application/json")


def _may_record(request: web.Request, camera: str | None) -> None:
    """The camera stands in the body, so the route itself could not judge by it."""
    recorder = house(request).cameras.find(camera)
    authorise(request[PRINCIPAL], Action.RECORD, recorder.settings.camera_id)


async def _verb(
    request: web.Request, verb: str, carry_out: Callable[[str], Awaitable[object]]
) -> web.StreamResponse:
    clip_id = request.match_info["id"]
    await house(request).clips.get(clip_id)
    return await carried_out(
        request,
        Order(
            request=f"{verb} {clip_id}",
            subject=clip_id,
            carry_out=lambda: carry_out(clip_id),
            answer=lambda found: _answer(request, found, 200),
            makes_clip=False,
        ),
    )


async def _once(
    request: web.Request,
    body: RequestModel,
    clip_id: str,
    carry_out: Callable[[], Awaitable[object]],
    *,
    status: int,
) -> web.StreamResponse:
    order = Order(
        request=f"{request[OWN_PATH]} {_canonical(body)}",
        subject=clip_id,
        carry_out=carry_out,
        answer=lambda found: _answer(request, found, status),
    )
    return await carried_out(request, order)


async def carried_out(request: web.Request, order: Order) -> web.StreamResponse:
    """Carry `order` out, once if the request has an Idempotency-Key, and answer."""
    key = request.headers.get("Idempotency-Key")
    sent = None if key is None else SentKey(request[PRINCIPAL].holder, key)
    stored = await house(request).idempotency.once(sent, order)
    headers = {"Idempotent-Replayed": "true"} if stored.replayed else {}
    if stored.status == 201:
        headers["Location"] = f"/api/clips/{ClipJson.model_validate_json(stored.body).id}"
    return web.Response(
        text=stored.body, status=stored.status, headers=headers, content_type="application/json"
    )


async def _answer(request: web.Request, clip_id: str, status: int) -> StoredAnswer:
    clip = await house(request).clips.get(clip_id)
    return StoredAnswer(status, house(request).clip_writer.json(clip).model_dump_json())


def _canonical(body: BaseModel) -> str:
    return body.model_dump_json(exclude_unset=True)


_CLIP = "/api/clips/{id}"

ROUTES = (
    Route(
        "POST",
        "/api/clips",
        create,
        Action.RECORD,
        "Record: seconds around a moment, or a span of the buffer",
        body=ClipRequest,
        body_required=False,
        response=ClipJson,
        status=201,
    ),
    Route(
        "GET",
        "/api/clips",
        list_clips,
        Action.VIEW,
        "Clips and snapshots, newest first",
        query=ClipQuery,
        response=ClipListJson,
    ),
    Route("GET", _CLIP, get_clip, Action.VIEW, "One clip", camera=camera_of_clip, response=ClipJson),
    Route(
        "PATCH",
        _CLIP,
        patch,
        Action.MANAGE,
        "Change title, caption, tags, thumbnail or keep",
        camera=camera_of_clip,
        body=ClipPatch,
        response=ClipJson,
    ),
    Route(
        "DELETE",
        _CLIP,
        delete,
        Action.MANAGE,
        "Delete a clip; a recording under way is stopped and discarded",
        camera=camera_of_clip,
        status=204,
    ),
    Route(
        "POST",
        f"{_CLIP}/stop",
        stop,
        Action.RECORD,
        "End a recording now",
        camera=camera_of_clip,
        response=ClipJson,
    ),
    Route(
        "POST",
        f"{_CLIP}/extend",
        extend,
        Action.RECORD,
        "Move the planned end of a recording later",
        camera=camera_of_clip,
        body=ExtendRequest,
        response=ClipJson,
    ),
    Route(
        "POST",
        f"{_CLIP}/retry",
        retry,
        Action.RECORD,
        "Finish a failed clip again from what was recorded",
        camera=camera_of_clip,
        response=ClipJson,
    ),
    Route(
        "POST",
        "/api/snapshots",
        snapshot,
        Action.RECORD,
        "Keep one frame as an image",
        body=SnapshotRequest,
        body_required=False,
        response=ClipJson,
        status=201,
    ),
)
