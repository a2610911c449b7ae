"""Notifies the event loop of changes on the capture thread.

Carries no data: readers pull from the ring by sequence number, so a slow reader costs no memory and a fast
camera cannot flood the loop. At most one wake-up is pending; further notices are coalesced into it and
counted. Without a waiter the loop is not woken at all. `notify` may be called from any thread, even after the
loop is closed; everything else belongs to the loop's thread.
"""

import asyncio
import threading


class Bridge:
    """A version number that increases with every notice, and a way to wait for the next one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._version = 0
        self._pending = False
        self._waiting = 0
        self._awake = asyncio.Event()
        self.wake_ups = 0
        """Calls handed to the loop."""
        self.coalesced = 0
        """Notices that needed no wake-up: one was pending, or no task was waiting."""
        self.dropped_after_close = 0
        """Notices that arrived after the loop was closed."""

    @property
    def version(self) -> int:
        """How many notices there have been."""
        return self._version

    def notify(self) -> None:
        """Announce a change. Never blocks, never raises."""
        with self._lock:
            self._version += 1
            if self._pending or not self._waiting:
                self.coalesced += 1
                return
            self._pending = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed: the daemon is shutting down
            with self._lock:
                self._pending = False
                self.dropped_after_close += 1

    async def wait_beyond(self, version: int, timeout_s: float) -> int:
        """Wait until the version exceeds `version` or `timeout_s` passes; return the current version."""
        # Register under the lock before reading the version, so a concurrent notice is never missed.
        with self._lock:
            self._waiting += 1
        is_over = False

        def end() -> None:
            nonlocal is_over
            is_over = True
            self._wake_waiting()

        # Not asyncio.timeout: on a quiet machine most waits time out, and each would cost an exception.
        timer = asyncio.get_running_loop().call_later(timeout_s, end)
        try:
            while self._version <= version and not is_over:
                await self._awake.wait()
        finally:
            timer.cancel()
            with self._lock:
                self._waiting -= 1
        return self._version

    def _wake(self) -> None:
        with self._lock:
            self._pending = False
            self.wake_ups += 1
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        # Current waiters hold the old event; later ones wait for the next notice.
        awake, self._awake = self._awake, asyncio.Event()
        awake.set()
