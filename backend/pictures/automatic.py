"""The pictures on the cards: made after the answer, never in the way of a recording.

`current` is shown at once: the nearest keyframe first, marked approximate, then the exact frame;
`middle` comes when the clip is finished. Both are made of what is in memory while it is there, else of
the finished file. A picture that cannot be made is counted, leaves what was there before, at worst the
placeholder, and is tried again an hour later, a few times, and at the next start. Event loop only; decoding
runs in worker processes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from backend.base.backoff import Backoff
from backend.catalogue import Catalogue, Clip, ClipUnknown, MediaType, PreviewSource
from backend.catalogue.errors import CatalogueError
from backend.catalogue.lifecycle import FINISHED
from backend.pictures.frame_material import FrameMaterial
from backend.pictures.pictures import MadePicture, Pictures
from backend.problems.refused import Refused
from recorder import ClipStill, Recorder, card_from_file, card_from_jpeg
from recorder.base.errors import BufferEmpty, Busy, DecodeFailed
from recorder.base.tasks import Tasks
from recorder.base.values import FinishedClip
from recorder.base.workers import WorkerPool

log = logging.getLogger(__name__)

TRIES = 6
BACKOFF = Backoff(0.25, 8.0)
GIVE_WAY_S = 0.2
"""The page fetches a new clip at once; on two cores decoding pictures beside that slows it."""
FILE_TIMEOUT_S = 60.0
LATER_TRIES = 4
MOST_OWED = 1000
"""Clips whose picture is owed; of more than these the next start knows."""

Make = Callable[[], Awaitable[MadePicture]]

_AUTOMATIC = {
    MediaType.VIDEO: (PreviewSource.CURRENT, PreviewSource.MIDDLE),
    MediaType.IMAGE: (PreviewSource.CURRENT,),
}


class AutomaticPreviews:
    """Makes the preview pictures that need no request."""

    def __init__(
        self, catalogue: Catalogue, pictures: Pictures, workers: WorkerPool, material: FrameMaterial
    ) -> None:
        self._catalogue = catalogue
        self._pictures = pictures
        self._workers = workers
        self._material = material
        self._tasks = Tasks()
        self._of_clip: dict[str, set[asyncio.Task[None]]] = {}
        self._owed: dict[str, int] = {}
        """Clips one of whose pictures failed, and how often it did."""

    async def close(self) -> None:
        """Give up what is being made."""
        await self._tasks.close()

    def current(self, clip_id: str, recorder: Recorder, at: datetime) -> None:
        """Begin to make the picture of the moment Record was pressed."""
        self._spawn(clip_id, self._current(clip_id, recorder, at), "current")

    def middle(self, clip_id: str, clip: FinishedClip, recorder: Recorder | None) -> None:
        """Begin to make the picture in the middle of a finished clip.

        `recorder`: whose buffer may still hold it under the same labels; None: of the file.
        """
        make = partial(self._middle, clip, recorder)
        self._spawn(clip_id, self._later(clip_id, PreviewSource.MIDDLE, make), "middle")

    def snapshot(self, clip_id: str, path: Path) -> None:
        """Begin to make the card of a snapshot: of the frame that was decoded for it."""
        make = partial(self._from_file, card_from_jpeg, path)
        self._spawn(clip_id, self._later(clip_id, PreviewSource.CURRENT, make), "of a snapshot")

    async def catch_up(self, recorder_id: str) -> None:
        """Make what a kill or a failure prevented, one after the other."""
        async for clip in self._catalogue.walk_clips(recorder_id):
            await self._make_missing(clip)

    async def make_up(self) -> None:
        """Try again what failed since the last turn: a store that was down, a box that was too busy.

        What has failed too often is no accident, and waits for the next start.
        """
        for clip_id, failures in list(self._owed.items()):
            clip = await self._catalogue.get_clip(clip_id) if failures <= LATER_TRIES else None
            if clip is not None and clip.status not in FINISHED:
                continue
            if clip is not None:
                await self._make_missing(clip)
            if clip is None or self._owed.get(clip_id) == failures:
                self._owed.pop(clip_id, None)

    async def _make_missing(self, clip: Clip) -> None:
        if clip.status not in FINISHED or clip.path is None:
            return
        for source in _AUTOMATIC[clip.media_type]:
            info = clip.previews.of(source)
            rough = info is not None and info.approximate
            if rough or not await self._pictures.is_there(clip, source):
                await self._patiently(clip.id, source, partial(self._again, clip, source))

    def forget(self, clip_id: str) -> None:
        """The clip is gone: make no more pictures of it."""
        self._owed.pop(clip_id, None)
        for task in self._of_clip.pop(clip_id, set()):
            task.cancel()

    async def _current(self, clip_id: str, recorder: Recorder, at: datetime) -> None:
        for exact in (False, True):
            if exact:
                await asyncio.sleep(GIVE_WAY_S)
            make = partial(self._from_buffer, recorder, at, exact=exact)
            made = await self._patiently(clip_id, PreviewSource.CURRENT, make)
            if made is not None and not made.approximate:
                return

    async def _later(self, clip_id: str, source: PreviewSource, make: Make) -> None:
        await asyncio.sleep(GIVE_WAY_S)
        await self._patiently(clip_id, source, make)

    async def _middle(self, clip: FinishedClip, recorder: Recorder | None) -> MadePicture:
        if recorder is not None:
            at = clip.start_time + timedelta(seconds=clip.duration_s / 2)
            oldest = recorder.status().buffer.oldest_frame
            if oldest is not None and oldest <= at:
                with suppress(BufferEmpty, DecodeFailed):
                    return await self._from_buffer(recorder, at, exact=True)
        return await self._from_file(card_from_file, clip.path, None)

    async def _from_buffer(self, recorder: Recorder, at: datetime, *, exact: bool) -> MadePicture:
        picture = await recorder.card(at, exact=exact)
        return MadePicture(picture.jpeg, picture.width, picture.height, approximate=picture.approximate)

    async def _from_file(self, job: Callable[..., ClipStill], *args: object) -> MadePicture:
        still = await self._workers.run(job, *args, timeout_s=FILE_TIMEOUT_S)
        return MadePicture(still.data, still.width, still.height)

    async def _again(self, clip: Clip, source: PreviewSource) -> MadePicture:
        if clip.media_type is MediaType.IMAGE:
            async with self._material.whole(clip) as path:
                return await self._from_file(card_from_jpeg, path)
        pressed_s, length_s = clip.covered_before_s or 0.0, clip.duration_s or 0.0
        time_s = pressed_s if source is PreviewSource.CURRENT else length_s / 2
        async with self._material.for_frame(clip, time_s) as path:
            return await self._from_file(card_from_file, path, time_s)

    async def _patiently(self, clip_id: str, source: PreviewSource, make: Make) -> MadePicture | None:
        """Make and keep a picture; tries again while workers are busy. None: there is none, or no clip."""
        for tries in range(TRIES):
            try:
                made = await make()
                await self._pictures.keep(clip_id, source, made)
            except ClipUnknown:
                return None
            except Busy:
                await asyncio.sleep(BACKOFF.wait_s(tries))
            except (DecodeFailed, BufferEmpty, CatalogueError, OSError, Refused) as error:
                self._failed(clip_id, source, str(error))
                return None
            else:
                return made
        self._failed(clip_id, source, "the workers stayed busy")
        return None

    def _failed(self, clip_id: str, source: PreviewSource, reason: str) -> None:
        self._pictures.counters.failed += 1
        if clip_id in self._owed or len(self._owed) < MOST_OWED:
            self._owed[clip_id] = self._owed.get(clip_id, 0) + 1
        log.warning("no %s picture of clip %s: %s", source, clip_id, reason)

    def _spawn(self, clip_id: str, work: Coroutine[object, object, None], what: str) -> None:
        task = self._tasks.spawn(work, f"preview {what} {clip_id}")
        self._of_clip.setdefault(clip_id, set()).add(task)
        task.add_done_callback(lambda done: self._ended(clip_id, done))

    def _ended(self, clip_id: str, task: asyncio.Task[None]) -> None:
        tasks = self._of_clip.get(clip_id)
        if tasks is not None:
            tasks.discard(task)
            if not tasks:
                del self._of_clip[clip_id]
