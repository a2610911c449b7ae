"""What a schedule may say; every refusal names its field. Pure."""

from datetime import datetime
from itertools import pairwise

from backend.catalogue.schedule_values import ScheduleKind, ScheduleSpec
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
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


def check(spec: ScheduleSpec) -> None:
    """Raises Refused for the first thing that is wrong."""
    if not is_zone(spec.timezone):
        raise Refused(Kind.SCHEDULE_ZONE_UNKNOWN, field="timezone")
    if unknown_placeholder(spec.title) is not None:
        known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        raise Refused(Kind.SCHEDULE_PLACEHOLDER_UNKNOWN, field="title", known=known)
    if spec.kind is ScheduleKind.TIMELAPSE:
        _check_timelapse(spec)
    else:
        _check_recording(spec)


def _check_recording(spec: ScheduleSpec) -> None:
    for field, value in (("join", spec.join), ("fps", spec.fps)):
        if value is not None:
            raise Refused(Kind.SCHEDULE_FIELD_OF_TIMELAPSE, field=field)
    if spec.cron is not None and spec.every_s is not None:
        raise Refused(Kind.SCHEDULE_WITH_TWO_RHYTHMS, field="cron", other="every")
    if spec.cron is None and spec.every_s is None:
        raise Refused(Kind.SCHEDULE_WITHOUT_RHYTHM, field="cron")
    if spec.length_s is None:
        raise Refused(Kind.SCHEDULE_WITHOUT_LENGTH, field="length")
    if not 1 <= spec.length_s <= LONGEST_S:
        raise Refused(Kind.SCHEDULE_LENGTH_OUT_OF_RANGE, field="length", most_s=LONGEST_S)
    if spec.every_s is not None and not SHORTEST_EVERY_S <= spec.every_s <= LONGEST_EVERY_S:
        raise Refused(
            Kind.SCHEDULE_RHYTHM_OUT_OF_RANGE,
            field="every",
            least_s=SHORTEST_EVERY_S,
            most_s=LONGEST_EVERY_S,
        )
    try:
        times = upcoming(spec, _REFERENCE, _COMPARED)
    except BadCron as error:
        raise Refused(Kind.SCHEDULE_CRON_NOT_VALID, field="cron", reason=str(error)) from error
    gaps_s = [(later.due_at - earlier.due_at).total_seconds() for earlier, later in pairwise(times)]
    if gaps_s and spec.length_s > min(gaps_s):
        raise Refused(Kind.SCHEDULE_OVERLAPS_ITSELF, field="length", rhythm_s=min(gaps_s))


def _check_timelapse(spec: ScheduleSpec) -> None:
    for field, value in (("cron", spec.cron), ("length", spec.length_s)):
        if value is not None:
            raise Refused(Kind.SCHEDULE_FIELD_OF_RECORDING, field=field)
    if spec.every_s is None:
        raise Refused(Kind.SCHEDULE_WITHOUT_EVERY, field="every")
    if spec.join is None:
        raise Refused(Kind.SCHEDULE_WITHOUT_JOIN, field="join")
    length_s = {"hour": 3600, "day": _DAY_S}.get(spec.join) or int(spec.join)
    if not SHORTEST_JOIN_S <= length_s <= LONGEST_JOIN_S:
        raise Refused(
            Kind.SCHEDULE_JOIN_OUT_OF_RANGE, field="join", least_s=SHORTEST_JOIN_S, most_s=LONGEST_JOIN_S
        )
    if not 1 <= spec.every_s <= length_s // 2:
        raise Refused(Kind.SCHEDULE_EVERY_TOO_LONG, field="every", most_s=length_s // 2)
    if length_s / spec.every_s > MOST_PICTURES:
        least_s = -(-length_s // MOST_PICTURES)
        raise Refused(Kind.SCHEDULE_OF_TOO_MANY_PICTURES, field="every", least_s=least_s, most=MOST_PICTURES)
    if spec.fps is None or not 1 <= spec.fps <= MOST_FPS:
        raise Refused(Kind.SCHEDULE_FPS_OUT_OF_RANGE, field="fps", most=MOST_FPS)
