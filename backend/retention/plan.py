"""What leaves the disk, and why: decided from rows, rules, and facts about clock and disk. Pure.

Here: which clips go, in which order, and when a person must be asked first. Not here: reading rows,
deleting (`sweep`), refusing recordings (`disk_room`). Order and age are two things: order is
the row's number, which no clock can disturb, and only `max_age` looks at times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain

from backend.base.text.human_units import readable_bytes, readable_s
from backend.catalogue.lifecycle import UNFINISHED, Status
from backend.catalogue.values import Location, RetentionGroup, RetentionRow
from backend.storage.store_state import StoreReach

ROOM_SHARE = 0.25
"""Room is made when less than the reserve and this much of it is free, so that a press is not refused in
the moment between a recording and the sweep that follows it."""


class RemovalCause(StrEnum):
    """Which kind of limit removes a clip."""

    AGE = "age"
    COUNT = "count"
    SIZE = "size"
    RESERVE = "reserve"


class Removal(StrEnum):
    """How much of a clip is removed."""

    DELETE = "delete"
    RECLAIM = "reclaim"
    """Only the local copy goes; the store has confirmed its own."""


@dataclass(frozen=True, slots=True)
class RemovalRule:
    """One limit or more. Without a `camera` or `status` it covers all of them."""

    camera: str | None = None
    status: Status | None = None
    max_age_s: float | None = None
    max_clips: int | None = None
    max_bytes: int | None = None

    def concerns(self, row: RetentionRow) -> bool:
        """Whether the rule covers this clip. No rule covers favourites and unfinished clips."""
        return _may_go(row) and self.concerns_all(row.camera, row.status)

    def concerns_all(self, camera: str, status: Status) -> bool:
        """Whether the rule covers this camera's clips in this state."""
        return self.camera in {None, camera} and self.status in {None, status}

    @property
    def subject(self) -> str:
        """The clips that the rule covers, in words."""
        kind = "clips" if self.status is None else f"{self.status} clips"
        return kind if self.camera is None else f"{kind} of camera {self.camera}"


@dataclass(frozen=True, slots=True)
class RemovalRules:
    """All configured rules, in bytes and seconds. `hold_above` is a share, 0 to 1."""

    rules: tuple[RemovalRule, ...] = ()
    reserve_bytes: int = 0
    make_room: bool = True
    hold_above: float = 0.25

    @property
    def room_bytes(self) -> int:
        """Free space that is aimed at."""
        return int(self.reserve_bytes * (1 + ROOM_SHARE))


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """`now` is naive UTC; `doubt` says why age rules pause, None: the clock is trusted."""

    now: datetime
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """`leaving_bytes`: of clips that are deleted already and whose files are still there."""

    free_bytes: int
    leaving_bytes: int = 0
    store: StoreReach = StoreReach.NONE


@dataclass(frozen=True, slots=True)
class Leaving:
    """One clip that goes, and why."""

    row: RetentionRow
    cause: RemovalCause
    reason: str
    removal: Removal = Removal.DELETE


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person allowed: clips up to number `through` may go by age."""

    through: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes now, and what waits for a person. Both in the order in which they go."""

    leaving: tuple[Leaving, ...] = ()
    held: tuple[Leaving, ...] = ()
    why_held: str | None = None
    holds_settings: bool = False
    """The rules that wait are new ones, so the rules before them still hold."""
    short_bytes: int = 0
    """What is missing of the reserve and no deletion can bring: nothing is deleted for it."""


def clock_facts(
    now: datetime, *, synchronised: bool | None, steps: int, newest: datetime | None
) -> ClockFacts:
    """Whether ages can be believed. `steps` of the wall clock since the start; `newest`: of all rows."""
    if synchronised:
        return ClockFacts(now)
    if steps:
        doubt = "the clock was set while the daemon ran and is not synchronised"
    elif newest is not None and now < newest:
        doubt = (
            f"the clock is not synchronised and says {now:%Y-%m-%d %H:%M}, before the newest clip was made"
        )
    else:
        return ClockFacts(now)
    return ClockFacts(
        now, f"{doubt}; age rules pause until it is synchronised (or the daemon is started anew)"
    )


