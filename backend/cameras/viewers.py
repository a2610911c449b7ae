"""Who watches live: a bound on them, and the word to go when the daemon stops. Event loop only."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from backend.http.problems import Problem

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
            raise Problem(
                503,
                "Too many viewers",
                f"{self._most} live views are open. Close one.",
                headers={"Retry-After": "5"},
            )
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def close(self) -> None:
        """Tell everybody to leave, so that the server can stop without waiting for open pages."""
        self.closing.set()
