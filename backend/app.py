"""The composition root: the only place that chooses concrete parts, and the order they start and end in.

Start: directories and catalogue, salvage of what an earlier process left, recorders, jobs, HTTP,
ready. End: the reverse. Whoever calls `running` holds the data lock.
"""

import asyncio
import logging
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp import web

from backend.access.access_key import AccessKey
from backend.access.gate import Access
from backend.access.peers import Hosts
from backend.access.sessions import Sessions
from backend.base.health import Health
from backend.base.host import boot_s
from backend.base.ids import new_id, recorder_id
from backend.base.scheduler import Scheduler
from backend.base.shipped import CHECK_PAGE, WEB, shipped
from backend.base.times import utc_now
from backend.cameras.cameras import Cameras, camera_settings
from backend.cameras.replays import OpenReplays
from backend.cameras.viewers import Viewers
from backend.catalogue import Catalogue, Clip
from backend.clips.batch import Batch
from backend.clips.clips import Clips
from backend.clips.idempotency import Idempotency
from backend.clips.publishing import PublishCounters, Publishing
from backend.clips.recorder_events import RecorderInbox
from backend.clips.recordings import Desk, Recordings
from backend.config.model import Config, TlsConfig
from backend.events.clip_events import ClipNews
from backend.events.log import EventLog
from backend.foundation.local_files import LocalFiles
from backend.http.api import all_routes
from backend.http.clip_writer import ClipWriter
from backend.http.handles import House
from backend.http.routes import Route
from backend.http.server import make_application, make_runner
from backend.http.static import Site
from backend.http.tls import renew, server_context
from backend.http.wire.writers import WRITERS
from backend.metrics.analytics import Analytics
from backend.metrics.metrics import Metrics
from backend.pictures.parts import PictureParts, Picturing, open_picturing
from backend.pictures.pictures import THUMBNAILS, PictureCounters
from backend.playback.archive import ArchiveCounters, Archives
from backend.playback.parts import Places as PlayingPlaces
from backend.playback.parts import Playing, media_origin, open_playing
from backend.recovery.recovery import Places, Recovery, RecoveryReport
from backend.reload.reloader import ReloadCounters, Reloader
from backend.retention.garbage import GarbageSweep
from backend.retention.parts import Housekeeping, HouseParts
from backend.schedules.parts import ScheduleRoom, schedule_room
from backend.storage.storage import Storage, StorageParts, make_storage, open_store, public_url
from recorder import Finisher, Recorder, RecorderPlaces, RecorderTools, TranscodeCounters, Transcoder
from recorder.base.clock import LabelLine, SystemClock
from recorder.base.settings import CameraSettings
from recorder.base.tasks import Tasks
from recorder.base.values import ClockStepped
from recorder.base.workers import WorkerCounters, WorkerPool

_log = logging.getLogger(__name__)

DISK_THREADS, FINISHING_THREADS, LIVE_THREADS, WORKERS = 4, 2, 1, 2
KEEP_IDEMPOTENCY_KEYS = timedelta(hours=24)

_Counters = (
    TranscodeCounters | WorkerCounters | ReloadCounters | PublishCounters | ArchiveCounters | PictureCounters
)


@dataclass(frozen=True, slots=True)
class Foundation:
    """What everything else stands on."""

    config: Config
    recorder_id: str
    catalogue: Catalogue
    files: LocalFiles
    events: EventLog
    health: Health
    labels: LabelLine
    workers: WorkerPool
    disk: ThreadPoolExecutor
    finisher: Finisher
    live: ThreadPoolExecutor


@dataclass(frozen=True, slots=True)
class Rooms:
    """The use cases."""

    cameras: Cameras
    news: ClipNews
    storage: Storage
    picturing: Picturing
    replays: OpenReplays
    inbox: RecorderInbox
    desk: Desk
    recordings: Recordings
    clips: Clips
    publishing: Publishing
    playing: Playing
    archives: Archives
    idempotency: Idempotency
    viewers: Viewers
    analytics: Analytics
    garbage: GarbageSweep
    housekeeping: Housekeeping
    schedules: ScheduleRoom
    reloader: Reloader
    tasks: Tasks


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that is ready: where it listens, as SCHEME://HOST:PORT, how it takes a new configuration."""

    address: str
    reloader: Reloader


