"""One piece of blocking work in a thread of an executor, awaited on the event loop.

Not here: tasks (`tasks`), processes (`workers`), word from threads that run on their own (`bridge`). Event
loop only.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


async def in_thread(executor: Executor | None, work: Callable[[], T]) -> T:
    """What `work` returns or raises. `executor` None: the loop's own threads.

    Cancelling the wait does not stop work that has begun.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, work)