def make_plan(
    rows: Sequence[RetentionRow],
    rules: RemovalRules,
    before: RemovalRules | None,
    facts: tuple[ClockFacts, DiskFacts],
    approval: Approval | None = None,
) -> Plan:
    """What to do now. `before`: the rules that held until now, None when these are no others.

    Nothing that a person did not see coming goes in large numbers: see `too_much`.
    """
    clock, disk = facts
    wanted = decide(rows, rules, clock, disk)
    if before is not None:
        plan = make_plan(rows, before, None, facts, approval)
        # What goes anyway is no surprise, so it is not counted.
        held = _without(wanted, plan.leaving)
        if too_much(held, rows, rules.hold_above):
            return replace(
                plan, held=held, why_held=_why_held(held, rows, "the changed settings"), holds_settings=True
            )
    through = approval.through if approval else 0
    aged = [one for one in wanted if one.cause is RemovalCause.AGE and one.row.number > through]
    if not too_much(aged, rows, rules.hold_above):
        return Plan(tuple(wanted), short_bytes=_short_bytes(wanted, rules, disk))
    leaving = decide(rows, rules, clock, disk, age_through=through)
    held = _without(aged, leaving)
    why = _why_held(held, rows, "the age rules") if held else None
    return Plan(tuple(leaving), held, why, short_bytes=_short_bytes(leaving, rules, disk))


def is_due(groups: Sequence[RetentionGroup], rules: RemovalRules, clock: ClockFacts, disk: DiskFacts) -> bool:
    """Whether `decide` can find anything; False is certain. Looks at sums, where rows would be many."""
    if rules.make_room and disk.free_bytes + disk.leaving_bytes < rules.room_bytes:
        return True
    going = [group for group in groups if not group.keep and group.status not in UNFINISHED]
    return any(
        _exceeds([one for one in going if rule.concerns_all(one.camera, one.status)], rule, clock)
        for rule in rules.rules
    )


def _exceeds(groups: Sequence[RetentionGroup], rule: RemovalRule, clock: ClockFacts) -> bool:
    if rule.max_clips is not None and sum(group.clips for group in groups) > rule.max_clips:
        return True
    # What failed clips keep is in no row, so a group of them may take more than its sum.
    unknown = any(group.status is Status.FAILED for group in groups)
    size_bytes = sum(group.size_bytes for group in groups)
    if rule.max_bytes is not None and (unknown or size_bytes > rule.max_bytes):
        return True
    if rule.max_age_s is None or clock.doubt is not None:
        return False
    limit = clock.now - timedelta(seconds=rule.max_age_s)
    return any(group.dated < limit for group in groups)


def decide(
    rows: Sequence[RetentionRow],
    rules: RemovalRules,
    clock: ClockFacts,
    disk: DiskFacts,
    *,
    age_through: int | None = None,
) -> list[Leaving]:
    """Every clip that the rules do not want, in the order in which they go; none twice.

    `age_through`: only clips up to this number may go by age.
    """
    chosen: dict[int, Leaving] = {}
    ordered = sorted(rows, key=_order)
    if clock.doubt is None:
        young = [row for row in ordered if age_through is None or row.number <= age_through]
        for rule in rules.rules:
            _choose(chosen, _too_old(young, rule, clock.now))
    for rule in rules.rules:
        _choose(chosen, _too_many([row for row in ordered if row.number not in chosen], rule))
    for rule in rules.rules:
        _choose(chosen, _too_large([row for row in ordered if row.number not in chosen], rule, disk))
    if rules.make_room:
        # A copy that cannot be given up while the store is away goes with its clip, if it must.
        chosen |= {one.row.number: one for one in _for_the_reserve(ordered, chosen, rules, disk)}
    return sorted(
        chosen.values(), key=lambda leaving: (leaving.removal is Removal.DELETE, _order(leaving.row))
    )


def too_much(leaving: Sequence[Leaving], rows: Sequence[RetentionRow], share: float) -> bool:
    """Whether that is more than `share` of the clips, or of their bytes. One clip never is."""
    leaving = [one for one in leaving if one.removal is Removal.DELETE]
    finished = [row for row in rows if row.status not in UNFINISHED]
    if len(leaving) <= 1:
        return False
    total_bytes = sum(row.size_bytes for row in finished)
    return len(leaving) > share * len(finished) or _size(leaving) > share * total_bytes


def _without(these: Iterable[Leaving], those: Iterable[Leaving]) -> tuple[Leaving, ...]:
    numbers = {one.row.number for one in those}
    return tuple(one for one in these if one.row.number not in numbers)


def _order(row: RetentionRow) -> tuple[bool, bool, int]:
    """Unpublished before published (or promised to be), uploaded before not uploaded, oldest first."""
    return row.published, row.location is Location.LOCAL, row.number


def _may_go(row: RetentionRow) -> bool:
    return not row.keep and row.status not in UNFINISHED


