"""Cron expressions: what is accepted, and the local times they name.

The calendar search is APScheduler's `CronTrigger`, asked in UTC about wall-clock times that know no zone:
what a zone makes of them is decided in `rules`, where both changes of the year have a stated answer. Its
own reading of crontab is not used: it counts Monday as 0, ignores what follows a range of names, and joins
day of month and day of week by "and". docs/adr/0070 has the judgement. Pure; the only door to the trigger.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge

from apscheduler.triggers.cron import CronTrigger

FURTHEST = timedelta(days=9 * 366)
"""Every date there is comes within it (29 February across 2100); the search ends there."""
_END_OF_TIME = datetime(9980, 1, 1, tzinfo=UTC)

_NAMES = ("minute", "hour", "day of month", "month", "day of week")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_APSCHEDULER_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(?P<first>\*|\d{1,2})(?:-(?P<last>\d{1,2}))?(?:/(?P<step>\d{1,2}))?", re.ASCII)
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


class BadCron(ValueError):
    """The expression is not one; the message goes on after the field's name and repeats no value."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression. Made by `parse`."""

    expression: str
    minutes: str
    hours: str
    days: str
    months: str
    weekdays: str
    either_day: bool
    """Day of month and day of week are both given: then either will do, as cron has it."""
    follows_the_clock: bool
    """The hour is left open (`*`, `*/2`): it is meant as a rhythm and not as one moment of the day."""


def parse(expression: str) -> Cron:
    """Five fields: minute, hour, day of month, month, day of week (names, 0 and 7 are Sunday).

    Raises BadCron.
    """
    fields = expression.lower().split()
    if len(fields) != 5:
        raise BadCron(
            f"needs five fields (minute, hour, day of month, month, day of week) and has {len(fields)}; "
            "'30 7 * * mon-fri' is 07:30 on weekdays"
        )
    numbers = [_numbers(index, _without_names(index, field)) for index, field in enumerate(fields)]
    minutes, hours, days, months, weekdays = fields
    made = Cron(
        expression=" ".join(fields),
        minutes=_listed(minutes, numbers[0]),
        hours=_listed(hours, numbers[1]),
        days="last" if days == "last" else _listed(days, numbers[2]),
        months=_listed(months, numbers[3]),
        weekdays="*"
        if weekdays == "*"
        else ",".join(sorted({_APSCHEDULER_WEEKDAYS[(number - 1) % 7] for number in numbers[4]})),
        either_day=not days.startswith("*") and not weekdays.startswith("*"),
        follows_the_clock=hours.startswith("*"),
    )
    if next(local_times(made, datetime(2000, 1, 1)), None) is None:
        raise BadCron("names a date that never comes, such as 30 February")
    return made


def local_times(cron: Cron, start: datetime) -> Iterator[datetime]:
    """The naive wall-clock times at or after `start`, ascending."""
    if not cron.either_day:
        yield from _search(cron, start, cron.days, cron.weekdays)
        return
    previous = None
    by_date, by_weekday = _search(cron, start, cron.days, "*"), _search(cron, start, "*", cron.weekdays)
    for found in merge(by_date, by_weekday):
        if found != previous:
            yield found
        previous = found


def _search(cron: Cron, start: datetime, days: str, weekdays: str) -> Iterator[datetime]:
    trigger = CronTrigger(
        month=cron.months,
        day=days,
        day_of_week=weekdays,
        hour=cron.hours,
        minute=cron.minutes,
        timezone=UTC,
    )
    found: datetime | None = start.replace(tzinfo=UTC)
    while found is not None and found < _END_OF_TIME:
        trigger.end_date = found + FURTHEST
        found = trigger.get_next_fire_time(None, found)
        if found is not None:
            yield found.replace(tzinfo=None)
            found += timedelta(seconds=1)


def _without_names(index: int, field: str) -> str:
    """Names of months and weekdays as numbers; what is no name stays."""
    names = {3: (_MONTHS, 1), 4: (_WEEKDAYS, 0)}.get(index)
    if names is None:
        return field
    known, first = names
    return re.sub(r"[a-z]+", lambda m: str(known.index(m[0]) + first) if m[0] in known else m[0], field)


def _numbers(index: int, field: str) -> tuple[int, ...]:
    """Every number that a field names. Raises BadCron."""
    if index == 2 and field == "last":
        return ()
    least, most = _RANGES[index]
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if match is None or (match["first"] == "*" and match["last"] is not None):
            raise BadCron(f"cannot be read in its {_NAMES[index]}")
        found.update(_part_numbers(index, match))
    if not all(least <= number <= most for number in found):
        raise BadCron(f"is outside {least} to {most} in its {_NAMES[index]}")
    return tuple(sorted(found))


def _part_numbers(index: int, match: re.Match[str]) -> range:
    least, most = _RANGES[index]
    step = int(match["step"] or 1)
    if step == 0:
        raise BadCron(f"has a step of 0 in its {_NAMES[index]}")
    if match["first"] == "*":
        return range(least, 6 + 1 if index == 4 else most + 1, step)
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else (most if match["step"] else first)
    if index == 4 and last == 0 and first > 0:
        last = 7  # fri-sun
    if last < first:
        raise BadCron(f"has a range that runs backwards in its {_NAMES[index]}")
    return range(first, last + 1, step)


def _listed(field: str, numbers: tuple[int, ...]) -> str:
    """The numbers as APScheduler reads them; it refuses some steps that cron takes."""
    return field if field == "*" else ",".join(map(str, numbers))
