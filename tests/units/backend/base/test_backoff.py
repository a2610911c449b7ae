"""Attempts that fail: waits double from the first to the longest, and chance spreads boxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.base.backoff import Backoff

CHANCES = st.floats(0, 1, exclude_max=True)
BACKOFFS = st.builds(
    lambda first_s, factor: Backoff(first_s, first_s * factor), st.floats(0.01, 60), st.floats(1, 1000)
)


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (Backoff(0.2, 10.0), [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]),
        (Backoff(1.0, 15.0), [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 15.0]),
        (Backoff(10.0, 3600.0), [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0]),
    ],
)
def test_each_failure_doubles_the_wait_up_to_the_longest(backoff: Backoff, waits: list[float]) -> None:
    """The limit counts even if it is no power of two."""
    assert [backoff.wait_s(failures) for failures in range(8)] == waits


@given(BACKOFFS, st.integers(0, 10**6), CHANCES)
def test_a_wait_is_capped_and_never_nothing(backoff: Backoff, failures: int, chance: float) -> None:
    """After a year of failures it is still the longest at most, and a box never spins."""
    assert backoff.first_s <= backoff.wait_s(failures) <= backoff.longest_s
    assert backoff.first_s / 2 <= backoff.random_wait_s(failures, chance) <= backoff.longest_s


@given(BACKOFFS, st.integers(0, 100), CHANCES)
def test_waits_grow_whatever_chance_says(backoff: Backoff, failures: int, chance: float) -> None:
    """The shortest wait after one failure more is as long as the longest before, until the cap."""
    longer, before = backoff.random_wait_s(failures + 1, 0.0), backoff.random_wait_s(failures, chance)
    assert longer >= before or longer == backoff.longest_s / 2


def test_half_of_a_random_wait_is_left_to_chance() -> None:
    """Boxes that lost a store together do not come back to it at the same time."""
    backoff = Backoff(1.0, 30.0)
    assert backoff.random_wait_s(3, 0.0) == 4.0
    assert backoff.random_wait_s(3, 0.5) == 6.0
