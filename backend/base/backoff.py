"""How long to wait between attempts that fail: twice as long after each failure, up to a limit. Pure.

Not here: waiting itself, and counting failures.
"""

from dataclasses import dataclass

_MOST_DOUBLINGS = 20
"""More would leave the range of floats; every limit is reached before."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The waits of one kind of attempt, from `first_s` to `longest_s`."""

    first_s: float
    longest_s: float

    def wait_s(self, failures: int) -> float:
        """The wait after a failure that follows `failures` others in a row."""
        return min(self.first_s * 2.0 ** min(failures, _MOST_DOUBLINGS), self.longest_s)

    def random_wait_s(self, failures: int, chance: float) -> float:
        """Between half of `wait_s` and all of it, so that many boxes do not try again at the same time.

        Args:
            failures: How many failures in a row came before this one.
            chance: A random number in [0, 1).
        """
        return self.wait_s(failures) * (0.5 + chance / 2)
