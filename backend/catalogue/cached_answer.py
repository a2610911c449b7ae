"""A result of the catalogue that a tick needs every second and that hardly ever changes.

A query takes a thread and a transaction; until the next write, the result is the one cached before.
Event loop only.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from backend.catalogue.catalogue import Catalogue

T = TypeVar("T")

LONGEST_S = 10.0
"""How long an answer counts: an operator may have changed a row by hand."""


class CachedAnswer(Generic[T]):
    """The result of one query. It must depend on nothing but rows, above all not on the time."""

    def __init__(
        self,
        catalogue: Catalogue,
        query: Callable[[], Awaitable[T]],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._query = query
        self._monotonic_s = monotonic_s
        self._cached: tuple[T, int, float] | None = None

    async def answer(self) -> T:
        """The current result. If the query raises, so does this; the next call then queries again."""
        # Before the query: what is written meanwhile may or may not be in its result.
        writes, now_s = self._catalogue.writes, self._monotonic_s()
        if self._cached is not None:
            answer, cached_writes, cached_s = self._cached
            if writes is not None and writes == cached_writes and now_s - cached_s < LONGEST_S:
                return answer
        answer = await self._query()
        self._cached = None if writes is None else (answer, writes, now_s)
        return answer
