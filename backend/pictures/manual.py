"""The picture that a person picked: any frame of the clip, or one of the pictures there are.

Here: what is refused and why, and that two who pick at once do so one after the other. Not here: HTTP
(`http.api.pictures`), decoding (`recorder.stills`, in a worker process), writing (`pictures`). Whatever
fails, the picture there was stays. Event loop only.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from backend.base.shielded import run_shielded
from backend.base.times import rfc3339
from backend.catalogue import Catalogue, Clip, ClipUnknown, MediaType, PreviewSource
from backend.config.model import PreviewsConfig
from backend.pictures.frame_material import FrameMaterial
from backend.pictures.pictures import MadePicture, Pictures
from backend.playback.clip_index import ClipIndexes
from backend.playback.playback import must_be_ready
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import ClipStill, FrameTimes, png_from_file, png_from_jpeg
from recorder.base.errors import Busy, DecodeFailed, WorkerTimedOut
from recorder.base.tasks import Tasks
from recorder.base.workers import WorkerPool

MOST_WAITING = 8
"""Of one clip: a person picks one picture, so more is a program gone wild."""


@dataclass(frozen=True, slots=True)
class FrameToShow:
    """A frame of a clip, by one of its names. `width_px` None: as configured; never scaled up."""

    time_s: float | None = None
    """Seconds from the start of the clip."""
    width_px: int | None = None
    overwrite: bool = True
    """False: refuse if there is a manual picture already."""
    label: datetime | None = None
    """The frame's own label, or any time while it is on show."""
    number: int | None = None
    """From 0, in the order they are shown."""


class ManualPictures:
    """Sets the manual picture of clips."""

    def __init__(
        self,
        catalogue: Catalogue,
        pictures: Pictures,
        workers: WorkerPool,
        material: FrameMaterial,
        indexes: ClipIndexes,
        config: PreviewsConfig,
    ) -> None:
        self._catalogue = catalogue
        self._pictures = pictures
        self._workers = workers
        self._material = material
        self._indexes = indexes
        self._default_width = config.manual_width
        self._timeout_s = config.decode_timeout
        self._tasks = Tasks()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting: Counter[str] = Counter()

    async def close(self) -> None:
        """Give up what is being made; the pictures there were stay."""
        await self._tasks.close()

    async def set_from_timestamp(self, clip_id: str, frame: FrameToShow) -> Clip:
        """The frame that was named. A client that hangs up changes nothing. Raises Refused, Busy."""
        return await run_shielded(self._tasks, self._set(clip_id, frame))

    async def promote(self, clip_id: str, source: PreviewSource) -> Clip:
        """A copy of the `current` or `middle` picture. Raises Refused, Busy."""
        return await run_shielded(self._tasks, self._promote(clip_id, source))

    async def _set(self, clip_id: str, frame: FrameToShow) -> Clip:
        async with self._turn(clip_id):
            clip = await self._clip(clip_id)
            must_be_video(clip)
            time_s = await self._time_of(clip, frame)
            if clip.previews.manual is not None and not frame.overwrite:
                raise Refused(Kind.PICTURE_SET_ALREADY, field="overwrite")
            width_px = frame.width_px or self._default_width
            async with self._decoding(), self._material.for_frame(clip, time_s) as path:
                still = await self._run(png_from_file, path, time_s, width_px)
            return await self._keep(clip, still)

    async def _time_of(self, clip: Clip, frame: FrameToShow) -> float:
        if frame.time_s is not None:
            return checked_time_s(clip, frame.time_s)
        return time_of(clip, frame, await self._indexes.frame_times(clip))

    async def _promote(self, clip_id: str, source: PreviewSource) -> Clip:
        async with self._turn(clip_id):
            clip = await self._clip(clip_id)
            data = await self._pictures.read(clip, source)
            if data is None:
                raise Refused(Kind.PICTURE_UNKNOWN, field="source", source=source)
            async with self._decoding():
                still = await self._run(png_from_jpeg, data)
            return await self._keep(clip, still)

    async def _clip(self, clip_id: str) -> Clip:
        clip = await self._catalogue.get_clip(clip_id)
        if clip is None:
            raise ClipUnknown(clip_id)
        return clip

    async def _run(self, job: Callable[..., ClipStill], *args: object) -> ClipStill:
        return await self._workers.run(job, *args, timeout_s=self._timeout_s)

    @asynccontextmanager
    async def _decoding(self) -> AsyncIterator[None]:
        try:
            yield
        except WorkerTimedOut as error:
            raise Refused(Kind.PICTURE_TOO_SLOW, limit_s=self._timeout_s) from error
        except DecodeFailed as error:
            raise Refused(Kind.PICTURE_FAILED, reason=str(error).rstrip(".")) from error

    async def _keep(self, clip: Clip, still: ClipStill) -> Clip:
        made = MadePicture(still.data, still.width, still.height, ".png")
        try:
            return await self._pictures.keep(clip.id, PreviewSource.MANUAL, made)
        except OSError as error:
            raise Refused(Kind.PICTURE_NOT_WRITTEN, reason=error.strerror) from error

    @asynccontextmanager
    async def _turn(self, clip_id: str) -> AsyncIterator[None]:
        if self._waiting[clip_id] >= MOST_WAITING:
            raise Busy("Too many pictures of this clip are being set.")
        turn = self._turns.setdefault(clip_id, asyncio.Lock())
        self._waiting[clip_id] += 1
        try:
            async with turn:
                yield
        finally:
            self._waiting[clip_id] -= 1
            if not self._waiting[clip_id]:
                del self._waiting[clip_id]


def must_be_video(clip: Clip) -> None:
    """Refuse what has no frames to choose from."""
    if clip.media_type is not MediaType.VIDEO:
        raise Refused(Kind.SNAPSHOT_HAS_ONE_PICTURE, field="id")
    must_be_ready(clip)


def checked_time_s(clip: Clip, time_s: float) -> float:
    """`time_s`, refused if the clip shows no frame then."""
    duration_s = clip.duration_s or 0.0
    if not 0 <= time_s < duration_s:  # NaN is nowhere
        raise Refused(Kind.MOMENT_NOT_IN_CLIP, field="time", duration_s=duration_s)
    return time_s


def time_of(clip: Clip, frame: FrameToShow, times: FrameTimes) -> float:
    """When a frame named by its number or its label is first shown, to the tick of the file.

    Refused if the clip has no such frame.
    """
    if frame.number is not None:
        if not 0 <= frame.number < len(times.pts):
            raise Refused(Kind.FRAME_NOT_IN_CLIP, field="frame", frame_count=len(times.pts))
        return times.time_s(frame.number)
    end = clip.start_time + timedelta(seconds=clip.duration_s or 0.0)
    if frame.label is None or not clip.start_time <= frame.label < end:
        raise Refused(Kind.LABEL_NOT_IN_CLIP, field="label", start=rfc3339(clip.start_time), end=rfc3339(end))
    return times.time_s(times.number_at((frame.label - clip.start_time) // timedelta(microseconds=1)))
