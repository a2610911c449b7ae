"""What should be happening now, and what has passed: follows from a schedule, a mark and the time. Pure.

`find_due` takes the moment up to which a schedule was checked before (`seen_until`) and the label of now.
How the time went by does not matter, so a restart, a paused process, a missed tick and a clock that was
set are one case each:

    an occurrence whose end is still to come    is due, also in its middle
    one whose end has passed                    was missed
    the clock went back by up to a day          nothing that ran is run again; what was only missed is open
    the clock went back further                 a new era: the same moments are other occurrences

That an occurrence is carried out once is not decided here but by its row (schedule, era, moment).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.catalogue.schedule_values import ScheduleKind, ScheduleSpec
from backend.recurrence.rules import RecurrenceRule, cron_rule, latest_moment, moments

NEW_ERA_AFTER = timedelta(days=1)
"""A clock that goes back by less is put right by hand or by a time server; by more, it was wrong."""
MOST_COUNTED = 1000
"""Missed occurrences that one check counts one by one."""
LONGEST_PERIOD = timedelta(hours=50)
"""A day in which a whole day was doubled, and a little."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that something is due: `due_at ≤ now < ends_at`."""

    due_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Passed:
    """Occurrences in a row whose end has come; `count` is MOST_COUNTED where there may be more."""

    first: Occurrence
    last: Occurrence
    count: int


@dataclass(frozen=True, slots=True)
class DueTimes:
    """What is due and what has passed. `back`: the clock was set back, by a little."""

    seen_until: datetime
    due: tuple[Occurrence, ...] = ()
    passed: Passed | None = None
    new_era: bool = False
    back: bool = False

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to write to the catalogue."""
        return bool(self.due or self.passed or self.new_era or self.back)


def recurrence_of(spec: ScheduleSpec) -> RecurrenceRule:
    """When the schedule's recordings or timelapse periods begin. Raises BadCron."""
    if spec.kind is ScheduleKind.TIMELAPSE:
        match spec.join:
            case "hour":
                return cron_rule("0 * * * *", spec.timezone)
            case "day":
                return cron_rule("0 0 * * *", spec.timezone)
            case seconds:
                return RecurrenceRule(spec.timezone, every_s=int(seconds or 0))
    if spec.cron is not None:
        return cron_rule(spec.cron, spec.timezone)
    return RecurrenceRule(spec.timezone, every_s=spec.every_s)


def find_due(spec: ScheduleSpec, seen_until: datetime | None, now: datetime) -> DueTimes:
    """What is due at `now`, and what has passed since `seen_until` (None: never checked)."""
    if seen_until is None:
        return DueTimes(now, due=_under_way(spec, now))
    if seen_until - now > NEW_ERA_AFTER:
        return DueTimes(now, due=_under_way(spec, now), new_era=True)
    if now < seen_until:
        return DueTimes(now, due=_under_way(spec, now), back=True)
    found = _between(spec, seen_until, now)
    due = [occurrence for occurrence in found if occurrence.ends_at > now]
    over = [occurrence for occurrence in found if occurrence.ends_at <= now]
    if len(found) >= MOST_COUNTED:
        # A long absence of a busy schedule: what is due now lies behind what was counted.
        due = [occurrence for occurrence in _under_way(spec, now) if occurrence.due_at > seen_until]
    passed = Passed(over[0], over[-1], len(over)) if over else None
    return DueTimes(now, due=tuple(due), passed=passed)


def upcoming(spec: ScheduleSpec, now: datetime, count: int) -> list[Occurrence]:
    """The next times, later than `now`."""
    return _occurrences(spec, now, None, count)


def _under_way(spec: ScheduleSpec, now: datetime) -> tuple[Occurrence, ...]:
    if spec.kind is ScheduleKind.TIMELAPSE:
        begun = latest_moment(recurrence_of(spec), now, _longest_period(spec))
        earliest = now if begun is None else begun - timedelta(microseconds=1)
    else:
        earliest = now - timedelta(seconds=spec.length_s or 0)
    return tuple(o for o in _between(spec, earliest, now) if o.ends_at > now)


def _longest_period(spec: ScheduleSpec) -> timedelta:
    if spec.join in ("hour", "day"):
        return LONGEST_PERIOD
    return timedelta(seconds=int(spec.join or 0) + 1)


def _between(spec: ScheduleSpec, after: datetime, until: datetime) -> list[Occurrence]:
    return _occurrences(spec, after, until, MOST_COUNTED)


def _occurrences(spec: ScheduleSpec, after: datetime, until: datetime | None, most: int) -> list[Occurrence]:
    """Those with `after < due_at ≤ until`, at most `most`."""
    found: list[Occurrence] = []
    coming = moments(recurrence_of(spec), after)
    moment = next(coming, None)
    while moment is not None and (until is None or moment <= until) and len(found) < most:
        following = next(coming, None)
        if spec.kind is ScheduleKind.TIMELAPSE:
            ends_at = moment + LONGEST_PERIOD if following is None else following
        else:
            ends_at = moment + timedelta(seconds=spec.length_s or 0)
        found.append(Occurrence(moment, ends_at))
        moment = following
    return found
