"""Runs blocking work in an executor thread and awaits it on the event loop.

Not here: tasks (`tasks`), processes (`workers`), notices from long-lived threads (`bridge`). Event loop only.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


async def in_thread(executor: Executor | None, work: Callable[[], T]) -> T:
    """Return or raise what `work` does. `executor` None: the loop's default executor.

    Cancelling the wait does not stop work that has started.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, work)
