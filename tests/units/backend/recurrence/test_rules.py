"""Rules in time zones, above all on the two days of the year that have no 24 hours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.recurrence.rules import (
    RecurrenceRule,
    cron_rule,
    is_zone,
    latest_moment,
    local,
    moments,
    next_moment,
)

MINUTE = timedelta(minutes=1)
# The Sunday that has a skipped time and the one that has a doubled one, as UTC midnights of the day before.
CHANGES = {
    "Europe/Berlin": (datetime(2026, 3, 28), datetime(2026, 10, 24)),
    "America/New_York": (datetime(2026, 3, 7), datetime(2026, 10, 31)),
    "Australia/Lord_Howe": (datetime(2026, 10, 2, 12), datetime(2026, 4, 3, 12)),
}


def shown(rule: RecurrenceRule, after: datetime, count: int) -> list[str]:
    return [f"{local(moment, rule.zone):%d %H:%M%z}" for moment in islice(moments(rule, after), count)]


@pytest.mark.parametrize(
    ("zone", "hour", "times"),
    [
        ("Europe/Berlin", "30 2", ["28 02:30+0100", "29 03:30+0200", "30 02:30+0200"]),
        ("America/New_York", "30 2", ["07 02:30-0500", "08 03:30-0400", "09 02:30-0400"]),
        ("Australia/Lord_Howe", "10 2", ["03 02:10+1030", "04 02:40+1100", "05 02:10+1100"]),
    ],
)
def test_a_time_of_day_that_is_skipped_comes_later_by_what_was_skipped(
    zone: str, hour: str, times: list[str]
) -> None:
    """Every day means every day, also on the one where the clock passes over it."""
    assert shown(cron_rule(f"{hour} * * *", zone), CHANGES[zone][0], 3) == times


@pytest.mark.parametrize(
    ("zone", "hour", "times"),
    [
        ("Europe/Berlin", "30 2", ["24 02:30+0200", "25 02:30+0200", "26 02:30+0100"]),
        ("America/New_York", "30 1", ["31 01:30-0400", "01 01:30-0400", "02 01:30-0500"]),
        ("Australia/Lord_Howe", "45 1", ["04 01:45+1100", "05 01:45+1100", "06 01:45+1030"]),
    ],
)
def test_a_time_of_day_that_comes_twice_happens_once(zone: str, hour: str, times: list[str]) -> None:
    """The first of the two counts."""
    assert shown(cron_rule(f"{hour} * * *", zone), CHANGES[zone][1], 3) == times


@pytest.mark.parametrize(
    ("zone", "skipped_day", "doubled_day"),
    [
        ("Europe/Berlin", 23, 25),
        ("America/New_York", 23, 25),
        # Half an hour: 02:00 is passed over, and only 01:30 to 02:00 comes twice.
        ("Australia/Lord_Howe", 23, 24),
    ],
)
def test_every_full_hour_follows_the_clock_on_the_wall(zone: str, skipped_day: int, doubled_day: int) -> None:
    """As many as the day shows full hours, and never two at one moment."""
    rule = cron_rule("0 * * * *", zone)
    for day, hours in zip(CHANGES[zone], (skipped_day, doubled_day), strict=True):
        sunday = (local(day, zone) + timedelta(days=1, hours=6)).date()
        found = [
            moment
            for moment in islice(moments(rule, day - timedelta(days=1)), 120)
            if local(moment, zone).date() == sunday
        ]
        assert len(found) == len(set(found)) == hours


@pytest.mark.parametrize("zone", CHANGES)
def test_an_interval_knows_no_change(zone: str) -> None:
    """3600 seconds are 3600 seconds; it begins at midnight of the zone in winter."""
    rule = RecurrenceRule(zone, every_s=3600)
    for day in CHANGES[zone]:
        found = list(islice(moments(rule, day), 60))
        assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}


@cache
def _wall_clock(zone: str, start: datetime, days: int) -> dict[datetime, list[datetime]]:
    """What the clock shows, minute by minute, and when."""
    where = ZoneInfo(zone)
    seen: dict[datetime, list[datetime]] = {}
    for number in range(days * 24 * 60):
        moment = start + number * MINUTE
        wall = moment.replace(tzinfo=UTC).astimezone(where).replace(tzinfo=None)
        seen.setdefault(wall, []).append(moment)
    return seen


def _expected(
    clock: dict[datetime, list[datetime]], minutes: set[int], hours: set[int] | None
) -> Iterator[datetime]:
    """By looking at the clock each minute, as a person would."""
    wall, last = min(clock), max(clock)
    shown_before = wall
    while wall <= last:
        if wall in clock:
            shown_before = wall
        if wall.minute in minutes and (hours is None or wall.hour in hours):
            if hours is None:
                yield from clock.get(wall, [])
            elif wall in clock:
                yield clock[wall][0]
            else:  # later by what was skipped
                yield clock[shown_before][-1] + (wall - shown_before)
        wall += MINUTE


@given(
    place=st.sampled_from([(zone, day) for zone, days in sorted(CHANGES.items()) for day in days]),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.none() | st.sets(st.integers(0, 4), min_size=1, max_size=3),
)
def test_moments_are_those_a_person_reads_off_the_clock(
    place: tuple[str, datetime], minutes: set[int], hours: set[int] | None
) -> None:
    """Over both changes of three zones, against looking at the clock minute by minute."""
    zone, day = place
    clock = _wall_clock(zone, day, 3)
    start = day + timedelta(hours=4)
    end = start + timedelta(days=2)
    hour_field = "*" if hours is None else ",".join(map(str, hours))
    rule = cron_rule(f"{','.join(map(str, minutes))} {hour_field} * * *", zone)
    found = []
    for moment in moments(rule, start - MINUTE):
        if moment >= end:
            break
        found.append(moment)
    wanted = sorted({moment for moment in _expected(clock, minutes, hours) if start <= moment < end})
    assert found == wanted


@given(
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia"]),
    expression=st.sampled_from(["0 2 * * *", "*/7 * * * *", "30 1-3 * * sun", "0 */6 1,15 * *"]),
    after=st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1)),
)
def test_asking_in_pieces_gives_what_asking_once_gives(zone: str, expression: str, after: datetime) -> None:
    """Ascending, later than asked, and the same whoever asks from where: restarts change nothing."""
    rule = cron_rule(expression, zone)
    at_once = list(islice(moments(rule, after), 12))
    assert all(later > earlier for earlier, later in pairwise([after, *at_once]))
    asked, one_by_one = after, []
    for _ in at_once:
        moment = next_moment(rule, asked)
        assert moment is not None
        one_by_one.append(moment)
        asked = moment
    assert one_by_one == at_once
    assert latest_moment(rule, at_once[5], at_once[5] - after) == at_once[5]


@pytest.mark.parametrize(("name", "known"), [("Europe/Berlin", True), ("UTC", True), ("Mars/Olympus", False)])
def test_a_zone_is_one_of_the_database(name: str, known: bool) -> None:
    """Also names that would lead out of it are only unknown."""
    assert is_zone(name) is known
    assert not any(is_zone(path) for path in ("", "Europe", "../../etc/passwd", "/etc/localtime", "a\0b"))


@pytest.mark.parametrize("rule", [RecurrenceRule("UTC"), RecurrenceRule("UTC", every_s=0)])
def test_a_rule_that_names_no_time_is_refused(rule: RecurrenceRule) -> None:
    """It would never come, or come without end at one moment."""
    with pytest.raises(ValueError, match=r"cron expression or an interval|longer than nothing"):
        next(moments(rule, datetime(2026, 1, 1)))


@pytest.mark.parametrize("rule", [cron_rule("0 0 1 1 *", "UTC"), RecurrenceRule("UTC", every_s=86400)])
def test_moments_end_with_the_calendar(rule: RecurrenceRule) -> None:
    """Year 9999 is no error; there is no next moment, and the latest one is still found."""
    last = max(moments(rule, datetime(9970, 1, 1)))
    assert next_moment(rule, last) is None
    assert latest_moment(rule, last + timedelta(days=1), timedelta(days=2)) == last


def test_a_skipped_time_that_falls_on_another_comes_once() -> None:
    """02:30 is 03:30 on that day, which the rule names as well."""
    rule = cron_rule("30 2,3 29 3 *", "Europe/Berlin")
    assert shown(rule, datetime(2026, 1, 1), 3) == ["29 03:30+0200", "29 02:30+0200", "29 03:30+0200"]
