"""An answer of the catalogue that a tick wants every second and that hardly ever changes.

Asking takes a thread and a transaction; while nobody has written, the answer is the one given before.
Event loop only.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from backend.catalogue.catalogue import Catalogue

T = TypeVar("T")

LONGEST_S = 10.0
"""How long an answer is believed: somebody may have mended a row by hand."""


class Kept(Generic[T]):
    """The answer to one question. It must depend on nothing but rows, above all not on the time."""

    def __init__(
        self,
        catalogue: Catalogue,
        ask: Callable[[], Awaitable[T]],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._ask = ask
        self._monotonic_s = monotonic_s
        self._kept: tuple[T, int, float] | None = None

    async def answer(self) -> T:
        """The answer of now. Raises what asking raises; then the next call asks again."""
        # Before asking: what is written meanwhile may or may not be in the answer.
        writes, now_s = self._catalogue.writes, self._monotonic_s()
        if self._kept is not None:
            answer, kept_writes, kept_s = self._kept
            if writes is not None and writes == kept_writes and now_s - kept_s < LONGEST_S:
                return answer
        answer = await self._ask()
        self._kept = None if writes is None else (answer, writes, now_s)
        return answer
