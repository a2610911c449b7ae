"""How it stands with the store, and when to try it again. Pure: time and chance come from outside.

A store that is down, full or refuses our key fails for every file alike: then one worker tries, later
and later up to half a minute, for ever, and all others wait. A failure of one file alone holds up that
file only. Not here: trying (`upload_queue`).
"""

from dataclasses import dataclass
from enum import StrEnum

from backend.storage.object_store import Cause, StoreError

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
FILE_FIRST_WAIT_S, FILE_LONGEST_WAIT_S = 5.0, 900.0
_MOST_DOUBLINGS = 20
ABOUT_ONE_FILE = frozenset({Cause.CONTENT, Cause.MISSING, Cause.OTHER})
"""Causes that say nothing about the next file."""


class State(StrEnum):
    """What is known of the store."""

    UNKNOWN = "unknown"
    """Not asked yet."""
    OK = "ok"
    FAILING = "failing"


def wait_s(failures: int, chance: float, first_s: float, longest_s: float) -> float:
    """How long to wait after the failure that follows `failures` others; `chance` is in [0, 1).

    Doubles up to `longest_s`; half of it is left to chance, so that many boxes do not come back at once.
    """
    whole_s = min(first_s * 2.0 ** min(failures, _MOST_DOUBLINGS), longest_s)
    return whole_s * (0.5 + chance / 2)


def store_wait_s(failures: int, chance: float) -> float:
    """Between two tries of a store that fails."""
    return wait_s(failures, chance, FIRST_WAIT_S, LONGEST_WAIT_S)


def file_wait_s(attempts: int, chance: float) -> float:
    """Between two tries of a file that cannot be copied though the store works."""
    return wait_s(attempts, chance, FILE_FIRST_WAIT_S, FILE_LONGEST_WAIT_S)


class StoreReach(StrEnum):
    """Whether local copies can be given up because an object store holds the clips too."""

    NONE = "none"
    """There is no store."""
    READY = "ready"
    AWAY = "away"
    """It does not answer, so it cannot be asked once more: a size rule waits for it, the reserve cannot."""


@dataclass(slots=True)
class Outlook:
    """Times are monotonic seconds."""

    state: State = State.UNKNOWN
    cause: Cause | None = None
    sentence: str | None = None
    failures: int = 0
    """In a row."""
    next_try_s: float = 0.0
    last_heard_s: float | None = None
    """When the store last did what it was asked."""
    trying: bool = False
    """Somebody is finding out whether a failing store works again."""

    def may_try(self, now_s: float) -> bool:
        """Whether the store may be asked now: freely when it works, by one and in its time when not."""
        return self.state is State.OK or (not self.trying and now_s >= self.next_try_s)

    def succeeded(self, now_s: float) -> None:
        """It did what it was asked."""
        self.state, self.cause, self.sentence = State.OK, None, None
        self.failures, self.next_try_s, self.last_heard_s = 0, now_s, now_s

    def failed(self, error: StoreError, now_s: float, chance: float) -> bool:
        """It did not. Whether that holds for every file."""
        if error.cause in ABOUT_ONE_FILE:
            return False
        self.state, self.cause, self.sentence = State.FAILING, error.cause, str(error)
        self.next_try_s = now_s + store_wait_s(self.failures, chance)
        self.failures += 1
        return True
