"""What may be asked of a schedule; every refusal names its field in a sentence. Pure."""

from datetime import datetime
from itertools import pairwise

from backend.catalogue.schedule_values import ScheduleKind, ScheduleSpec
from backend.recurrence.cron import BadCron
from backend.recurrence.due import upcoming
from backend.recurrence.rules import is_zone
from backend.recurrence.titles import PLACEHOLDERS, unknown_placeholder

LONGEST_S = 6 * 3600
"""As of any planned recording; times that follow each other record for longer."""
SHORTEST_EVERY_S = 5
LONGEST_EVERY_S = 366 * 86400
SHORTEST_JOIN_S = 5
LONGEST_JOIN_S = 7 * 86400
MOST_PICTURES = 20_000
"""Of one clip: 13 minutes at 25 per second."""
MOST_FPS = 60
DEFAULT_FPS = 25
_REFERENCE = datetime(2026, 1, 1)
_COMPARED = 60
_DAY_S = 86400


class BadWish(ValueError):
    """What is asked cannot be done. `field` names the culprit, `said` goes on from it."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field} {said}")
        self.field = field
        self.said = said


def check(spec: ScheduleSpec) -> None:
    """Raises BadWish for the first thing that is wrong."""
    if not is_zone(spec.timezone):
        raise BadWish("timezone", "is not in the time zone database; such as Europe/Berlin, or UTC")
    if unknown_placeholder(spec.title) is not None:
        known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        raise BadWish("title", f"has a placeholder that stands for nothing; known here: {known}")
    if spec.kind is ScheduleKind.TIMELAPSE:
        _check_timelapse(spec)
    else:
        _check_recording(spec)


def _check_recording(spec: ScheduleSpec) -> None:
    for field, value in (("join", spec.join), ("fps", spec.fps)):
        if value is not None:
            raise BadWish(field, "is for a timelapse; leave it out of a recording")
    if spec.cron is not None and spec.every_s is not None:
        raise BadWish("cron", "and every cannot both be given: leave one of them out")
    if spec.cron is None and spec.every_s is None:
        raise BadWish("cron", "is required, or every: one of the two says when to record")
    if spec.length_s is None:
        raise BadWish("length", "is required: how many seconds to record each time")
    if not 1 <= spec.length_s <= LONGEST_S:
        raise BadWish(
            "length", f"must be between 1 and {LONGEST_S} seconds; times that touch record for longer"
        )
    if spec.every_s is not None and not SHORTEST_EVERY_S <= spec.every_s <= LONGEST_EVERY_S:
        raise BadWish("every", f"must be between {SHORTEST_EVERY_S} and {LONGEST_EVERY_S} seconds")
    try:
        times = upcoming(spec, _REFERENCE, _COMPARED)
    except BadCron as error:
        raise BadWish("cron", str(error)) from error
    gaps_s = [(later.due_at - earlier.due_at).total_seconds() for earlier, later in pairwise(times)]
    if gaps_s and spec.length_s > min(gaps_s):
        said = f"is longer than the {min(gaps_s):.0f} seconds from one time to the next; shorten it"
        raise BadWish("length", said)


def _check_timelapse(spec: ScheduleSpec) -> None:
    for field, value in (("cron", spec.cron), ("length", spec.length_s)):
        if value is not None:
            raise BadWish(field, "is for a recording; a timelapse has every and join")
    if spec.every_s is None:
        raise BadWish("every", "is required: the seconds between two pictures")
    if spec.join is None:
        raise BadWish("join", "is required: hour, day or a number of seconds, after which a clip is made")
    length_s = {"hour": 3600, "day": _DAY_S}.get(spec.join) or int(spec.join)
    if not SHORTEST_JOIN_S <= length_s <= LONGEST_JOIN_S:
        raise BadWish("join", f"must be hour, day or between {SHORTEST_JOIN_S} and {LONGEST_JOIN_S} seconds")
    if not 1 <= spec.every_s <= length_s // 2:
        raise BadWish("every", f"must be between 1 and {length_s // 2} seconds, half of what join says")
    if length_s / spec.every_s > MOST_PICTURES:
        least_s = -(-length_s // MOST_PICTURES)
        raise BadWish(
            "every", f"must be at least {least_s} seconds: a clip has at most {MOST_PICTURES} pictures"
        )
    if spec.fps is None or not 1 <= spec.fps <= MOST_FPS:
        raise BadWish("fps", f"must be between 1 and {MOST_FPS} pictures per second")
