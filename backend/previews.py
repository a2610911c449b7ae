"""The pictures on the cards: made after the answer, never in the way of a recording.

`current` is shown at once: the nearest keyframe first, marked approximate, then the exact frame;
`middle` comes when the clip is finished. A picture that cannot be made is counted and leaves what was
there before, at worst the placeholder. Event loop only; decoding runs in worker processes, writing in
the disk executor.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from backend.catalogue import Catalogue, Clip, ClipUnknown, MediaType, PreviewInfo, PreviewSource
from backend.catalogue.errors import CatalogueError
from backend.clip_news import ClipNews
from backend.file_body import FileToSend
from backend.lifecycle import FINISHED
from recorder.errors import BufferEmpty, Busy, DecodeFailed
from recorder.recorder import Recorder
from recorder.tasks import Tasks
from recorder.thumbnail import middle_jpeg
from recorder.workers import WorkerPool

log = logging.getLogger(__name__)

WIDTH_PX = 640
TRIES = 6
FIRST_WAIT_S = 0.25
GIVE_WAY_S = 0.2
"""Whoever pressed fetches the clip at once; on two cores decoding pictures beside that slows it."""
MIDDLE_TIMEOUT_S = 60.0

PLACEHOLDER = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" width="640" height="360">'
    b'<rect width="640" height="360" fill="#22262c"/>'
    b'<g fill="none" stroke="#5a6470" stroke-width="10" stroke-linejoin="round">'
    b'<rect x="230" y="130" width="120" height="100" rx="14"/><path d="M350 165l60-32v94l-60-32z"/></g></svg>'
)
"""Shown while there is no picture, or none could be made."""


class ThumbnailStore(Protocol):
    """Where pictures are kept, by clip and name."""

    def put_thumbnail(self, clip_id: str, name: str, data: bytes) -> str:
        """Write durably and atomically; returns the path to keep in the row. Blocking; OSError."""
        ...

    def thumbnail_path(self, path: str) -> Path:
        """The file of a path that `put_thumbnail` returned."""
        ...


@dataclass(slots=True)
class PreviewCounters:
    """Since the daemon started."""

    made: int = 0
    failed: int = 0


class Previews:
    """Makes previews and finds them again."""

    def __init__(
        self, catalogue: Catalogue, news: ClipNews, store: ThumbnailStore, workers: WorkerPool
    ) -> None:
        self._catalogue = catalogue
        self._news = news
        self._store = store
        self._workers = workers
        self._tasks = Tasks()
        self._of_clip: dict[str, set[asyncio.Task[None]]] = {}
        self.counters = PreviewCounters()

    async def close(self) -> None:
        """Give up what is being made."""
        await self._tasks.close()

    def current(self, clip_id: str, recorder: Recorder, at: datetime) -> None:
        """Begin to make the picture of the moment Record was pressed."""
        self._spawn(clip_id, self._current(clip_id, recorder, at), "current")

    def middle(self, clip_id: str, path: Path) -> None:
        """Begin to make the picture in the middle of a finished clip."""
        self._spawn(clip_id, self._middle(clip_id, path), "middle")

    async def catch_up(self, recorder_id: str, clips_dir: Path) -> None:
        """Make the middle pictures that a kill prevented, one after the other."""
        for clip in await self._catalogue.clips_of_recorder(recorder_id):
            finished = clip.status in FINISHED and clip.media_type is MediaType.VIDEO
            if finished and clip.path is not None and clip.previews.middle is None:
                await self._middle(clip.id, clips_dir / clip.path)

    def forget(self, clip_id: str) -> None:
        """The clip is gone: make no more pictures of it."""
        for task in self._of_clip.pop(clip_id, set()):
            task.cancel()

    def file(self, clip: Clip, source: PreviewSource) -> FileToSend | None:
        """A preview that was made; None when there is none from this source."""
        info = clip.previews.of(source)
        if info is None:
            return None
        path = self._store.thumbnail_path(info.path)
        content_type = "image/png" if path.suffix == ".png" else "image/jpeg"
        return FileToSend(path, content_type, f"{clip.id}-{source}-{info.version}")

    async def _current(self, clip_id: str, recorder: Recorder, at: datetime) -> None:
        for exact in (False, True):
            if exact:
                await asyncio.sleep(GIVE_WAY_S)

            async def make(exact: bool = exact) -> bool:
                picture = await recorder.frame(at, exact=exact, max_width=WIDTH_PX)
                size = (picture.width, picture.height)
                await self._keep(clip_id, PreviewSource.CURRENT, picture.jpeg, (*size, picture.approximate))
                return not picture.approximate

            if await self._patiently(clip_id, make):
                return

    async def _middle(self, clip_id: str, path: Path) -> None:
        async def make() -> bool:
            still = await self._workers.run(middle_jpeg, path, WIDTH_PX, timeout_s=MIDDLE_TIMEOUT_S)
            await self._keep(clip_id, PreviewSource.MIDDLE, still.data, (still.width, still.height, False))
            return True

        await asyncio.sleep(GIVE_WAY_S)
        await self._patiently(clip_id, make)

    async def _patiently(self, clip_id: str, make: Callable[[], Awaitable[bool]]) -> bool:
        """Whether `make` made the picture for good; tries again while workers are busy."""
        wait_s = FIRST_WAIT_S
        for _ in range(TRIES):
            try:
                return await make()
            except ClipUnknown:
                return True
            except Busy:
                await asyncio.sleep(wait_s)
                wait_s *= 2
            except (DecodeFailed, BufferEmpty, CatalogueError, OSError) as error:
                self._failed(clip_id, str(error))
                return False
        self._failed(clip_id, "the workers stayed busy")
        return False

    def _failed(self, clip_id: str, reason: str) -> None:
        self.counters.failed += 1
        log.warning("no preview of clip %s: %s", clip_id, reason)

    async def _keep(
        self, clip_id: str, source: PreviewSource, data: bytes, facts: tuple[int, int, bool]
    ) -> None:
        width, height, approximate = facts
        name = f"{source}.jpg"
        loop = asyncio.get_running_loop()
        path = await loop.run_in_executor(None, self._store.put_thumbnail, clip_id, name, data)
        info = PreviewInfo(path, width, height, approximate=approximate)
        clip = await self._catalogue.set_preview(clip_id, source, info)
        self.counters.made += 1
        self._news.changed(clip)

    def _spawn(self, clip_id: str, work: Awaitable[None], what: str) -> None:
        async def run() -> None:
            await work

        task = self._tasks.spawn(run(), f"preview {what} {clip_id}")
        self._of_clip.setdefault(clip_id, set()).add(task)
        task.add_done_callback(lambda done: self._ended(clip_id, done))

    def _ended(self, clip_id: str, task: asyncio.Task[None]) -> None:
        tasks = self._of_clip.get(clip_id)
        if tasks is not None:
            tasks.discard(task)
            if not tasks:
                del self._of_clip[clip_id]
