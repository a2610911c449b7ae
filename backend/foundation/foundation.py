"""The parts that every room shares, made in the order they need each other and closed in the reverse.

Event loop only; the caller of `open_foundation` holds the data lock.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.base.health import Health
from backend.base.ids import recorder_id
from backend.base.numbers import counted
from backend.catalogue import Catalogue
from backend.config.model import Config
from backend.events.log import EventLog
from backend.foundation.local_files import LocalFiles
from recorder import Finisher, Transcoder
from recorder.base.clock import LabelLine, SystemClock
from recorder.base.workers import WorkerPool

DISK_THREADS, FINISHING_THREADS, LIVE_THREADS, WORKERS = 4, 2, 1, 2
THUMBNAILS = "thumbnails"
"""The subject of concerns about the directory of pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What every room stands on."""

    config: Config
    """As read at the start; rooms with a `follow` get the changed ones."""
    recorder_id: str
    catalogue: Catalogue
    files: LocalFiles
    events: EventLog
    health: Health
    labels: LabelLine
    """The line that the buffers go by."""
    workers: WorkerPool
    finisher: Finisher
    disk: ThreadPoolExecutor
    live: ThreadPoolExecutor

    @property
    def runtime_dir(self) -> Path:
        """Emptied at every start."""
        return self.config.data_dir / "runtime"

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        transcoder = self.finisher.transcoder
        return {
            "event_streams": self.events.subscribers,
            "events_published_total": self.events.published,
            "event_resets_total": self.events.resets,
            "concerns": len(self.health.concerns),
            "planted_files_total": self.files.planted.met,
            "clock_steps_total": self.labels.steps,
            "transcodes_running": transcoder.running,
            "transcodes_waiting": transcoder.waiting,
            **counted("transcodes", transcoder.counters),
            **counted("worker_jobs", self.workers.counters),
        }


@asynccontextmanager
async def open_foundation(config: Config) -> AsyncIterator[Foundation]:
    """Directories, catalogue, threads and workers. Raises OSError, CatalogueError, RecorderIdDamaged."""
    async with AsyncExitStack() as stack:
        events = EventLog(secrets.token_hex(4))
        health = Health(
            lambda subject, sentence: events.publish("concern", {"subject": subject, "detail": sentence})
        )
        files = LocalFiles.of(config)
        health.concern(THUMBNAILS, await asyncio.to_thread(files.prepare))
        identity = await asyncio.to_thread(recorder_id, config.data_dir)
        catalogue = Catalogue(config.catalogue_url)
        stack.push_async_callback(catalogue.close)
        await catalogue.open()
        disk = _threads(stack, DISK_THREADS, "disk")
        finishing = _threads(stack, FINISHING_THREADS, "finish")
        live = _threads(stack, LIVE_THREADS, "live")
        workers = WorkerPool(WORKERS)
        stack.push_async_callback(asyncio.to_thread, workers.close)
        transcoder = Transcoder()
        stack.push_async_callback(transcoder.close)
        transcoder.start()
        yield Foundation(
            config=config,
            recorder_id=identity,
            catalogue=catalogue,
            files=files,
            events=events,
            health=health,
            labels=LabelLine(SystemClock()),
            workers=workers,
            finisher=Finisher(finishing, transcoder),
            disk=disk,
            live=live,
        )


def _threads(stack: AsyncExitStack, count: int, name: str) -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    stack.push_async_callback(asyncio.to_thread, pool.shutdown, wait=True, cancel_futures=True)
    return pool
