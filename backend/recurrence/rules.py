"""When something is due: rules in a named time zone, and the UTC moments they come down to. Pure.

    cron    wall-clock times in the zone
    every   elapsed time, counted from midnight of 1 January 2000 in the zone

When clocks are set forward, a wall-clock time is skipped; when they are set back, one comes twice:

    cron with a fixed hour    ("30 2 * * *")   happens once a day: a skipped time is later by what was
                                               skipped (02:30 is 03:30), of a doubled one the first counts
    cron with an open hour    ("0 * * * *")    follows the clock on the wall: nothing happens at a skipped
                                               time, and a doubled one happens twice
    every                                      knows no change: 3600 s are 3600 s

Moments are timezone-naive UTC, as everywhere inside.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from backend.recurrence.cron import BadCron, Cron, local_times, parse

_ANCHOR = datetime(2000, 1, 1)
_NEARBY = timedelta(hours=26)
"""No zone is further from UTC, and none has jumped by more than a day."""
_LAST_MOMENT = datetime(9990, 1, 1)


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """Exactly one of `cron` (parsed) and `every_s`."""

    zone: str
    cron: Cron | None = None
    every_s: int | None = None


def is_zone(name: str) -> bool:
    """Whether `name` is in the time zone database."""
    try:
        zone(name)
    except (OSError, ValueError, KeyError):  # a directory, a path that leaves the database, no such name
        return False
    return True


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone. Raises KeyError, ValueError or OSError for a name that is none."""
    return ZoneInfo(name)


def cron_rule(expression: str, zone_name: str) -> RecurrenceRule:
    """Raises BadCron."""
    return RecurrenceRule(zone_name, cron=_parsed(expression))


@lru_cache(maxsize=256)
def _parsed(expression: str) -> Cron:
    return parse(expression)


def moments(rule: RecurrenceRule, after: datetime) -> Iterator[datetime]:
    """Every moment later than `after`, ascending, without end for all that matters."""
    if rule.every_s is not None:
        return _by_elapsed_time(rule, after)
    if rule.cron is None:
        raise ValueError("a rule has a cron expression or an interval")
    return _by_wall_clock(rule.cron, zone(rule.zone), after)


def next_moment(rule: RecurrenceRule, after: datetime) -> datetime | None:
    """The first moment later than `after`; None where no more come."""
    return next(moments(rule, after), None)


def latest_moment(rule: RecurrenceRule, now: datetime, within: timedelta) -> datetime | None:
    """The last moment not later than `now`, unless it lies `within` or more before it."""
    found = None
    for moment in moments(rule, now - within):
        if moment > now:
            break
        found = moment
    return found


def local(moment: datetime, zone_name: str) -> datetime:
    """What a clock on the wall of the zone shows, aware."""
    return moment.replace(tzinfo=UTC).astimezone(zone(zone_name))


def _by_elapsed_time(rule: RecurrenceRule, after: datetime) -> Iterator[datetime]:
    every = timedelta(seconds=rule.every_s or 0)
    if not every:
        raise ValueError("an interval is longer than nothing")
    anchor = _utc(_ANCHOR, zone(rule.zone), 0)
    moment = anchor + ((after - anchor) // every + 1) * every
    while moment < _LAST_MOMENT:
        yield moment
        moment += every


def _by_wall_clock(cron: Cron, where: ZoneInfo, after: datetime) -> Iterator[datetime]:
    previous = after
    for moment in _in_order(cron, where, after):
        if moment > previous:
            yield moment
            previous = moment


def _in_order(cron: Cron, where: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Wall-clock times ascend; the moments they stand for do not quite, so they wait in a heap."""
    waiting: list[datetime] = []
    for wall in local_times(cron, _search_from(where, after)):
        no_earlier = min(_utc(wall, where, 0), _utc(wall, where, 1))
        while waiting and waiting[0] < no_earlier:
            yield heappop(waiting)
        for moment in _moments_of(wall, where, follows_the_clock=cron.follows_the_clock):
            heappush(waiting, moment)
    yield from sorted(waiting)


def _search_from(where: ZoneInfo, after: datetime) -> datetime:
    """The wall-clock time from which on moments later than `after` may come."""
    around = (after - _NEARBY, after, after + _NEARBY)
    offsets = [_offset(moment, where) for moment in around]
    return after + offsets[1] - (max(offsets) - min(offsets))


def _offset(moment: datetime, where: ZoneInfo) -> timedelta:
    return moment.replace(tzinfo=UTC).astimezone(where).utcoffset() or timedelta()


def _moments_of(wall: datetime, where: ZoneInfo, *, follows_the_clock: bool) -> tuple[datetime, ...]:
    first, second = _utc(wall, where, 0), _utc(wall, where, 1)
    is_skipped, is_doubled = first > second, first < second
    if follows_the_clock and is_skipped:
        return ()
    if follows_the_clock and is_doubled:
        return first, second
    return (first,)


def _utc(wall: datetime, where: ZoneInfo, fold: int) -> datetime:
    """`fold` 0 takes the offset before a change, 1 the one after it (PEP 495)."""
    return wall.replace(tzinfo=where, fold=fold).astimezone(UTC).replace(tzinfo=None)


__all__ = [
    "BadCron",
    "RecurrenceRule",
    "cron_rule",
    "is_zone",
    "latest_moment",
    "local",
    "moments",
    "next_moment",
    "zone",
]