@asynccontextmanager
async def running(config: Config, key: AccessKey) -> AsyncIterator[Running]:
    """A daemon from start to end."""
    async with AsyncExitStack() as stack:
        base = await _lay_foundation(stack, config)
        health = base.health
        health.waiting_for = "recordings of an earlier run to be finished"
        recovered = await _recover(base)
        rooms = await _open_rooms(stack, base)
        for clip in recovered.to_transcode:
            rooms.tasks.spawn(rooms.recordings.finish_again(clip), f"finish {clip.id}")
        metrics = Metrics(rooms.cameras.statuses, lambda: _numbers(base, rooms, access))
        rooms.playing.metrics.register(metrics.registry)
        access = _make_access(config, base.catalogue, key)
        await _start_jobs(stack, base, rooms, metrics)
        routes = await asyncio.to_thread(_read_routes, media_origin(config))
        app = make_application(routes, _house(base, rooms, access, metrics), media_origin(config))
        address = await _listen(stack, app, config, rooms.reloader)
        health.waiting_for = None
        try:
            yield Running(address, rooms.reloader)
        finally:
            health.waiting_for = "the end: the daemon is being stopped"
            base.events.close()
            rooms.viewers.close()


async def _lay_foundation(stack: AsyncExitStack, config: Config) -> Foundation:
    data_dir = config.data_dir
    events = EventLog(secrets.token_hex(4))
    health = Health(lambda subject, said: events.publish("concern", {"subject": subject, "detail": said}))
    files = LocalFiles.of(config)
    health.concern(THUMBNAILS, await asyncio.to_thread(files.prepare))
    identity = await asyncio.to_thread(recorder_id, data_dir)
    catalogue = Catalogue(config.catalogue_url)
    stack.push_async_callback(catalogue.close)
    await catalogue.open()
    disk, finishing, live = (
        _threads(stack, count, name)
        for count, name in ((DISK_THREADS, "disk"), (FINISHING_THREADS, "finish"), (LIVE_THREADS, "live"))
    )
    workers = WorkerPool(WORKERS)
    stack.push_async_callback(asyncio.to_thread, workers.close)
    transcoder = Transcoder()
    stack.push_async_callback(transcoder.close)
    transcoder.start()
    return Foundation(
        config=config,
        recorder_id=identity,
        catalogue=catalogue,
        files=files,
        events=events,
        health=health,
        labels=LabelLine(SystemClock()),
        workers=workers,
        disk=disk,
        finisher=Finisher(finishing, transcoder),
        live=live,
    )


def _threads(stack: AsyncExitStack, count: int, name: str) -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    stack.push_async_callback(asyncio.to_thread, pool.shutdown, wait=True, cancel_futures=True)
    return pool


async def _recover(base: Foundation) -> RecoveryReport:
    places = Places(base.files, _runtime_dir(base.config))
    recovery = Recovery(base.catalogue, base.recorder_id, places, base.disk, base.finisher.threads)
    report = await recovery.run()
    _log.info(
        "start-up: %d recordings finished, %d to encode, %d failed, %d adopted, %d removed, %d quarantined",
        len(report.salvaged),
        len(report.to_transcode),
        len(report.failed),
        len(report.adopted),
        len(report.removed),
        len(report.quarantined),
    )
    return report


async def _open_rooms(stack: AsyncExitStack, base: Foundation) -> Rooms:
    inbox = RecorderInbox()
    make_recorder = _recorder_maker(base, inbox)
    settings = await asyncio.to_thread(camera_settings, base.config)
    cameras = Cameras([make_recorder(camera) for camera in settings])
    store = await asyncio.to_thread(open_store, base.config.storage)
    news = ClipNews(base.events, WRITERS.clip, partial(public_url, store))
    housekeeping = Housekeeping(_house_parts(base, cameras), base.config)
    places = PlayingPlaces(base.files, store, _runtime_dir(base.config))
    playing = open_playing(places, base.disk, news, base.config.playback, lambda: housekeeping.room.shortage)
    parts = StorageParts(
        base.catalogue, base.files, base.recorder_id, news, base.health, playing.clean.to_share
    )
    storage = make_storage(base.config.storage, store, parts)
    picturing = open_picturing(_picture_parts(base, news), playing.clip_bytes, base.config.previews)
    desk = Desk(
        catalogue=base.catalogue,
        cameras=cameras,
        previews=picturing.previews,
        news=news,
        events=base.events,
        recorder_id=base.recorder_id,
        clips_dir=base.files.clips_dir,
        disk=base.disk,
        finisher=base.finisher,
        budget=housekeeping.budget,
        write_camera=WRITERS.camera,
    )
    recordings = Recordings(desk, inbox)
    clips = Clips(desk, recordings, base.config.recording)
    rooms = Rooms(
        cameras=cameras,
        news=news,
        storage=storage,
        picturing=picturing,
        replays=OpenReplays(),
        inbox=inbox,
        desk=desk,
        recordings=recordings,
        clips=clips,
        publishing=Publishing(base.catalogue, news, base.recorder_id),
        playing=playing,
        archives=Archives(playing.open_to_share, base.events),
        idempotency=Idempotency(base.catalogue, base.recorder_id),
        viewers=Viewers(),
        analytics=Analytics(base.catalogue, base.recorder_id, now=utc_now, monotonic_s=time.monotonic),
        garbage=GarbageSweep(base.catalogue, base.files, base.recorder_id, base.disk),
        housekeeping=housekeeping,
        schedules=schedule_room(desk, recordings, clips, base.labels, base.config.data_dir, WRITERS),
        reloader=Reloader(base.config, cameras, clips, base.events, make_recorder),
        tasks=Tasks(),
    )
    await _start_rooms(stack, base, rooms)
    return rooms


