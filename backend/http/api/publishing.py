"""Publishing, the feed, drafts, likes and batches. Parses and answers; `backend.clips` does the work."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from backend.access.actions import Action
from backend.catalogue.lifecycle import Status
from backend.catalogue.values import Clip, ClipFilter, MediaType
from backend.clips.batch import BatchResult
from backend.clips.idempotency import Order, StoredAnswer
from backend.http.api.clips import camera_of_clip, carried_out, clip_in_path, clip_list
from backend.http.clip_writer import ClipWriter
from backend.http.handles import PRINCIPAL, house
from backend.http.problems import problem_of
from backend.http.routes import Route, body_of, json_response, query_of
from backend.http.wire.clips import ClipJson, ClipListJson
from backend.http.wire.publishing import (
    BatchErrorJson,
    BatchJson,
    BatchRequest,
    BatchResultJson,
    FeedQuery,
    LikeJson,
    PublishRequest,
)
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

NOT_PUBLISHED = frozenset(Status) - {Status.PUBLISHED}


async def publish(request: web.Request) -> web.StreamResponse:
    body, publishing = body_of(request, PublishRequest), house(request).publishing
    return await _verb(
        request,
        f"publish {body.model_dump_json()}",
        lambda clip_id: publishing.publish(clip_id, caption=body.caption, at=body.at),
    )


async def unpublish(request: web.Request) -> web.StreamResponse:
    return await _verb(request, "unpublish", house(request).publishing.unpublish)


async def like(request: web.Request) -> web.StreamResponse:
    visitor = request[PRINCIPAL].visitor
    return await _verb(request, "like", lambda clip_id: house(request).publishing.like(clip_id, visitor))


async def unlike(request: web.Request) -> web.StreamResponse:
    visitor = request[PRINCIPAL].visitor
    return await _verb(request, "unlike", lambda clip_id: house(request).publishing.unlike(clip_id, visitor))


async def liked(request: web.Request) -> web.StreamResponse:
    clip = await clip_in_path(request)
    by_me = await house(request).publishing.is_liked(clip.id, request[PRINCIPAL].visitor)
    return json_response(LikeJson(clip_id=clip.id, likes=clip.likes, liked=by_me))


async def feed(request: web.Request) -> web.StreamResponse:
    query = query_of(request, FeedQuery)
    wanted = _filter(query, frozenset())
    return clip_list(request, await house(request).publishing.feed(wanted, query.cursor, query.limit))


async def drafts(request: web.Request) -> web.StreamResponse:
    query = query_of(request, FeedQuery)
    wanted = _filter(query, NOT_PUBLISHED)
    return clip_list(request, await house(request).clips.list(wanted, query.cursor, query.limit))


async def batch(request: web.Request) -> web.StreamResponse:
    body, principal = body_of(request, BatchRequest), request[PRINCIPAL]
    if body.action != "publish" and (body.caption is not None or body.at is not None):
        field = "caption" if body.caption is not None else "at"
        raise Refused(Kind.ONLY_WHEN_PUBLISHING, field=field)
    results: list[BatchJson] = []

    async def carry_out() -> None:
        done = await house(request).batch.run(body.order(), principal)
        results.append(
            _batch_json(body.action, [_result_json(one, house(request).clip_writer) for one in done])
        )

    async def answer(_subject: str) -> StoredAnswer:
        return StoredAnswer(200, results[-1].model_dump_json())

    order = Order(
        request=f"batch {body.model_dump_json()}",
        subject="",
        carry_out=carry_out,
        answer=answer,
        makes_clip=False,
    )
    return await carried_out(request, order)


def _batch_json(action: str, results: list[BatchResultJson]) -> BatchJson:
    done = sum(result.ok for result in results)
    return BatchJson(action=action, done=done, failed=len(results) - done, results=results)


def _result_json(result: BatchResult, writer: ClipWriter) -> BatchResultJson:
    clip = None if result.clip is None else writer.json(result.clip)
    if result.refused is None:
        return BatchResultJson(id=result.clip_id, ok=True, clip=clip, error=None)
    problem = problem_of(result.refused)
    error = BatchErrorJson(status=problem.status, **result.refused.words())
    return BatchResultJson(id=result.clip_id, ok=False, clip=clip, error=error)


def _filter(query: FeedQuery, statuses: frozenset[Status]) -> ClipFilter:
    media_type = None if query.media_type is None else MediaType(query.media_type)
    return ClipFilter(statuses=statuses, camera=query.camera, q=query.q, media_type=media_type)


async def _verb(
    request: web.Request, verb: str, carry_out: Callable[[str], Awaitable[Clip]]
) -> web.StreamResponse:
    clips = house(request).clips
    clip_id = (await clips.get(request.match_info["id"])).id

    async def answer(subject: str) -> StoredAnswer:
        return StoredAnswer(200, house(request).clip_writer.json(await clips.get(subject)).model_dump_json())

    order = Order(
        request=f"{verb} {clip_id}",
        subject=clip_id,
        carry_out=lambda: carry_out(clip_id),
        answer=answer,
        makes_clip=False,
    )
    return await carried_out(request, order)


_CLIP = "/api/clips/{id}"

ROUTES = (
    Route(
        "POST",
        f"{_CLIP}/publish",
        publish,
        Action.MANAGE,
        "Publish a draft, now or at a later time; again changes that time",
        camera=camera_of_clip,
        body=PublishRequest,
        body_required=False,
        response=ClipJson,
    ),
    Route(
        "POST",
        f"{_CLIP}/unpublish",
        unpublish,
        Action.MANAGE,
        "Back to the drafts; a time to publish at is forgotten",
        camera=camera_of_clip,
        response=ClipJson,
    ),
    Route(
        "POST",
        f"{_CLIP}/like",
        like,
        Action.VIEW,
        "Like a clip; counted once per visitor",
        camera=camera_of_clip,
        response=ClipJson,
    ),
    Route(
        "DELETE",
        f"{_CLIP}/like",
        unlike,
        Action.VIEW,
        "Take a like back",
        camera=camera_of_clip,
        response=ClipJson,
    ),
    Route(
        "GET",
        f"{_CLIP}/like",
        liked,
        Action.VIEW,
        "How many like a clip, and whether you do",
        camera=camera_of_clip,
        response=LikeJson,
    ),
    Route(
        "GET",
        "/api/feed",
        feed,
        Action.VIEW,
        "What is published, the latest publication first",
        query=FeedQuery,
        response=ClipListJson,
    ),
    Route(
        "GET",
        "/api/drafts",
        drafts,
        Action.VIEW,
        "What is not published, the newest recording first",
        query=FeedQuery,
        response=ClipListJson,
    ),
    Route(
        "POST",
        "/api/clips/batch",
        batch,
        # To look at clips is all it takes to ask; what may be done to each is judged by its camera.
        Action.VIEW,
        "Publish, unpublish, delete or retry many clips; a result for each",
        body=BatchRequest,
        response=BatchJson,
    ),
)
