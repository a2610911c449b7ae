"""Schedules: list, make, change, delete, and what became of them. Parses and answers only."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.base.ids import new_id
from backend.clips.idempotency import Order, SentKey, StoredAnswer
from backend.http.canonical import OWN_PATH
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, body_of, camera_in_query, json_response, query_of
from backend.http.wire.schedules import (
    FIELDS,
    RunJson,
    RunListJson,
    RunQuery,
    ScheduleJson,
    ScheduleListJson,
    SchedulePatch,
    ScheduleQuery,
    ScheduleRequest,
)
from backend.problems.refused import Refused


async def camera_of_schedule(request: web.Request) -> str | None:
    """The camera of the schedule in the path; None when there is none (the handler answers 404)."""
    return await house(request).schedules.camera_of(request.match_info["id"])


async def list_schedules(request: web.Request) -> web.StreamResponse:
    schedules, principal = house(request).schedules, request[PRINCIPAL]
    found = await schedules.every(query_of(request, ScheduleQuery).camera)
    seen = [schedule for schedule in found if principal.may(Action.VIEW, schedule.spec.camera)]
    return json_response(
        ScheduleListJson(schedules=[ScheduleJson.of(view) for view in await schedules.views(seen)])
    )


async def get_schedule(request: web.Request) -> web.StreamResponse:
    view = await house(request).schedules.view(request.match_info["id"])
    return json_response(ScheduleJson.of(view))


async def list_runs(request: web.Request) -> web.StreamResponse:
    limit = query_of(request, RunQuery).limit
    runs = await house(request).schedules.runs(request.match_info["id"], limit)
    return json_response(RunListJson(runs=[RunJson.of(run) for run in runs]))


async def create(request: web.Request) -> web.StreamResponse:
    body, schedules, schedule_id = body_of(request, ScheduleRequest), house(request).schedules, new_id()
    spec = body.spec(_may_manage(request, body.camera), schedules.timezone)

    async def carry_out() -> None:
        with _fields_as_in_json():
            await schedules.create(spec, schedule_id)

    async def answer(made: str) -> StoredAnswer:
        return StoredAnswer(201, ScheduleJson.of(await schedules.view(made)).model_dump_json())

    order = Order(
        request=f"{request[OWN_PATH]} {body.model_dump_json(exclude_unset=True)}",
        subject=schedule_id,
        carry_out=carry_out,
        answer=answer,
        makes_clip=False,
    )
    key = request.headers.get("Idempotency-Key")
    if key is None:
        await order.carry_out()
        stored = await order.answer(schedule_id)
    else:
        stored = await house(request).idempotency.once(SentKey(request[PRINCIPAL].holder, key), order)
    headers = {"Location": f"/api/schedules/{schedule_id}"} if not stored.replayed else {}
    return web.Response(
        body=stored.body.encode(), status=stored.status, content_type="application/json", headers=headers
    )


async def patch(request: web.Request) -> web.StreamResponse:
    body, schedules = body_of(request, SchedulePatch), house(request).schedules
    if "camera" in body.model_fields_set:
        _may_manage(request, body.camera)
    with _fields_as_in_json():
        changed = await schedules.change(request.match_info["id"], body.changes())
    return json_response(ScheduleJson.of(await schedules.view(changed.id)))


async def delete(request: web.Request) -> web.StreamResponse:
    await house(request).schedules.delete(request.match_info["id"])
    return web.Response(status=204)


def _may_manage(request: web.Request, camera: str | None) -> str:
    """The camera's id. It stands in the body, so the route itself could not judge by it."""
    camera_id = house(request).cameras.find(camera).settings.camera_id
    authorise(request[PRINCIPAL], Action.MANAGE, camera_id)
    return camera_id


@contextmanager
def _fields_as_in_json() -> Iterator[None]:
    """A refused schedule names its field as config.yaml does; JSON has other names for two."""
    try:
        yield
    except Refused as refused:
        params = {name: FIELDS.get(str(value), value) for name, value in refused.params.items()}
        field = refused.field
        named = None if field is None else FIELDS.get(field, field)
        raise Refused(refused.kind, field=named, **params) from refused


_SCHEDULE = "/api/schedules/{id}"

ROUTES = (
    Route(
        "GET",
        "/api/schedules",
        list_schedules,
        Action.VIEW,
        "Schedules of recordings and timelapses, with their next times and newest run",
        camera=camera_in_query,
        query=ScheduleQuery,
        response=ScheduleListJson,
    ),
    Route(
        "POST",
        "/api/schedules",
        create,
        Action.MANAGE,
        "Record by the clock, or make a timelapse",
        body=ScheduleRequest,
        response=ScheduleJson,
        status=201,
    ),
    Route(
        "GET",
        _SCHEDULE,
        get_schedule,
        Action.VIEW,
        "One schedule",
        camera=camera_of_schedule,
        response=ScheduleJson,
    ),
    Route(
        "PATCH",
        _SCHEDULE,
        patch,
        Action.MANAGE,
        "Change a schedule; it counts after what is under way",
        camera=camera_of_schedule,
        body=SchedulePatch,
        response=ScheduleJson,
    ),
    Route(
        "DELETE",
        _SCHEDULE,
        delete,
        Action.MANAGE,
        "Delete a schedule and its history; clips stay",
        camera=camera_of_schedule,
        status=204,
    ),
    Route(
        "GET",
        f"{_SCHEDULE}/runs",
        list_runs,
        Action.VIEW,
        "What was due, when it ran, and why it did not; newest first",
        camera=camera_of_schedule,
        query=RunQuery,
        response=RunListJson,
    ),
)
