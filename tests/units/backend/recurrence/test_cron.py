"""Cron expressions as crontab(5) means them."""

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.recurrence.cron import BadCron, local_times, parse

NEW_YEAR = datetime(2026, 1, 1)  # a Thursday


def first(expression: str, count: int = 3, start: datetime = NEW_YEAR) -> list[str]:
    return [f"{time:%a %d %b %H:%M}" for time in islice(local_times(parse(expression), start), count)]


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("30 7 * * *", ["Thu 01 Jan 07:30", "Fri 02 Jan 07:30", "Sat 03 Jan 07:30"]),
        ("30 7 * * mon-fri", ["Thu 01 Jan 07:30", "Fri 02 Jan 07:30", "Mon 05 Jan 07:30"]),
        ("30 7 * * MON-FRI", ["Thu 01 Jan 07:30", "Fri 02 Jan 07:30", "Mon 05 Jan 07:30"]),
        ("30 7 * * 1-5", ["Thu 01 Jan 07:30", "Fri 02 Jan 07:30", "Mon 05 Jan 07:30"]),
        ("0 0 * * 0", ["Sun 04 Jan 00:00", "Sun 11 Jan 00:00", "Sun 18 Jan 00:00"]),
        ("0 0 * * 7", ["Sun 04 Jan 00:00", "Sun 11 Jan 00:00", "Sun 18 Jan 00:00"]),
        ("0 0 * * sat-sun", ["Sat 03 Jan 00:00", "Sun 04 Jan 00:00", "Sat 10 Jan 00:00"]),
        ("*/20 8-9 * * *", ["Thu 01 Jan 08:00", "Thu 01 Jan 08:20", "Thu 01 Jan 08:40"]),
        ("5/25 0 * * *", ["Thu 01 Jan 00:05", "Thu 01 Jan 00:30", "Thu 01 Jan 00:55"]),
        ("0 0 last * *", ["Sat 31 Jan 00:00", "Sat 28 Feb 00:00", "Tue 31 Mar 00:00"]),
        ("0 0 * jun,sep-oct/1 mon", ["Mon 01 Jun 00:00", "Mon 08 Jun 00:00", "Mon 15 Jun 00:00"]),
        ("0 0 1 */6 *", ["Thu 01 Jan 00:00", "Wed 01 Jul 00:00", "Fri 01 Jan 00:00"]),
        ("0 */50 * * *", ["Thu 01 Jan 00:00", "Fri 02 Jan 00:00", "Sat 03 Jan 00:00"]),
    ],
)
def test_an_expression_means_what_crontab_says(expression: str, times: list[str]) -> None:
    """Sunday is 0 and 7, names count, ranges may end on Sunday, a step after a range of names is heard."""
    assert first(expression) == times


def test_day_of_month_and_day_of_week_together_mean_either() -> None:
    """The crontab rule that the library joins by "and" instead."""
    assert first("0 12 13 * fri", 4, datetime(2026, 2, 10)) == [
        "Fri 13 Feb 12:00",
        "Fri 20 Feb 12:00",
        "Fri 27 Feb 12:00",
        "Fri 06 Mar 12:00",
    ]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("* * * *", "needs five fields .* has 4"),
        ("61 * * * *", "outside 0 to 59 in its minute"),
        ("0 24 * * *", "outside 0 to 23 in its hour"),
        ("0 0 0 * *", "outside 1 to 31 in its day of month"),
        ("0 0 * 13 *", "outside 1 to 12 in its month"),
        ("0 0 * * 8", "outside 0 to 7 in its day of week"),
        ("0 0 * * funday", "cannot be read in its day of week"),
        ("0 0 1st * *", "cannot be read in its day of month"),
        ("*-5 * * * *", "cannot be read in its minute"),
        ("5-1 * * * *", "runs backwards in its minute"),
        ("*/0 * * * *", "a step of 0 in its minute"),
        ("0 0 30 feb *", "a date that never comes"),
        ("٣ * * * *", "cannot be read in its minute"),
    ],
)
def test_a_mistake_is_told_in_words(expression: str, said: str) -> None:
    """Which field is wrong and how; never what was written, for it goes to logs."""
    with pytest.raises(BadCron, match=said):
        parse(expression)


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    """Nothing else may come out: the text is a person's."""
    with suppress(BadCron):
        assert parse(text).expression


def test_a_leap_day_is_found_across_a_year_without_one() -> None:
    """2100 is no leap year, so there are eight years between two."""
    assert first("0 0 29 feb *", 2, datetime(2095, 1, 1)) == ["Wed 29 Feb 00:00", "Fri 29 Feb 00:00"]


def test_the_search_ends_with_the_calendar() -> None:
    """Year 9999 is no error."""
    assert list(local_times(parse("0 0 1 1 *"), datetime.max - timedelta(days=1))) == []


def test_the_search_for_either_day_ends_with_the_calendar_too() -> None:
    """Both searches come to their end."""
    found = list(local_times(parse("0 12 13 * fri"), datetime(9979, 12, 20)))
    assert found
    assert all(time.day == 13 or time.weekday() == 4 for time in found)
