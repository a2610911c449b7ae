"""The file that a frame of a clip is decoded from: the one on this disk, else what it needs of the store's.

A clip that is only in the store is not fetched whole for one picture: its index first, then the bytes from
the keyframe to the frame, into a file with holes that goes again. Not here: decoding (`recorder.stills`), the
index (`clip_index`), the store (`clip_bytes`). Event loop only; files in threads.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.catalogue import Clip
from backend.playback.clip_bytes import ClipBytes
from backend.playback.clip_index import ClipIndexes, in_store_time
from recorder import frame_extent
from recorder.base.workers import WorkerPool

INDEX_TIMEOUT_S = 20.0


class FrameMaterial:
    """Files to decode from. `directory` is ours alone, below what is emptied at every start."""

    def __init__(
        self, clip_bytes: ClipBytes, indexes: ClipIndexes, workers: WorkerPool, directory: Path
    ) -> None:
        self._bytes = clip_bytes
        self._indexes = indexes
        self._workers = workers
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
        async with self._indexes.hole(clip, self._directory) as path:
            async with in_store_time():
                await self._indexes.fetch(clip, path)
            first, end = await self._workers.run(frame_extent, path, time_s, timeout_s=INDEX_TIMEOUT_S)
            async with in_store_time():
                await self._bytes.fetch_part(clip, first, end - first, path)
            yield path

    @asynccontextmanager
    async def whole(self, clip: Clip) -> AsyncIterator[Path]:
        """The clip's file itself; for snapshots. Raises Refused, as `for_frame`."""
        local = await self._bytes.local_file(clip)
        if local is not None:
            yield local
            return
        async with self._indexes.hole(clip, self._directory) as path:
            async with in_store_time():
                await self._bytes.fetch(clip, path)
            yield path
