"""What a recording costs before one presses: bytes, hours, credits."""

from collections.abc import Sequence

from aiohttp import web

from backend.access.actions import Action
from backend.http.handles import PRINCIPAL, House, house
from backend.http.routes import Route, camera_in_query, json_response, query_of
from backend.http.wire.budget import (
    BudgetJson,
    BudgetQuery,
    CameraBudgetJson,
    CreditsJson,
    EstimateJson,
    RoomJson,
)
from backend.retention.disk_room import OPEN_ENDED_S
from backend.retention.estimates import clip_rate, snapshot_bytes
from recorder import Recorder


async def budget(request: web.Request) -> web.StreamResponse:
    query, rooms = query_of(request, BudgetQuery), house(request)
    keeping = rooms.retention
    await keeping.room.check()
    room = keeping.room
    seconds = query.seconds or _usual_s(rooms)
    available = max(0, room.free_bytes - room.reserve_bytes)
    cameras = [await _of_camera(rooms, one, seconds, available) for one in _recorders(request, query.camera)]
    return json_response(
        BudgetJson(
            seconds=seconds,
            cameras=cameras,
            disk=RoomJson(
                total_bytes=room.total_bytes,
                free_bytes=room.free_bytes,
                reserve_bytes=room.reserve_bytes,
                available_bytes=available,
                refusal=room.reason,
            ),
            hours_left=_mean_hours(cameras, available),
            credits=CreditsJson.of(await keeping.budget.credits()),
        )
    )


def _recorders(request: web.Request, camera: str | None) -> Sequence[Recorder]:
    cameras = house(request).cameras
    if camera is not None:
        return [cameras.find(camera)]
    principal = request[PRINCIPAL]
    return [one for one in cameras if principal.may(Action.VIEW, one.settings.camera_id)]


def _usual_s(rooms: House) -> float:
    defaults = rooms.clips.defaults
    after_s = OPEN_ENDED_S if defaults.after_seconds is None else defaults.after_seconds
    return defaults.before_seconds + after_s or OPEN_ENDED_S


async def _of_camera(rooms: House, recorder: Recorder, seconds: float, available: int) -> CameraBudgetJson:
    camera = recorder.settings.camera_id
    status = recorder.status()
    recorded = await rooms.retention.budget.recorded(camera)
    rate = clip_rate(status, recorded)
    return CameraBudgetJson(
        camera=camera,
        bytes_per_second=None if rate is None else round(rate.amount),
        clip=EstimateJson.of(rate, seconds),
        snapshot=EstimateJson.of(snapshot_bytes(status, recorded)),
        hours_left=_hours(available, rate.amount if rate else None),
    )


def _hours(available: int, rate: float | None) -> float | None:
    return round(available / rate / 3600, 2) if rate else None


def _mean_hours(cameras: Sequence[CameraBudgetJson], available: int) -> float | None:
    rates = [one.bytes_per_second for one in cameras if one.bytes_per_second]
    return _hours(available, sum(rates) / len(rates)) if rates else None


ROUTES = (
    Route(
        "GET",
        "/api/budget",
        budget,
        Action.VIEW,
        "What a clip and a snapshot take, what is free, how many hours that is, credits",
        camera=camera_in_query,
        query=BudgetQuery,
        response=BudgetJson,
    ),
)
