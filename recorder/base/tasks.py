"""The one place that starts tasks outside a TaskGroup.

A TaskGroup ends all its tasks when one fails, which is right for one request and wrong for a daemon,
where one broken recording must not end the others. `Tasks` keeps what the loop does not: a strong
reference, a name, and a count of those that ended with an exception.
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
        """Start `work`; it is kept until it ends, and cancelled by `close`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Cancel everything that runs and wait until it has ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1
            log.error("task %s ended with an error", task.get_name(), exc_info=error)