def _choose(chosen: dict[int, Leaving], more: Iterable[Leaving]) -> None:
    for leaving in more:
        chosen.setdefault(leaving.row.number, leaving)


def _too_old(ordered: Sequence[RetentionRow], rule: RemovalRule, now: datetime) -> list[Leaving]:
    if rule.max_age_s is None:
        return []
    limit = now - timedelta(seconds=rule.max_age_s)
    reason = f"older than {readable_s(rule.max_age_s)}, the limit for {rule.subject}"
    # A promise to publish the clip is newer than the rule.
    return [
        Leaving(row, RemovalCause.AGE, reason)
        for row in ordered
        if rule.concerns(row) and row.dated < limit and not row.promised
    ]


def _too_many(ordered: Sequence[RetentionRow], rule: RemovalRule) -> list[Leaving]:
    """The newest one stays: what was just recorded must not vanish before it is seen."""
    if rule.max_clips is None:
        return []
    concerned = [row for row in ordered if rule.concerns(row)]
    excess = max(0, len(concerned) - rule.max_clips)
    reason = f"one of more than {rule.max_clips} {rule.subject}"
    return [Leaving(row, RemovalCause.COUNT, reason) for row in _without_newest(concerned)[:excess]]


def _too_large(ordered: Sequence[RetentionRow], rule: RemovalRule, disk: DiskFacts) -> list[Leaving]:
    """The newest one stays, however large it is."""
    if rule.max_bytes is None:
        return []
    concerned = [row for row in ordered if rule.concerns(row)]
    excess = sum(row.size_bytes for row in concerned) - rule.max_bytes
    reason = f"{rule.subject} take more than {readable_bytes(rule.max_bytes)}"
    return _freeing(excess, _without_newest(concerned), RemovalCause.SIZE, reason, disk)


def _without_newest(rows: Sequence[RetentionRow]) -> list[RetentionRow]:
    newest = max((row.number for row in rows), default=0)
    return [row for row in rows if row.number != newest]


def _for_the_reserve(
    ordered: Sequence[RetentionRow], chosen: dict[int, Leaving], rules: RemovalRules, disk: DiskFacts
) -> list[Leaving]:
    """Nothing goes when all of it would not bring the reserve back: the disk is full of something else."""
    going = {
        n: one
        for n, one in chosen.items()
        if one.removal is Removal.DELETE or disk.store is not StoreReach.AWAY
    }
    free = disk.free_bytes + disk.leaving_bytes + _size(going.values())
    missing = rules.room_bytes - free
    left = [row for row in ordered if row.number not in going and _may_go(row)]
    if missing <= 0 or sum(row.size_bytes for row in left) < rules.reserve_bytes - free:
        return []
    reason = f"less than {readable_bytes(rules.room_bytes)} are free"
    return _freeing(missing, left, RemovalCause.RESERVE, reason, disk)


def _short_bytes(leaving: Sequence[Leaving], rules: RemovalRules, disk: DiskFacts) -> int:
    return max(0, rules.reserve_bytes - disk.free_bytes - disk.leaving_bytes - _size(leaving))


def _freeing(
    excess: int, ordered: Sequence[RetentionRow], cause: RemovalCause, reason: str, disk: DiskFacts
) -> list[Leaving]:
    """Clips until `excess` bytes are free: first copies that the store has too, then whole clips.

    A size rule waits for a store that is away; the reserve cannot.
    """
    taken: list[Leaving] = []
    reclaims = disk.store is StoreReach.READY or (
        disk.store is StoreReach.AWAY and cause is RemovalCause.SIZE
    )
    reclaimable = [row for row in ordered if reclaims and row.location is Location.BOTH]
    whole = [row for row in ordered if not reclaims or row.location is Location.LOCAL]
    removals = chain(
        ((row, Removal.RECLAIM) for row in reclaimable), ((row, Removal.DELETE) for row in whole)
    )
    for row, removal in removals:
        if excess <= 0:
            break
        if row.size_bytes:
            taken.append(Leaving(row, cause, reason, removal))
            excess -= row.size_bytes
    return taken


def _size(leaving: Iterable[Leaving]) -> int:
    return sum(one.row.size_bytes for one in leaving)


def _why_held(held: Sequence[Leaving], rows: Sequence[RetentionRow], who: str) -> str:
    return (
        f"{who} would delete {len(held)} of {len(rows)} clips ({readable_bytes(_size(held))}); "
        "look at `hindsight retention --dry-run`, then `hindsight retention --approve`"
    )
