"""The picture that a person picked: any frame of the clip, or one of the pictures there are.

Here: what is refused and why, and that two who pick at once do so one after the other. Not here: HTTP
(`http.api.pictures`), decoding (`recorder.stills`, in a worker process), writing (`pictures`). Whatever
fails, the picture there was stays. Event loop only.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from backend.base.shielded import to_the_end
from backend.catalogue import Catalogue, Clip, ClipUnknown, MediaType, PreviewSource
from backend.clips.clips import is_ready
from backend.config.model import PreviewsConfig
from backend.http.problems import Problem
from backend.http.wire.pictures import ManualRequest
from backend.pictures.frame_material import FrameMaterial
from backend.pictures.pictures import MadePicture, Pictures
from recorder.base.errors import Busy, DecodeFailed, WorkerTimedOut
from recorder.base.tasks import Tasks
from recorder.base.workers import WorkerPool
from recorder.stills.thumbnail import ClipStill, png_from_file, png_from_jpeg

MOST_WAITING = 8
"""Of one clip: a person picks one picture, so more is a program gone wild."""


class ManualPictures:
    """Sets the manual picture of clips."""

    def __init__(
        self,
        catalogue: Catalogue,
        pictures: Pictures,
        workers: WorkerPool,
        material: FrameMaterial,
        config: PreviewsConfig,
    ) -> None:
        self._catalogue = catalogue
        self._pictures = pictures
        self._workers = workers
        self._material = material
        self._default_width = config.manual_width
        self._timeout_s = config.decode_timeout
        self._tasks = Tasks()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting: Counter[str] = Counter()

    async def close(self) -> None:
        """Give up what is being made; the pictures there were stay."""
        await self._tasks.close()

    async def set_from_timestamp(self, clip_id: str, asked: ManualRequest) -> Clip:
        """The frame on show at `asked.time`. A client that hangs up changes nothing. Raises Problem, Busy."""
        return await to_the_end(self._tasks, self._set(clip_id, asked))

    async def promote(self, clip_id: str, source: PreviewSource) -> Clip:
        """A copy of the `current` or `middle` picture. Raises Problem, Busy."""
        return await to_the_end(self._tasks, self._promote(clip_id, source))

    async def _set(self, clip_id: str, asked: ManualRequest) -> Clip:
        async with self._turn(clip_id):
            clip = await self._clip(clip_id)
            _must_show(clip, asked.time)
            if clip.previews.manual is not None and not asked.overwrite:
                said = "There is a manual picture already; send overwrite: true to replace it."
                raise Problem(409, "There is one already", said, field="overwrite")
            width = asked.width or self._default_width
            async with self._decoding(), self._material.for_frame(clip, asked.time) as path:
                still = await self._run(png_from_file, path, asked.time, width)
            return await self._keep(clip, still)

    async def _promote(self, clip_id: str, source: PreviewSource) -> Clip:
        async with self._turn(clip_id):
            clip = await self._clip(clip_id)
            data = await self._pictures.read(clip, source)
            if data is None:
                gone = (
                    f"source: there is no {source} picture of the clip; GET previews tells which there are."
                )
                raise Problem(409, "There is no such picture", gone, field="source")
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
            said = f"The frame could not be decoded within {self._timeout_s:g} seconds. Try again."
            raise Problem(504, "It took too long", said) from error
        except DecodeFailed as error:
            said = f"{str(error).rstrip('.')}. The picture there was stays; try another moment."
            raise Problem(500, "The picture could not be made", said) from error

    async def _keep(self, clip: Clip, still: ClipStill) -> Clip:
        made = MadePicture(still.data, still.width, still.height, ".png")
        try:
            return await self._pictures.keep(clip.id, PreviewSource.MANUAL, made)
        except OSError as error:
            said = (
                f"The picture cannot be written ({error.strerror}), so it stays as it was. Look at the disk."
            )
            raise Problem(507, "The disk refuses to write", said) from error

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


def _must_show(clip: Clip, time_s: float) -> None:
    """Refuse what shows no frame at that time."""
    if clip.media_type is not MediaType.VIDEO:
        raise Problem(400, "Not a video", "This is a snapshot: its one picture stands for it.", field="id")
    if not is_ready(clip):
        why = clip.error or "Wait until its status is draft."
        raise Problem(409, "The clip is not ready", f"The clip is {clip.status}. {why}")
    duration_s = clip.duration_s or 0.0
    if not 0 <= time_s < duration_s:  # NaN is nowhere
        said = f"time: must be at least 0 and less than the clip's duration of {duration_s:.6f} seconds."
        raise Problem(400, "That moment is not in the clip", said, field="time")
