"""Whether the store works, and when to try it again. Pure: the caller passes time and chance.

A store that is down, full or refuses our key fails for every file alike: then one worker tries, later
and later up to half a minute, for ever, and all others wait. A failure of one file alone holds up that
file only. Not here: trying (`upload_queue`).
"""

from dataclasses import dataclass
from enum import StrEnum

from backend.base.backoff import Backoff
from backend.storage.object_store import FailureCause, StoreError

STORE_BACKOFF = Backoff(1.0, 30.0)
"""Between two tries of a store that fails."""
FILE_BACKOFF = Backoff(5.0, 900.0)
"""Between two tries of a file that cannot be copied though the store works."""
ABOUT_ONE_FILE = frozenset({FailureCause.CONTENT, FailureCause.MISSING, FailureCause.OTHER})
"""Causes that say nothing about the next file."""


class StoreState(StrEnum):
    """What is known of the store."""

    UNKNOWN = "unknown"
    """Not contacted yet."""
    OK = "ok"
    FAILING = "failing"


class StoreReach(StrEnum):
    """Whether local copies can be given up because an object store holds the clips too."""

    NONE = "none"
    """There is no store."""
    READY = "ready"
    AWAY = "away"
    """It does not answer, so it cannot be asked once more: a size rule waits for it, the reserve cannot."""


@dataclass(slots=True)
class StoreMonitor:
    """Notes when the store works and when it fails. Times are monotonic seconds."""

    state: StoreState = StoreState.UNKNOWN
    cause: FailureCause | None = None
    sentence: str | None = None
    failures: int = 0
    """In a row."""
    next_try_s: float = 0.0
    last_success_s: float | None = None
    """When the store last succeeded."""
    trying: bool = False
    """A worker is testing whether a failing store works again."""

    def may_try(self, now_s: float) -> bool:
        """Whether a request may start now: one at a time while the store fails."""
        return self.state is StoreState.OK or (not self.trying and now_s >= self.next_try_s)

    def succeeded(self, now_s: float) -> None:
        """Note a success."""
        self.state, self.cause, self.sentence = StoreState.OK, None, None
        self.failures, self.next_try_s, self.last_success_s = 0, now_s, now_s

    def failed(self, error: StoreError, now_s: float, chance: float) -> bool:
        """Note a failure; return whether it concerns every file."""
        if error.cause in ABOUT_ONE_FILE:
            return False
        self.state, self.cause, self.sentence = StoreState.FAILING, error.cause, str(error)
        self.next_try_s = now_s + STORE_BACKOFF.random_wait_s(self.failures, chance)
        self.failures += 1
        return True
