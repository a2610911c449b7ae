"""Clips without the pictures they hide: for players that ignore edit lists, and for what leaves the house.

Here: `to_share`, which archive, public and shared copies all call; when a clean copy is made and how many
are kept. A clip's row does not say whether its file is clean: the file is looked at, once. Not here: how
one is made (`recorder.mp4.clean_copy`), sending it (`file_body`). Event loop only; the work is done by one
process of its own, so that no other decoding waits for it.
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from backend.base.machine.host import FreeSpace
from backend.catalogue import Clip, MediaType
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import CleanKind, CleanOrder, write_clean_copy
from recorder.base.errors import Busy, DecodeFailed, FinishFailed
from recorder.base.tasks import Tasks
from recorder.base.threads import in_thread
from recorder.base.workers import WorkerPool

log = logging.getLogger(__name__)

MOST_WAITING = 8
SILENCE_S = 60.0
NICENESS = 12
MEMORY_BYTES = 2 << 30
_MOST_REMEMBERED = 4096


class ClipSource(Protocol):
    """Where a clip's own file is had from."""

    async def local_file(self, clip: Clip) -> Path | None:
        """The file on this disk; None where it is only in the store."""
        ...

    async def fetch(self, clip: Clip, target: Path) -> None:
        """Write the clip's bytes, wherever they are, to `target`. Raises Refused (502)."""
        ...


@dataclass(slots=True)
class CleanCounters:
    """Since the daemon started."""

    made: int = 0
    encoded_whole: int = 0
    """Of those made: encoded from start to end, because nothing of the camera's own could be kept."""
    failed: int = 0
    refused: int = 0
    evicted: int = 0


@dataclass(frozen=True, slots=True)
class CleanFile:
    """A file that hides nothing. `sha256` is that of its own content: a copy made again may differ."""

    path: Path
    sha256: str | None


@dataclass(slots=True)
class _CleanCopy:
    """A clean copy on the disk. `path` None: the clip's own file is clean."""

    path: Path | None
    size_bytes: int
    sha256: str | None
    readers: int = 0


@dataclass(slots=True)
class _Work:
    """A clean copy being made. The job ends when no request waits for it any more."""

    done: "asyncio.Future[_CleanCopy]"
    waiting: int = 0
    task: "asyncio.Task[None] | None" = None


