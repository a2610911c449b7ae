"""The composition root: the only place that chooses concrete parts, and the order they start and end in.

Start: what all rooms stand on, salvage of what an earlier process left, the rooms, jobs, HTTP, ready.
End: the reverse. The caller of `running` holds the data lock.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from backend.access.access_key import AccessKey
from backend.access.gate import SWEEP_S, Access
from backend.access.parts import open_access
from backend.base.loop_errors import counted_loop_errors
from backend.base.machine import descriptors
from backend.base.machine.host import boot_s
from backend.base.scheduler import Scheduler
from backend.base.shipped import CHECK_PAGE, WEB, shipped
from backend.base.times import utc_now
from backend.cameras.parts import CameraRoom, open_cameras
from backend.catalogue import Clip
from backend.clips.parts import ClipRoom, open_clips
from backend.clips.recorder_events import RecorderInbox
from backend.clips.recordings import ClipServices
from backend.config.model import Config
from backend.events.clip_events import ClipEvents
from backend.foundation.foundation import Foundation, open_foundation
from backend.http.api import all_routes
from backend.http.clip_writer import ClipWriter
from backend.http.connections import Connections
from backend.http.handles import House
from backend.http.routes import Route
from backend.http.server import listen, make_application, open_local_socket
from backend.http.static import PagePolicy, Site
from backend.http.tls import open_tls
from backend.http.wire.writers import WRITERS
from backend.metrics.analytics import Analytics, open_analytics
from backend.metrics.metrics import Metrics
from backend.pictures.parts import PictureRoom, open_pictures
from backend.playback.parts import PlaybackRoom, open_playback
from backend.recovery.recovery import recover
from backend.reload.reloader import Reloader
from backend.retention.parts import RetentionRoom, open_budget, open_disk_room, open_retention
from backend.schedules.parts import ScheduleRoom, open_schedules
from backend.storage.storage import Storage, open_storage, open_store, public_url
from recorder.base.tasks import Tasks
from recorder.base.values import ClockStepped

_log = logging.getLogger(__name__)


class Room(Protocol):
    """What every room has. Some also `start` jobs and `follow` the configuration."""

    async def close(self) -> None: ...
    def numbers(self) -> Mapping[str, float]: ...


R = TypeVar("R", bound=Room)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The use cases, in the order in which they are opened."""

    analytics: Analytics
    cameras: CameraRoom
    playback: PlaybackRoom
    storage: Storage
    pictures: PictureRoom
    clips: ClipRoom
    retention: RetentionRoom
    schedules: ScheduleRoom
    tasks: Tasks
    all: Sequence[Room]


@dataclass(frozen=True, slots=True)
class RunningDaemon:
    """A daemon that is ready: where it listens, as SCHEME://HOST:PORT, how it takes a new configuration."""

    address: str
    reloader: Reloader
    access: Access


@asynccontextmanager
async def running(config: Config, key: AccessKey) -> AsyncIterator[RunningDaemon]:
    """A daemon from start to end."""
    async with open_foundation(config) as base, AsyncExitStack() as stack:
        base.health.waiting_for = "recordings of an earlier run to be finished"
        recovered = await recover(base)
        metrics = Metrics()
        stack.enter_context(counted_loop_errors(partial(metrics.failed, "loop")))
        rooms = await _open_rooms(stack, base, metrics)
        rooms.clips.finish_again(recovered.to_transcode)
        tls = await open_tls(config)
        follows = [rooms.clips.follow, rooms.retention.follow, rooms.schedules.follow]
        reloader = Reloader(
            config, rooms.cameras, base.events, follows if tls is None else [*follows, tls.follow]
        )
        access = await open_access(config.server, base.catalogue, key)
        connections = Connections(base.health, descriptors.limit(), access.rules.proxies.trusts)
        _start_jobs(stack, base, rooms, metrics, access, connections)
        policy = PagePolicy(rooms.storage.browser_origin, config.server.frame_ancestors)
        routes = await asyncio.to_thread(_read_routes, policy, base.recorder_id)
        house = _house(base, rooms, access, metrics, reloader, connections)
        app = make_application(routes, house, policy)
        local = await open_local_socket(stack, base.runtime_dir, access.rules.local_owners.gid)
        address = await listen(stack, app, config.server, tls, local)
        base.health.waiting_for = None
        try:
            yield RunningDaemon(address, reloader, access)
        finally:
            base.health.waiting_for = "the end: the daemon is being stopped"
            base.events.close()
            rooms.cameras.viewers.close()


