"""Waiting for something to become true, with a deadline instead of a guess."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], deadline_s: float = 10.0) -> float:
    """Return the seconds it took; fails when `condition` does not hold within `deadline_s`."""
    begun_s = time.monotonic()
    while not condition():
        assert time.monotonic() - begun_s < deadline_s, f"not within {deadline_s} s: {condition}"
        time.sleep(0.01)
    return time.monotonic() - begun_s
