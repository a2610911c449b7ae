"""What the event loop says of errors that nobody catches: all counted, one a minute of each kind logged.

asyncio writes a traceback each time. What a stranger can cause a thousand times a second must cost less.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from backend.base.rarely import Rarely, and_more

_log = logging.getLogger(__name__)


class LoopErrors:
    """An exception handler for `loop.set_exception_handler`. `failed` hears of each error."""

    def __init__(self, failed: Callable[[], None], rarely: Rarely | None = None) -> None:
        self._failed = failed
        self._rarely = rarely or Rarely()

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._failed()
        # Messages hold objects with their addresses, from "<" on: without them, equal faults are one kind.
        message = str(context.get("message", "")).partition("<")[0].rstrip()
        kind = f"{type(context.get('exception')).__name__}: {message}"
        held_back = self._rarely.due(kind)
        if held_back is None:
            return
        loop.default_exception_handler(context)
        if held_back:
            _log.error("%s%s", kind, and_more(held_back))


@contextmanager
def counted_loop_errors(failed: Callable[[], None]) -> Iterator[None]:
    """The running loop hands its errors to `LoopErrors` until the end of the block."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(LoopErrors(failed))
    try:
        yield
    finally:
        loop.set_exception_handler(before)