class CleanCopies:
    """Makes clean copies and keeps them below `directory`: `limit_bytes`, or what is being read."""

    def __init__(
        self,
        directory: Path,
        source: ClipSource,
        threads: Executor,
        limit_bytes: int,
        shortage: Callable[[], FreeSpace | None] = lambda: None,
    ) -> None:
        """`directory` is ours alone, and empty. `shortage`: why nothing may be written to the disk now."""
        self.counters = CleanCounters()
        self._directory = directory
        self._source = source
        self._threads = threads
        self._limit_bytes = limit_bytes
        self._copies: OrderedDict[str, _CleanCopy] = OrderedDict()
        self._work: dict[str, _Work] = {}
        self._tasks = Tasks()
        self._shortage = shortage
        self._pool = WorkerPool(1, MOST_WAITING, MEMORY_BYTES, NICENESS)

    @property
    def kept_bytes(self) -> int:
        """What the clean copies on the disk take."""
        return sum(copy.size_bytes for copy in self._copies.values())

    @property
    def making(self) -> int:
        """How many clean copies are being made or wait for their turn."""
        return len(self._work)

    async def close(self) -> None:
        """End what is being made."""
        await self._tasks.close()
        await asyncio.to_thread(self._pool.close)

    @asynccontextmanager
    async def to_share(self, clip: Clip) -> AsyncIterator[Path]:
        """The file that may leave the house: a video's clean copy, a picture's own file.

        The file stays while the context is open. Raises Refused.
        """
        if clip.media_type is not MediaType.VIDEO:
            async with self._original(clip) as path:
                yield path
            return
        async with self.open(clip) as clean:
            yield clean.path

    @asynccontextmanager
    async def open(self, clip: Clip) -> AsyncIterator[CleanFile]:
        """The clean copy of a finished video, made now if there is none; it stays while the context is open.

        Refused if the clip's bytes cannot be had, too many are being made, or the disk is almost full.
        """
        copy = await self._acquire(clip)
        try:
            if copy.path is not None:
                yield CleanFile(copy.path, copy.sha256)
            else:
                async with self._original(clip) as path:
                    yield CleanFile(path, copy.sha256)
        finally:
            copy.readers -= 1
            self._make_room()

    def forget(self, clip: Clip) -> None:
        """The clip is deleted: so is its clean copy."""
        if (work := self._work.get(clip.id)) is not None and work.task is not None:
            work.task.cancel()
        if (copy := self._copies.pop(clip.id, None)) is not None:
            self._remove(copy)

    @asynccontextmanager
    async def _original(self, clip: Clip) -> AsyncIterator[Path]:
        path = await self._source.local_file(clip)
        if path is not None:
            yield path
            return
        fetched = await self._fetched(clip)
        try:
            yield fetched
        finally:
            self._tasks.spawn(in_thread(self._threads, partial(_unlink, [fetched])), "remove fetched clip")

    async def _acquire(self, clip: Clip) -> _CleanCopy:
        """The clean copy, with the caller counted among its readers."""
        if (copy := self._copies.get(clip.id)) is not None:
            self._copies.move_to_end(clip.id)
            copy.readers += 1
            return copy
        work = self._work.get(clip.id)
        if work is None:
            work = self._work[clip.id] = _Work(asyncio.get_running_loop().create_future())
            work.task = self._tasks.spawn(self._serve(clip, work), f"clean copy of {clip.id}")
            work.task.add_done_callback(lambda _: self._broken_off(clip, work))
        work.waiting += 1
        try:
            return await asyncio.shield(work.done)
        except asyncio.CancelledError:
            work.waiting -= 1
            if work.done.done() and not work.done.cancelled():
                if work.done.exception() is None:
                    work.done.result().readers -= 1
            elif not work.waiting and work.task is not None:
                self._end(clip, work)
                work.task.cancel()
            raise

    async def _serve(self, clip: Clip, work: _Work) -> None:
        try:
            copy = await self._make(clip)
        except Refused as refused:
            self._end(clip, work)
            if work.waiting:
                work.done.set_exception(refused)
        else:
            self._end(clip, work)
            copy.readers = work.waiting
            self._copies[clip.id] = copy
            work.done.set_result(copy)
            self._make_room()

    def _broken_off(self, clip: Clip, work: _Work) -> None:
        """A task that is cancelled may have run none of its own code, not even `finally`."""
        self._end(clip, work)
        if not work.done.done():
            work.done.set_exception(Refused(Kind.CLEAN_COPY_BROKEN_OFF))
            work.done.exception()  # seen: perhaps nobody waits

    def _end(self, clip: Clip, work: _Work) -> None:
        if self._work.get(clip.id) is work:
            del self._work[clip.id]

    async def _make(self, clip: Clip) -> _CleanCopy:
        if (short := self._shortage()) is not None:
            self._make_room(0)
            self.counters.refused += 1
            raise Refused(
                Kind.DISK_TOO_FULL_TO_CLEAN,
                retry_after_s=30,
                free_bytes=short.free_bytes,
                reserve_bytes=short.reserve_bytes,
            )
        await in_thread(self._threads, partial(self._directory.mkdir, parents=True, exist_ok=True))
        local = await self._source.local_file(clip)
        source = local or await self._fetched(clip)
        out = self._directory / f"{clip.id}.mp4"
        # Of its own name: one that is made again may begin before the broken-off one has been tidied away.
        unfinished = self._directory / f"{clip.id}.{secrets.token_hex(4)}.tmp"
        try:
            result = await self._pool.run_long(
                write_clean_copy,
                CleanOrder(source, unfinished),
                silence_s=SILENCE_S,
                on_report=lambda _: None,
            )
            copy = _CleanCopy(None, 0, clip.sha256)
            if result.cut is not None:
                await in_thread(self._threads, partial(unfinished.rename, out))
                copy = _CleanCopy(out, result.cut.size_bytes, result.cut.sha256)
            elif source is not local:  # it is clean: it need not be fetched once more
                await in_thread(self._threads, partial(source.rename, out))
                copy = _CleanCopy(out, clip.size_bytes or 0, clip.sha256)
        except Busy as error:
            self.counters.refused += 1
            raise Refused(Kind.TOO_MANY_CLEAN_COPIES, retry_after_s=10) from error
        except (FinishFailed, DecodeFailed, OSError) as error:
            self.counters.failed += 1
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise Refused(Kind.CLEAN_COPY_FAILED, reason=reason) from error
        finally:
            leftovers = [unfinished] if source is local else [unfinished, source]
            self._tasks.spawn(
                in_thread(self._threads, partial(_unlink, leftovers)), "tidy up after a clean copy"
            )
        self.counters.made += result.kind is not CleanKind.AS_IT_IS
        self.counters.encoded_whole += result.kind is CleanKind.ENCODED
        return copy

    async def _fetched(self, clip: Clip) -> Path:
        target = self._directory / f"{clip.id}.{secrets.token_hex(4)}.source"
        await in_thread(self._threads, partial(self._directory.mkdir, parents=True, exist_ok=True))
        try:
            await self._source.fetch(clip, target)
        except BaseException:
            self._tasks.spawn(in_thread(self._threads, partial(_unlink, [target])), "remove half a clip")
            raise
        return target

    def _make_room(self, limit_bytes: int | None = None) -> None:
        """The longest unused go first; what is being read stays, even beyond the limit."""
        excess = self.kept_bytes - (self._limit_bytes if limit_bytes is None else limit_bytes)
        for clip_id, copy in list(self._copies.items()):
            if excess <= 0 and len(self._copies) <= _MOST_REMEMBERED:
                return
            if copy.readers == 0 and (copy.size_bytes or len(self._copies) > _MOST_REMEMBERED):
                del self._copies[clip_id]
                excess -= copy.size_bytes
                self.counters.evicted += copy.path is not None
                self._remove(copy)

    def _remove(self, copy: _CleanCopy) -> None:
        if copy.path is not None:  # readers have it open
            self._tasks.spawn(in_thread(self._threads, partial(_unlink, [copy.path])), "remove clean copy")


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
