"""Turns a blocking reader into a `StreamBody`: one piece at a time, read in a thread, none ahead.

Here: when the next piece is read, and that closing stops it. Not here: what is read. A body belongs to one
task of the event loop; its reader is never used by two threads at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

from backend.storage.object_store import PIECE_BYTES, StoreError
from recorder.base.threads import in_thread


class ThreadedBody:
    """Reads with `read(at most so many bytes)` until it returns b""; `close` is called exactly once."""

    def __init__(
        self, read: Callable[[int], bytes], close: Callable[[], None], threads: Executor, length: int
    ) -> None:
        self._read = read
        self._close = close
        self._threads = threads
        self._left = length
        self._reading: asyncio.Future[bytes] | None = None
        self._closed = False

    def __aiter__(self) -> "ThreadedBody":
        return self

    async def __anext__(self) -> bytes:
        """The next piece. Raises StoreError when the provider fails in the middle."""
        if self._closed or self._left <= 0:
            raise StopAsyncIteration
        loop = asyncio.get_running_loop()
        wanted = min(PIECE_BYTES, self._left)
        self._reading = loop.run_in_executor(self._threads, self._read, wanted)
        piece = await asyncio.shield(self._reading)
        self._reading = None
        if not piece:
            raise StopAsyncIteration
        self._left -= len(piece)
        return piece

    async def aclose(self) -> None:
        """Stop reading. A read that is under way ends first; nobody waits for it."""
        if self._closed:
            return
        self._closed = True
        if self._reading is not None and not self._reading.done():
            self._reading.add_done_callback(self._close_after)
            return
        with suppress(RuntimeError):  # the threads are gone, and with them every connection
            await in_thread(self._threads, self._close)

    def _close_after(self, read: asyncio.Future[bytes]) -> None:
        if not read.cancelled():
            with suppress(StoreError, OSError):
                read.result()
        with suppress(RuntimeError):
            self._threads.submit(self._close)


class EmptyBody:
    """No bytes."""

    def __aiter__(self) -> "EmptyBody":
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Nothing to close."""
