"""When a store is tried again: for ever, later and later, never all at once. Pure, so any history will do."""

from hypothesis import given
from hypothesis import strategies as st

from backend.storage.object_store import FailureCause, StoreError
from backend.storage.store_state import (
    ABOUT_ONE_FILE,
    FILE_BACKOFF,
    STORE_BACKOFF,
    StoreMonitor,
    StoreState,
)

CHANCES = st.floats(0, 1, exclude_max=True)
EVERYTHING = sorted(set(FailureCause) - ABOUT_ONE_FILE)


@given(st.integers(0, 10**6), CHANCES)
def test_a_store_is_tried_every_half_minute_and_a_file_every_quarter_of_an_hour(
    failures: int, chance: float
) -> None:
    """After a year of failures too, and a box never spins."""
    assert 0.5 <= STORE_BACKOFF.random_wait_s(failures, chance) <= 30.0
    assert 2.5 <= FILE_BACKOFF.random_wait_s(failures, chance) <= 900.0


EVENTS = st.lists(
    st.tuples(st.floats(0, 100), st.one_of(st.none(), st.sampled_from(sorted(FailureCause))), CHANCES),
    max_size=40,
)


@given(EVENTS)
def test_whatever_happened_the_store_is_tried_again_within_half_a_minute(
    events: list[tuple[float, FailureCause | None, float]],
) -> None:
    """No history leads to a queue that waits for ever, or to one that never waits."""
    monitor, now_s = StoreMonitor(), 0.0
    for passed_s, cause, chance in events:
        now_s += passed_s
        if cause is None:
            monitor.succeeded(now_s)
            assert monitor.may_try(now_s)
        elif monitor.failed(StoreError(cause, "It fails."), now_s, chance):
            assert not monitor.may_try(now_s)
            assert (monitor.state, monitor.cause) == (StoreState.FAILING, cause)
        assert monitor.may_try(now_s + STORE_BACKOFF.longest_s)


@given(st.sampled_from(EVERYTHING), CHANCES)
def test_only_one_finds_out_whether_a_failing_store_works_again(cause: FailureCause, chance: float) -> None:
    """A hundred waiting files do not fall on a store that has just come up."""
    monitor = StoreMonitor()
    monitor.failed(StoreError(cause, "It fails."), 0.0, chance)
    monitor.trying = True
    assert not monitor.may_try(1000.0)
    monitor.succeeded(1000.0)
    assert monitor.may_try(1000.0)


@given(st.sampled_from(sorted(ABOUT_ONE_FILE)), CHANCES)
def test_one_bad_file_says_nothing_about_the_store(cause: FailureCause, chance: float) -> None:
    """All others are copied meanwhile."""
    monitor = StoreMonitor()
    monitor.succeeded(0.0)
    assert not monitor.failed(StoreError(cause, "This one."), 1.0, chance)
    assert monitor.may_try(1.0)
    assert monitor.state is StoreState.OK
