"""Work that goes on to its end when the client hangs up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from recorder.base.tasks import Tasks

T = TypeVar("T")


async def run_shielded(tasks: Tasks, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a task of its own and wait for it. Cancelling the wait does not cancel the work."""
    answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            result = await work
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  it reaches the caller, which may have stopped waiting
            if not answer.done():
                answer.set_exception(error)
                answer.exception()
        else:
            if not answer.done():
                answer.set_result(result)

    tasks.spawn(run(), "unbroken work")
    return await asyncio.shield(answer)