async def _open_rooms(stack: AsyncExitStack, base: Foundation, metrics: Metrics) -> Rooms:
    """Every room after those it needs. The cameras fill their buffers while the others open."""
    opened: list[Room] = []

    def closing(room: R) -> R:
        stack.push_async_callback(room.close)
        opened.append(room)
        return room

    analytics = closing(open_analytics(base))
    inbox = RecorderInbox()
    cameras = closing(await open_cameras(base, inbox.put))
    await cameras.start()
    store = await asyncio.to_thread(open_store, base.config.storage)
    clip_events = ClipEvents(base.events, WRITERS.clip, partial(public_url, store))
    disk_room = open_disk_room(base, cameras.cameras)
    budget = open_budget(base, disk_room)
    playback = closing(open_playback(base, store, clip_events, lambda: disk_room.shortage))
    playback.metrics.register(metrics.registry)
    storage = closing(open_storage(base, store, clip_events, playback.clean_copies.to_share))
    pictures = closing(open_pictures(base, clip_events, playback.clip_bytes, playback.indexes))
    services = ClipServices(base, cameras.cameras, pictures.previews, clip_events, budget, WRITERS.camera)
    clips = closing(open_clips(services, inbox, metrics.failed))
    on_deleted = partial(_on_deleted, clips, analytics)
    retention = closing(await open_retention(base, disk_room, budget, on_deleted, storage.copies))
    schedules = closing(await open_schedules(clips, WRITERS))
    tasks = Tasks()
    stack.push_async_callback(tasks.close)
    return Rooms(
        analytics=analytics,
        cameras=cameras,
        playback=playback,
        storage=storage,
        pictures=pictures,
        clips=clips,
        retention=retention,
        schedules=schedules,
        tasks=tasks,
        all=opened,
    )


def _on_deleted(clips: ClipRoom, analytics: Analytics, clip: Clip) -> None:
    """Retention deleted a clip."""
    clips.clips.forget(clip)
    analytics.removed(clip.camera, clip.size_bytes or 0)


def _start_jobs(
    stack: AsyncExitStack,
    base: Foundation,
    rooms: Rooms,
    metrics: Metrics,
    access: Access,
    connections: Connections,
) -> None:
    """Begin what goes on for the daemon's life."""

    async def check_clock() -> None:
        if (stepped_s := base.labels.check()) is not None:
            _log.warning("the wall clock was set by %+.1f s; labels moved with it", stepped_s)
            rooms.clips.inbox.put(ClockStepped(stepped_s))

    scheduler = Scheduler(metrics.failed)
    scheduler.every(1, "clock", check_clock)
    scheduler.every(SWEEP_S, "streams", access.end_stale_streams)
    scheduler.every(10, "descriptors", connections.look)
    scheduler.every(3600, "sessions", base.catalogue.expire_sessions)
    rooms.analytics.start(scheduler, rooms.cameras.cameras.statuses)
    for room in (rooms.clips, rooms.pictures, rooms.retention, rooms.schedules):
        room.start(scheduler)
    rooms.storage.start()
    scheduler.start()
    stack.push_async_callback(scheduler.close)
    rooms.tasks.spawn(asyncio.to_thread(base.workers.start), "workers")
    rooms.tasks.spawn(rooms.pictures.previews.catch_up(base.recorder_id), "missing previews")
    rooms.tasks.spawn(base.catalogue.renew_search(base.recorder_id), "words to search")
    rooms.tasks.spawn(metrics.watch_loop(), "loop lag")


def _house(
    base: Foundation,
    rooms: Rooms,
    access: Access,
    metrics: Metrics,
    reloader: Reloader,
    connections: Connections,
) -> House:
    def numbers() -> Mapping[str, float]:
        counted: dict[str, float] = {"wrong_keys_total": access.attempts.failures}
        for read in (
            base.numbers,
            reloader.numbers,
            connections.numbers,
            access.streams.numbers,
            *(room.numbers for room in rooms.all),
        ):
            counted |= read()
        counted["task_failures_total"] = rooms.tasks.failures + rooms.clips.tasks.failures
        return counted

    return House(
        access=access,
        analytics=rooms.analytics,
        archives=rooms.playback.archives,
        batch=rooms.clips.batch,
        cameras=rooms.cameras.cameras,
        clip_writer=ClipWriter(rooms.clips.services.clip_events),
        clips=rooms.clips.clips,
        connections=connections,
        events=base.events,
        files=base.files,
        health=base.health,
        idempotency=rooms.clips.idempotency,
        manual_pictures=rooms.pictures.manual,
        metrics=metrics,
        numbers=numbers,
        pictures=rooms.pictures.pictures,
        playback=rooms.playback.playback,
        publishing=rooms.clips.publishing,
        replays=rooms.cameras.replays,
        retention=rooms.retention,
        schedules=rooms.schedules.schedules,
        storage=rooms.storage,
        streams=access.streams,
        transcoder=base.finisher.transcoder,
        viewers=rooms.cameras.viewers,
        recorder_id=base.recorder_id,
        started_at=utc_now(),
        began_s=boot_s(),
    )


def _read_routes(policy: PagePolicy, box: str) -> tuple[Route, ...]:
    """Imports the API and reads the page's files: for a thread."""
    return (*all_routes(), *Site(shipped(WEB), shipped(CHECK_PAGE), policy, box).routes())
