"""A sorted list with cheap removal of its oldest items, searched by bisection.

Here: the data structure behind the rings. Not here: the meaning of its items. Pure; has no lock.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Shelf(Generic[_T]):
    """Items in order. A position counts from the first item ever appended and never changes.

    Dropped items are overwritten with `blank` at once, which frees them. Their slots are removed once they
    are the larger half of the list, so each item is moved O(1) times.
    """

    def __init__(self, blank: _T) -> None:
        self._blank = blank
        self._items: list[_T] = []
        self._cut = 0
        self.first = 0
        self.end = 0
        """Position after the newest item."""

    def __len__(self) -> int:
        return self.end - self.first

    def __getitem__(self, position: int) -> _T:
        return self._items[position - self._cut]

    def append(self, item: _T) -> None:
        self._items.append(item)
        self.end += 1

    def drop_before(self, position: int) -> None:
        for index in range(self.first - self._cut, position - self._cut):
            self._items[index] = self._blank
        self.first = position
        if 2 * (position - self._cut) > len(self._items):
            del self._items[: position - self._cut]
            self._cut = position

    def slice(self, first: int, end: int) -> tuple[_T, ...]:
        return tuple(self._items[first - self._cut : end - self._cut])

    def bisect_left(self, value: int, key: Callable[[_T], int]) -> int:
        return self._cut + bisect_left(self._items, value, lo=self.first - self._cut, key=key)

    def bisect_right(self, value: int, key: Callable[[_T], int]) -> int:
        return self._cut + bisect_right(self._items, value, lo=self.first - self._cut, key=key)
