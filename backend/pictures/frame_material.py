"""The file that a frame of a clip is decoded from: the one on this disk, else what it needs of the store's.

A clip that is only in the store is not fetched whole for one picture: its index first, then the bytes from
the keyframe to the frame, into a file with holes that goes again. Not here: decoding (`recorder.stills`),
the store (`clip_bytes`). Event loop only; files in `threads`.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from backend.catalogue import Clip
from backend.playback.clip_bytes import ClipBytes
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import frame_extent
from recorder.base.own_files import open_own
from recorder.base.threads import in_thread
from recorder.base.workers import WorkerPool

FETCH_TIMEOUT_S = 30.0
INDEX_TIMEOUT_S = 20.0
FIRST_BYTES = 64 * 1024
"""Enough for the index of a short clip, and for the size of a longer one's."""
MOST_INDEX_BYTES = 256 << 20


class FrameMaterial:
    """Files to decode from. `directory` is ours alone, below what is emptied at every start."""

    def __init__(
        self, clip_bytes: ClipBytes, workers: WorkerPool, threads: Executor, directory: Path
    ) -> None:
        self._bytes = clip_bytes
        self._workers = workers
        self._threads = threads
        self._directory = directory

    @asynccontextmanager
    async def for_frame(self, clip: Clip, time_s: float) -> AsyncIterator[Path]:
        """A file that shows the clip's frame at `time_s`, and perhaps nothing else.

        Raises Refused: 502 where the bytes cannot be had, 504 where they take too long; Busy, DecodeFailed.
        """
        local = await self._bytes.local_file(clip)
        if local is not None:
            yield local
            return
        async with self._temporary(clip) as path:
            async with _in_time():
                await self._fetch_index(clip, path)
            first, end = await self._workers.run(frame_extent, path, time_s, timeout_s=INDEX_TIMEOUT_S)
            async with _in_time():
                await self._bytes.fetch_part(clip, first, end - first, path)
            yield path

    @asynccontextmanager
    async def whole(self, clip: Clip) -> AsyncIterator[Path]:
        """The clip's file itself; for snapshots. Raises Refused, as `for_frame`."""
        local = await self._bytes.local_file(clip)
        if local is not None:
            yield local
            return
        async with self._temporary(clip) as path:
            async with _in_time():
                await self._bytes.fetch(clip, path)
            yield path

    async def _fetch_index(self, clip: Clip, path: Path) -> None:
        size = clip.size_bytes or 0
        have = min(size, FIRST_BYTES)
        await self._bytes.fetch_part(clip, 0, have, path)
        end = await in_thread(self._threads, partial(_index_end, path, have))
        if end is None or end > min(size, MOST_INDEX_BYTES):
            raise Refused(Kind.NO_INDEX_IN_FRONT)
        if end > have:
            await self._bytes.fetch_part(clip, have, end - have, path)

    @asynccontextmanager
    async def _temporary(self, clip: Clip) -> AsyncIterator[Path]:
        if self._bytes.stored(clip) is None:
            raise self._bytes.missing(clip)
        path = self._directory / f"{clip.id}.{secrets.token_hex(4)}"
        try:
            await in_thread(self._threads, partial(_make_hole, path, clip.size_bytes or 0))
            yield path
        finally:
            await in_thread(self._threads, partial(path.unlink, missing_ok=True))


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
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
