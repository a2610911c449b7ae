"""The index of a finished clip, wherever its file is: when it shows its frames, and whether it hides some.

Here: reading it, a few milliseconds for a minute of video, and keeping the last few; of a clip that is only
in the store, its first bytes are fetched. Not here: the index itself (`recorder.FrameTimes`), the pictures
(`clip_bytes`, `pictures.frame_material`). Event loop only; files in `threads`.
"""

import asyncio
import os
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from backend.catalogue import Clip
from backend.playback.clip_bytes import ClipBytes
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import FrameTimes, read_frame_times
from recorder.base.errors import FinishFailed
from recorder.base.own_files import open_own
from recorder.base.threads import in_thread

FETCH_TIMEOUT_S = 30.0
FIRST_BYTES = 64 * 1024
"""Enough for the index of a short clip, and for the size of a longer one's."""
MOST_INDEX_BYTES = 256 << 20
MOST_REMEMBERED_FRAMES = 1 << 20
"""Eight bytes each: a clip of hours, or very many short ones."""


class ClipIndexes:
    """Reads the index of clips. `directory` is ours alone, below what is emptied at every start."""

    def __init__(self, clip_bytes: ClipBytes, threads: Executor, directory: Path) -> None:
        self._bytes = clip_bytes
        self._threads = threads
        self._directory = directory
        self._known: OrderedDict[tuple[str, str | None], FrameTimes] = OrderedDict()
        self.remembered_frames = 0
        """Of all indexes that are kept in memory."""

    async def frame_times(self, clip: Clip) -> FrameTimes:
        """When the finished video `clip` shows its frames.

        Raises Refused: 502 where the bytes cannot be had, 504 where they take too long, 500 where they are no
        file of ours.
        """
        key = (clip.id, clip.sha256)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        found = await self._read(clip)
        if (also := self._known.pop(key, None)) is not None:  # read for another request meanwhile
            self.remembered_frames -= len(also.pts)
        self._known[key] = found
        self.remembered_frames += len(found.pts)
        while len(self._known) > 1 and self.remembered_frames > MOST_REMEMBERED_FRAMES:
            _, oldest = self._known.popitem(last=False)
            self.remembered_frames -= len(oldest.pts)
        return found

    async def offsets_us(self, times: FrameTimes) -> Sequence[int]:
        """The frames' times in microseconds; of hours of video this takes a while."""
        return await in_thread(self._threads, times.offsets_us)

    async def hides_pictures(self, clip: Clip) -> bool:
        """Whether a player that ignores edit lists shows more than the clip. No if it cannot be told."""
        try:
            return (await self.frame_times(clip)).hides_pictures
        except Refused:
            return False

    async def _read(self, clip: Clip) -> FrameTimes:
        local = await self._bytes.local_file(clip)
        try:
            if local is not None:
                return await in_thread(self._threads, partial(read_frame_times, local))
            async with self.hole(clip, self._directory) as path:
                async with in_store_time():
                    await self.fetch(clip, path)
                return await in_thread(self._threads, partial(read_frame_times, path))
        except FinishFailed as error:
            raise Refused(Kind.INDEX_NOT_READ, reason=str(error).rstrip(".")) from error
        except OSError as error:
            raise Refused(Kind.DISK_CANNOT_READ, reason=error.strerror or type(error).__name__) from error

    async def fetch(self, clip: Clip, path: Path) -> None:
        """Write the bytes before the media, from the store, to `path`. Raises Refused, OSError."""
        size = clip.size_bytes or 0
        have = min(size, FIRST_BYTES)
        await self._bytes.fetch_part(clip, 0, have, path)
        end = await in_thread(self._threads, partial(_index_end, path, have))
        if end is None or end > min(size, MOST_INDEX_BYTES):
            raise Refused(Kind.NO_INDEX_IN_FRONT)
        if end > have:
            await self._bytes.fetch_part(clip, have, end - have, path)

    @asynccontextmanager
    async def hole(self, clip: Clip, directory: Path) -> AsyncIterator[Path]:
        """A file of the clip's size below `directory` that holds nothing yet, and goes again."""
        if self._bytes.stored(clip) is None:
            raise self._bytes.missing(clip)
        path = directory / f"{clip.id}.{secrets.token_hex(4)}"
        try:
            await in_thread(self._threads, partial(_make_hole, path, clip.size_bytes or 0))
            yield path
        finally:
            await in_thread(self._threads, partial(path.unlink, missing_ok=True))


@asynccontextmanager
async def in_store_time() -> AsyncIterator[None]:
    """Refuse if the store needs too long for what is done inside."""
    try:
        async with asyncio.timeout(FETCH_TIMEOUT_S):
            yield
    except TimeoutError as error:
        raise Refused(Kind.STORE_TOO_SLOW, limit_s=FETCH_TIMEOUT_S) from error


def _make_hole(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size_bytes)


def _index_end(path: Path, have: int) -> int | None:
    """Where the `moov` box ends; None where none begins within the first `have` bytes."""
    with open_own(path) as file:
        head = file.read(have)
    at = 0
    while at + 8 <= len(head):
        size, kind = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        if kind == b"moov" and size >= 8:
            return at + size
        if size < 8:
            return None
        at += size
    return None