def _retired(rooms: Rooms, clip: Clip) -> None:
    """Retention deleted a clip."""
    rooms.clips.gone(clip)
    rooms.analytics.removed(clip.camera, clip.size_bytes or 0)


async def _start_rooms(stack: AsyncExitStack, base: Foundation, rooms: Rooms) -> None:
    """Begin what goes on for the daemon's life, each after what it needs; the end is the reverse."""
    stack.push_async_callback(rooms.analytics.flush)
    stack.push_async_callback(rooms.cameras.close)
    await rooms.cameras.start()
    await rooms.schedules.open(base.config)
    rooms.tasks.spawn(rooms.recordings.run(), "recordings")
    rooms.storage.start()
    rooms.tasks.spawn(asyncio.to_thread(base.workers.start), "workers")
    rooms.tasks.spawn(rooms.picturing.previews.catch_up(base.recorder_id), "missing previews")
    await rooms.housekeeping.open(rooms.garbage.run, partial(_retired, rooms), rooms.storage.copies)
    rooms.reloader.followers += [rooms.housekeeping.follow, rooms.schedules.follow]
    closers = (
        rooms.tasks,
        rooms.storage,
        rooms.housekeeping,
        rooms.schedules,
        rooms.picturing,
        rooms.playing,
        rooms.replays,
        rooms.clips,
        rooms.idempotency,
    )
    for close in (part.close for part in closers):
        stack.push_async_callback(close)


def _picture_parts(base: Foundation, news: ClipNews) -> PictureParts:
    return PictureParts(
        catalogue=base.catalogue,
        news=news,
        files=base.files,
        health=base.health,
        workers=base.workers,
        disk=base.disk,
        runtime_dir=_runtime_dir(base.config),
    )


def _house_parts(base: Foundation, cameras: Cameras) -> HouseParts:
    return HouseParts(
        catalogue=base.catalogue,
        recorder_id=base.recorder_id,
        files=base.files,
        disk=base.disk,
        labels=base.labels,
        events=base.events,
        health=base.health,
        statuses=cameras.statuses,
        find_recorder=cameras.recording,
    )


def _recorder_maker(base: Foundation, inbox: RecorderInbox) -> Callable[[CameraSettings], Recorder]:
    tools = RecorderTools(
        recorder_id=base.recorder_id,
        clock=SystemClock(),
        labels=base.labels,
        workers=base.workers,
        disk=base.disk,
        finisher=base.finisher,
        live=base.live,
        new_id=new_id,
        on_event=inbox.put,
    )
    places = RecorderPlaces(base.files.clips_dir, _runtime_dir(base.config))
    return lambda camera: Recorder(camera, places, tools)


def _make_access(config: Config, catalogue: Catalogue, key: AccessKey) -> Access:
    lifetime_s = config.server.session_lifetime
    return Access(
        key,
        Sessions(catalogue, lifetime_s=lifetime_s, now=utc_now, monotonic_s=time.monotonic),
        Hosts(config.server.allowed_hosts),
        loopback_without_key=config.server.loopback_without_key,
    )


