"""What a look finds, whatever the clock and the process did since the last one."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.recurrence.due import MOST_COUNTED, DueTimes, Occurrence, find_due, upcoming
from tests.support.backend.schedule_specs import a_recording, a_timelapse

DAY = datetime(2026, 3, 10)
HOUR = timedelta(hours=1)


def at(hour: int, minute: int = 0, second: int = 0, *, days: int = 0) -> datetime:
    return DAY + timedelta(days=days, hours=hour, minutes=minute, seconds=second)


MORNING = Occurrence(at(7, 30), at(7, 40))


def test_what_is_due_is_found_when_its_moment_comes() -> None:
    """Not a moment before, and once only."""
    spec = a_recording()
    assert not find_due(spec, at(7), at(7, 29, 59)).has_changes
    found = find_due(spec, at(7), at(7, 30))
    assert found == DueTimes(at(7, 30), due=(MORNING,))
    assert not find_due(spec, found.seen_until, at(7, 30, 1)).has_changes


def test_a_schedule_made_in_the_middle_of_its_time_begins_at_once() -> None:
    """What should be recording now does not depend on who was there when it began."""
    assert find_due(a_recording(), None, at(7, 35)).due == (MORNING,)
    assert find_due(a_timelapse(), None, at(9, 59)).due == (Occurrence(at(9), at(10)),)
    assert not find_due(a_recording(), None, at(7, 40)).due


def test_a_process_that_slept_for_an_hour_finds_what_passed_and_what_is_left() -> None:
    """Two ten-minute recordings went by, the third is in its middle."""
    spec = a_recording(cron="*/30 * * * *")
    found = find_due(spec, at(7), at(8, 3))
    assert found.passed is not None
    assert (found.passed.first, found.passed.last, found.passed.count) == (MORNING, MORNING, 1)
    assert found.due == (Occurrence(at(8), at(8, 10)),)


@pytest.mark.parametrize("days", [0, 400])
def test_a_clock_set_forward_misses_what_it_passed_over(days: int) -> None:
    """An hour or 400 days: counted, told, and what is due at the new time begins."""
    found = find_due(a_recording(), at(7), at(8, days=days))
    assert found.passed is not None
    assert found.passed.count == days + 1
    assert found.passed.last.due_at == at(7, 30, days=days)
    in_the_middle = find_due(a_recording(), at(6), at(7, 35, days=days))
    assert in_the_middle.due == (Occurrence(at(7, 30, days=days), at(7, 40, days=days)),)


def test_a_busy_schedule_is_not_counted_for_ever() -> None:
    """576 000 minutes went by: the look is bounded, and what is due now is found all the same."""
    found = find_due(a_recording(cron="* * * * *", length_s=10.0), at(0), at(0, 0, 5, days=400))
    assert found.passed is not None
    assert found.passed.count == MOST_COUNTED
    assert found.due == (Occurrence(at(0, days=400), at(0, 0, 10, days=400)),)


def test_a_clock_set_back_by_an_hour_begins_no_new_era() -> None:
    """What is under way at the new time is named; that it ran before is known by its row."""
    found = find_due(a_recording(), at(7, 30), at(6, 30))
    assert (found.back, found.new_era, found.due, found.passed) == (True, False, (), None)
    assert find_due(a_recording(), found.seen_until, at(7, 30)).due == (MORNING,)


def test_a_clock_set_back_by_400_days_does_not_sleep_for_400_days() -> None:
    """Its next time is the next one by the new clock, in an era of its own."""
    found = find_due(a_recording(), at(7, 30, days=400), at(7, 35))
    assert (found.new_era, found.back, found.due) == (True, False, (MORNING,))
    assert find_due(a_recording(), found.seen_until, at(7, 30, days=1)).due


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 23), 23),
        ("Europe/Berlin", datetime(2026, 10, 24, 22), 25),
        ("America/New_York", datetime(2026, 3, 8, 5), 23),
        ("America/New_York", datetime(2026, 11, 1, 4), 25),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 13, 30), 23.5),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 13), 24.5),
    ],
)
def test_a_day_of_timelapse_is_as_long_as_the_day(zone: str, day: datetime, hours: float) -> None:
    """From midnight to midnight of the zone, on both changes."""
    spec = a_timelapse(join="day", timezone=zone)
    assert find_due(spec, None, day + HOUR).due == (Occurrence(day, day + hours * HOUR),)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("day", [datetime(2026, 3, 7), datetime(2026, 3, 28), datetime(2026, 4, 4)])
@pytest.mark.parametrize("autumn", [False, True])
def test_the_hours_of_a_timelapse_follow_each_other(zone: str, day: datetime, autumn: bool) -> None:
    """No moment belongs to none of them or to two, also where a clock is changed by half an hour."""
    begin = day + timedelta(days=210 if autumn else 0)
    found = upcoming(a_timelapse(timezone=zone), begin, 60)
    assert all(earlier.ends_at == later.due_at for earlier, later in pairwise(found))


def test_a_timelapse_may_be_joined_after_any_number_of_seconds() -> None:
    """Counted from midnight of 1 January 2000 in the zone; the stretch under way is due at once."""
    spec = a_timelapse(join="600")
    assert find_due(spec, None, at(7, 34)).due == (Occurrence(at(7, 30), at(7, 40)),)
    assert [o.due_at for o in upcoming(spec, at(7, 34), 2)] == [at(7, 40), at(7, 50)]


SPECS = [
    a_recording(),
    a_recording(cron="*/7 * * * *", length_s=120.0, timezone="Europe/Berlin"),
    a_recording(cron=None, every_s=3600, length_s=10.0),
    a_recording(cron="30 2 * * *", length_s=7200.0, timezone="America/New_York"),
    a_timelapse(timezone="Australia/Lord_Howe"),
    a_timelapse(join="day", timezone="Europe/Berlin"),
    a_timelapse(join="600"),
]


@given(
    spec=st.sampled_from(SPECS),
    begin=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    pauses_s=st.lists(
        st.one_of(st.floats(0.5, 2), st.floats(60, 7200), st.just(86400.0)), min_size=1, max_size=12
    ),
)
def test_however_time_is_looked_at_every_occurrence_is_due_or_passed_once(
    spec: object, begin: datetime, pauses_s: list[float]
) -> None:
    """Ticks, restarts and pauses of any length: nothing is named twice, nothing is lost."""
    assert isinstance(spec, type(SPECS[0]))
    seen = begin
    named: list[Occurrence] = []
    missed = 0
    for pause_s in pauses_s:
        now = max(seen, begin) + timedelta(seconds=pause_s)
        found = find_due(spec, seen, now)
        assert all(o.due_at <= now < o.ends_at for o in found.due)
        named += found.due
        missed += 0 if found.passed is None else found.passed.count
        assert found.passed is None or found.passed.last.ends_at <= now
        seen = now
    assert len(named) == len(set(named))
    expected = [o for o in upcoming(spec, begin, len(named) + missed + 1) if o.due_at <= seen]
    assert len(expected) == len(named) + missed
    assert set(named) <= set(expected)


@given(
    spec=st.sampled_from(SPECS),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    step_s=st.floats(-500 * 86400, 500 * 86400),
)
def test_wherever_the_clock_is_set_what_is_under_way_there_is_found(
    spec: object, now: datetime, step_s: float
) -> None:
    """The same occurrences as for a schedule just made; who ran already is told by the rows."""
    assert isinstance(spec, type(SPECS[0]))
    there = now + timedelta(seconds=step_s)
    found = find_due(spec, now, there)
    fresh = {o for o in find_due(spec, None, there).due if o.due_at > now or there < now}
    assert set(found.due) == fresh
    assert found.new_era == (now - there > timedelta(days=1))
