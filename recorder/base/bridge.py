"""From the capture thread to the event loop: word that something is new, and nothing else.

No data travels here: readers pull from the ring by sequence number, so a slow reader costs no memory
and a fast camera cannot flood the loop. At most one wake-up is pending at any time, whatever happens
in between is folded into it and counted; while nobody waits the loop is left to sleep. `notify` may
be called from any thread, also after the loop is closed; everything else belongs to the loop's thread.
"""

import asyncio
import threading


class Bridge:
    """A version number that grows with every notice, and a way to wait for it."""

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
        """Notices that found a wake-up pending already, or nobody to wake."""
        self.dropped_after_close = 0
        """Notices that came after the loop was closed."""

    @property
    def version(self) -> int:
        """How many notices there were so far."""
        return self._version

    def notify(self) -> None:
        """Say that there is something new. Never blocks, never raises."""
        with self._lock:
            self._version += 1
            if self._pending or not self._waiting:
                self.coalesced += 1
                return
            self._pending = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed: the daemon is on its way out
            with self._lock:
                self._pending = False
                self.dropped_after_close += 1

    async def wait_beyond(self, version: int, timeout_s: float) -> int:
        """The version as soon as it is larger than `version`, or the unchanged one after `timeout_s`."""
        # Counted under the lock before the version is looked at: a notice sees one or the other.
        with self._lock:
            self._waiting += 1
        is_over = False

        def end() -> None:
            nonlocal is_over
            is_over = True
            self._wake_waiting()

        # No asyncio.timeout: most waits of a quiet box end by the clock, and it would end each by exceptions.
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
        # Everybody who waits now holds the old event; who comes later waits for the next notice.
        awake, self._awake = self._awake, asyncio.Event()
        awake.set()
