"""The box and its history: system, analytics."""

import os
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web

from backend import __version__
from backend.access.actions import Action
from backend.access.streams import StreamKind
from backend.base.machine.host import read_box
from backend.base.times import utc_now
from backend.catalogue.values import Sample, SampleFilter
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, camera_in_query, json_response, query_of
from backend.http.wire.service import (
    AnalyticsJson,
    AnalyticsQuery,
    CameraSamplesJson,
    CameraStorageJson,
    ClipTallyJson,
    ConcernJson,
    DiskJson,
    EncoderJson,
    EncoderTriedJson,
    SampleJson,
    StorageJson,
    SystemJson,
)
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import Transcoder
from recorder.base.threads import in_thread

STEPS_S = {"minute": 60, "hour": 3600, "day": 86400}
MOST_POINTS = 1500


def _encoder(transcoder: Transcoder) -> EncoderJson:
    return EncoderJson(
        name=transcoder.encoder,
        tried=[
            EncoderTriedJson(name=one.name, works=not one.reason, reason=one.reason)
            for one in transcoder.probes
        ],
        running=transcoder.running,
        waiting=transcoder.waiting,
    )


async def system(request: web.Request) -> web.StreamResponse:
    rooms = house(request)
    now = await in_thread(None, partial(read_box, rooms.files.clips_dir, rooms.began_s))
    storage = await rooms.analytics.storage_by_camera()
    return json_response(
        SystemJson(
            version=__version__,
            recorder_id=rooms.recorder_id,
            started_at=rooms.started_at,
            uptime_seconds=now.uptime_s,
            python=now.python,
            platform=now.platform,
            pid=os.getpid(),
            memory_rss_bytes=now.memory_rss_bytes,
            cpu_seconds=now.cpu_s,
            load_average=now.load_average,
            disk=DiskJson(
                total_bytes=now.disk_total_bytes,
                free_bytes=now.disk_free_bytes,
                clips_bytes=sum(camera.size_bytes for camera in storage),
                clips=sum(camera.clips for camera in storage),
            ),
            cameras=[
                CameraStorageJson(camera=one.camera, clips=one.clips, size_bytes=one.size_bytes)
                for one in storage
            ],
            storage=StorageJson.of(rooms.storage.status()),
            encoder=_encoder(rooms.transcoder),
            clock=rooms.cameras.find(None).status().clock,
            event_streams=rooms.events.subscribers,
            live_viewers=rooms.streams.count(StreamKind.LIVE, StreamKind.SOUND),
            concerns=ConcernJson.all_of(rooms.health.concerns),
        )
    )


async def analytics(request: web.Request) -> web.StreamResponse:
    query, principal = query_of(request, AnalyticsQuery), request[PRINCIPAL]
    to = query.to or utc_now()
    from_ = query.from_ or to - timedelta(days=1)
    step_s = _step_s(query.step, from_, to)
    wanted = SampleFilter(from_, to, step_s, query.camera)
    found = await house(request).analytics.samples(wanted)
    by_camera: dict[str, list[Sample]] = {}
    for sample in found:
        if principal.may(Action.VIEW, sample.camera):
            by_camera.setdefault(sample.camera, []).append(sample)
    cameras = [
        CameraSamplesJson(camera=camera, samples=[SampleJson.of(sample) for sample in samples])
        for camera, samples in sorted(by_camera.items())
    ]
    clips = [
        ClipTallyJson(camera=one.camera, at=one.at, clips=one.clips, size_bytes=one.size_bytes)
        for one in await house(request).analytics.clips_by_quarter(wanted)
        if principal.may(Action.VIEW, one.camera)
    ]
    answer = AnalyticsJson(from_=from_, to=to, step_seconds=step_s, cameras=cameras, clips=clips)
    return json_response(answer)


def _step_s(step: str | None, from_: datetime, to: datetime) -> int:
    length_s = (to - from_).total_seconds()
    if length_s <= 0:
        raise Refused(Kind.QUERY_SPAN_BACKWARDS, field="to")
    if step is None:
        fitting = [candidate for candidate in STEPS_S.values() if length_s / candidate <= MOST_POINTS]
        step_s = fitting[0] if fitting else STEPS_S["day"]
    else:
        step_s = STEPS_S[step]
    if length_s / step_s > 5 * MOST_POINTS:
        raise Refused(Kind.TOO_MANY_POINTS, field="step")
    return step_s


ROUTES = (
    Route("GET", "/api/system", system, Action.ADMIN, "The box itself", response=SystemJson),
    Route(
        "GET",
        "/api/analytics",
        analytics,
        Action.VIEW,
        "What each camera did: frame rate, fill, drops, seconds in each state, bytes",
        camera=camera_in_query,
        query=AnalyticsQuery,
        response=AnalyticsJson,
    ),
)
