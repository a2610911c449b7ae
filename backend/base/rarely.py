"""Lets one message of each kind through per interval and counts the rest, so that no stranger fills the log.

Bounded, whatever the kinds are. Belongs to one thread.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KINDS = 64
_REST = "the rest"


@dataclass(slots=True)
class _Kind:
    due_s: float
    held_back: int = 0


class Rarely:
    """Decides which messages are written."""

    def __init__(self, every_s: float = 60.0, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._monotonic_s = monotonic_s
        self._kinds: dict[str, _Kind] = {}

    def due(self, kind: str) -> int | None:
        """How many of `kind` were held back since the last one written. None: hold this one back as well."""
        now_s = self._monotonic_s()
        if kind not in self._kinds and len(self._kinds) >= _MOST_KINDS:
            self._forget(now_s)
            if len(self._kinds) >= _MOST_KINDS:
                kind = _REST
        one = self._kinds.setdefault(kind, _Kind(now_s))
        if now_s < one.due_s:
            one.held_back += 1
            return None
        held_back, one.held_back = one.held_back, 0
        one.due_s = now_s + self._every_s
        return held_back

    def _forget(self, now_s: float) -> None:
        """Kinds that are due become part of the rest."""
        rest = self._kinds.pop(_REST, _Kind(now_s))
        rest.held_back += sum(one.held_back for one in self._kinds.values() if one.due_s <= now_s)
        self._kinds = {name: one for name, one in self._kinds.items() if one.due_s > now_s}
        self._kinds[_REST] = rest


def and_more(held_back: int) -> str:
    """The end of a line that speaks for others as well."""
    return f" ({held_back} more of this kind since the last such line)" if held_back else ""
