"""Clips read lately, so that a page that is requested again and again is decoded once.

A row's version grows with every change, so a clip cached by number and version is right for ever; a
changed row has another key. Bounded; safe to use from every catalogue thread.
"""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from backend.catalogue.values import Clip

MOST = 1000
"""About two kilobytes each; several first pages at once."""

Key = tuple[int, int]
"""Number and version of a row."""


class RowCache:
    """The clips used last."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._clips: OrderedDict[Key, Clip] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._clips)

    def find(self, keys: Iterable[Key]) -> dict[Key, Clip]:
        """Those of `keys` that are cached."""
        found = {}
        with self._lock:
            for key in keys:
                if (clip := self._clips.get(key)) is not None:
                    self._clips.move_to_end(key)
                    found[key] = clip
        return found

    def keep(self, clips: dict[Key, Clip]) -> None:
        """Cache these clips too. The least recently used ones are dropped."""
        with self._lock:
            self._clips.update(clips)
            while len(self._clips) > self._most:
                self._clips.popitem(last=False)
