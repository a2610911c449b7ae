"""The live viewers: how many there may be, and the signal to leave when the daemon stops. Event loop only."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from backend.problems.kinds import Kind
from backend.problems.refused import Refused

MOST_VIEWERS = 64


class Viewers:
    """Live viewers of all cameras. `closing` is set when they are to leave."""

    def __init__(self, most: int = MOST_VIEWERS) -> None:
        self._most = most
        self.count = 0
        self.refused = 0
        self.closing = asyncio.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """One viewer; 503 when there are too many."""
        if self.count >= self._most or self.closing.is_set():
            self.refused += 1
            raise Refused(Kind.TOO_MANY_VIEWERS, retry_after_s=5, open=self._most)
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def close(self) -> None:
        """Tell everybody to leave, so that the server can stop without waiting for open pages."""
        self.closing.set()
