"""Starts tasks that outlive the call that starts them; the only place that does so outside a TaskGroup.

A TaskGroup cancels all its tasks when one fails. That suits a request but not a daemon, where one broken
recording must not end the others. `Tasks` keeps what the loop does not: a strong reference to each task, its
name, and a count of tasks that ended with an exception. Event loop only.
"""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


class Tasks:
    """Independent tasks with one owner. Event loop only."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.failures = 0

    def spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Start `work`. The task is referenced until it ends; `close` cancels it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Cancel all running tasks and wait until they have ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1
            log.error("task %s ended with an error", task.get_name(), exc_info=error)