async def _start_jobs(stack: AsyncExitStack, base: Foundation, rooms: Rooms, metrics: Metrics) -> None:
    catalogue = base.catalogue

    async def check_clock() -> None:
        if (stepped_s := base.labels.check()) is not None:
            _log.warning("the wall clock was set by %+.1f s; labels moved with it", stepped_s)
            rooms.inbox.put(ClockStepped(stepped_s))

    scheduler = Scheduler(metrics.failed)
    scheduler.every(1, "clock", check_clock)
    scheduler.every(1, "samples", lambda: rooms.analytics.tick(rooms.cameras.statuses()))
    scheduler.every(1, "publish", rooms.publishing.tick)
    scheduler.every(10, "garbage", rooms.garbage.run)
    scheduler.every(3600, "thin samples", rooms.analytics.thin)
    scheduler.every(3600, "sessions", catalogue.expire_sessions)
    scheduler.every(3600, "owed pictures", rooms.picturing.previews.make_up)
    scheduler.every(
        3600, "idempotency keys", lambda: catalogue.expire_keys(utc_now() - KEEP_IDEMPOTENCY_KEYS)
    )
    rooms.housekeeping.run(scheduler)
    rooms.schedules.start(scheduler)
    scheduler.start()
    stack.push_async_callback(scheduler.close)
    rooms.tasks.spawn(metrics.watch_loop(), "loop lag")


def _house(base: Foundation, rooms: Rooms, access: Access, metrics: Metrics) -> House:
    return House(
        access=access,
        analytics=rooms.analytics,
        archives=rooms.archives,
        batch=Batch(rooms.clips, rooms.publishing, metrics.failed),
        cameras=rooms.cameras,
        clip_writer=ClipWriter(rooms.news),
        clips=rooms.clips,
        events=base.events,
        files=base.files,
        health=base.health,
        housekeeping=rooms.housekeeping,
        idempotency=rooms.idempotency,
        manual_pictures=rooms.picturing.manual,
        metrics=metrics,
        pictures=rooms.picturing.pictures,
        playback=rooms.playing.playback,
        publishing=rooms.publishing,
        replays=rooms.replays,
        schedules=rooms.schedules.schedules,
        storage=rooms.storage,
        transcoder=base.finisher.transcoder,
        viewers=rooms.viewers,
        recorder_id=base.recorder_id,
        started_at=utc_now(),
        began_s=boot_s(),
    )


def _read_routes(origin: str | None) -> tuple[Route, ...]:
    """Imports the API and reads the page's files: for a thread."""
    return (*all_routes(), *Site(shipped(WEB), shipped(CHECK_PAGE), origin).routes())


async def _listen(stack: AsyncExitStack, app: web.Application, config: Config, reloader: Reloader) -> str:
    runner = make_runner(app)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    host = config.server.host
    # asyncio binds "::" to IPv6 only; no host at all means every address of both.
    every = None if host == "::" else host
    tls = None
    if (files := config.server.tls) is not None:
        tls = await asyncio.to_thread(server_context, files)
        reloader.followers.append(partial(_show_renewed, tls, files))
    await web.TCPSite(runner, every, config.server.port, ssl_context=tls).start()
    port = runner.addresses[0][1]
    return f"{config.server.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def _show_renewed(tls: ssl.SSLContext, files: TlsConfig, _config: Config) -> None:
    await renew(tls, files)


def _runtime_dir(config: Config) -> Path:
    return config.data_dir / "runtime"


def _numbers(base: Foundation, rooms: Rooms, access: Access) -> Mapping[str, float]:
    return {
        "inbox_waiting": len(rooms.inbox),
        "event_streams": base.events.subscribers,
        "events_published_total": base.events.published,
        "event_resets_total": base.events.resets,
        "wrong_keys_total": access.attempts.failures,
        "commits_retried_total": rooms.desk.counters.commits_retried,
        "news_dropped_total": rooms.desk.counters.news_dropped,
        "garbage_deleted_total": rooms.garbage.counters.deleted,
        "garbage_failures_total": rooms.garbage.counters.failures,
        **_counted("previews", rooms.picturing.pictures.counters),
        "concerns": len(base.health.concerns),
        "samples_lost_total": rooms.analytics.lost,
        "live_viewers_refused_total": rooms.viewers.refused,
        "replays_open": len(rooms.replays),
        "task_failures_total": rooms.tasks.failures,
        "clock_steps_total": base.labels.steps,
        **rooms.playing.numbers(),
        "archives_under_way": rooms.archives.under_way,
        **_counted("archives", rooms.archives.counters),
        **_counted("publishing", rooms.publishing.counters),
        **rooms.housekeeping.numbers(),
        **rooms.schedules.numbers(),
        **_counted("reloads", rooms.reloader.counters),
        **rooms.storage.numbers(),
        "transcodes_running": base.finisher.transcoder.running,
        "transcodes_waiting": base.finisher.transcoder.waiting,
        **_counted("transcodes", base.finisher.transcoder.counters),
        **_counted("worker_jobs", base.workers.counters),
    }


def _counted(subject: str, counters: _Counters) -> dict[str, int]:
    return {f"{subject}_{name}_total": number for name, number in asdict(counters).items()}
