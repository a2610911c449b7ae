"""Carries retention out: reads rows, asks `plan` what goes, deletes it in small transactions.

What must survive a restart is one note in the catalogue: the settings that a person (or their
harmlessness) has accepted, what waits, and what was approved. Deleted clips leave through the garbage
table like any other, so a kill between any two steps loses nothing and forgets nothing. Belongs to the
event loop; decisions over many rows are made in a thread.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from pydantic import ValidationError

from backend.catalogue import CatalogueUnavailable, Clip, RetentionRow
from backend.catalogue.lifecycle import Status
from backend.config.retention import RetentionConfig
from backend.foundation.foundation import Foundation
from backend.foundation.local_files import LocalFiles
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.retention.disk_room import DiskRoom
from backend.retention.garbage import GarbageSweep
from backend.retention.plan import (
    Approval,
    ClockFacts,
    DiskFacts,
    Leaving,
    Plan,
    Removal,
    RemovalCause,
    RemovalRule,
    RemovalRules,
    clock_facts,
    is_due,
    make_plan,
)
from backend.retention.spare_room import SIZE_BYTES
from backend.storage.store_state import StoreReach
from recorder import ClipFiles
from recorder.base.values import ClockState

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 5000
SUBJECT = "retention"
"""Under which `Health` knows that a sweep waits, or that ages do not count."""
BATCH = 50
"""Clips deleted in one transaction: a press of Record waits for no more."""
MOST_PER_SWEEP = 1000
REST_LOOKS = 5
"""How often `make_room` does nothing after a sweep that found nothing to delete."""

MOST_REFUSALS = 3
"""Copies that a store will not let go, after which a sweep asks for no more."""


class CopiesAtStore(Protocol):
    """The object store, as far as retention is concerned."""

    @property
    def state(self) -> StoreReach:
        """Ready, or away."""

    async def reclaim(self, clip_id: str) -> bool:
        """Give up the local copy of a clip that the store has confirmed; False when it must stay."""


@dataclass(slots=True)
class RetentionCounters:
    """Since the daemon started."""

    sweeps: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    reclaimed: int = 0
    holds: int = 0


@dataclass(frozen=True, slots=True)
class RetentionNote:
    """What retention remembers across restarts."""

    accepted: dict[str, Any] | None = None
    """The settings that were carried out last; None before the first sweep."""
    held_since: str | None = None
    why_held: str | None = None
    approved_through: int | None = None

    @classmethod
    def read(cls, note: str | None) -> "RetentionNote":
        """Parse the stored note. A note in another version's format counts as empty."""
        with suppress(ValueError, TypeError):
            return cls(**json.loads(note or "{}"))
        return cls()


@dataclass(frozen=True, slots=True)
class Survey:
    """What a sweep would do, and the facts that it follows from."""

    plan: Plan
    clock: ClockFacts
    disk: DiskFacts
    rules: RemovalRules
    held_since: str | None = None


class Retention:
    """Sweeps for one recorder. `config` is replaced by a reload."""

    def __init__(
        self,
        base: Foundation,
        room: DiskRoom,
        garbage: GarbageSweep,
        on_deleted: Callable[[Clip], None],
        store: CopiesAtStore | None,
    ) -> None:
        """`on_deleted` is called with every clip whose row was deleted."""
        self._base = base
        self._room = room
        self._garbage = garbage
        self._on_deleted = on_deleted
        self._store = store
        self.config = base.config.retention
        self.counters = RetentionCounters()
        self.last: Survey | None = None
        """Of the last sweep; None before the first."""
        self._one_at_a_time = asyncio.Lock()
        self._note_key = f"retention:{base.recorder_id}"
        self._rest = 0
        self._steps_seen = base.labels.steps
        self._reported: tuple[str | None, str | None] = (None, None)

    async def make_room(self) -> None:
        """Sweep because the disk is nearly full; when that changed nothing, not again at once."""
        if self._rest > 0:
            self._rest -= 1
        elif await self.sweep() == 0:
            self._rest = REST_LOOKS

    async def preview(self) -> Survey:
        """What a sweep would do now; changes nothing."""
        return await self._survey(await self._read_note())

    async def approve(self) -> Survey:
        """A person agrees with what waits. Kept across restarts until it has been carried out."""
        async with self._one_at_a_time:
            note = await self._read_note()
            survey = await self._survey(note)
            if survey.plan.why_held is None:
                raise Refused(Kind.NOTHING_TO_APPROVE)
            through = max(one.row.number for one in survey.plan.held)
            settings = self.config.model_dump(mode="json")
            await self._write_note(RetentionNote(accepted=settings, approved_through=through))
        log.warning("a person approved: %s", survey.plan.why_held)
        return survey

    async def sweep(self) -> int:
        """Carry out what the rules say now; how many clips went. Raises CatalogueError."""
        async with self._one_at_a_time:
            await self._date()
            note = await self._read_note()
            survey = await self._survey(note)
            note = await self._follow(note, survey)
            self.last = survey
            gone = await self._carry_out(survey.plan.leaving[:MOST_PER_SWEEP])
            if note.approved_through is not None and not _by_age(survey.plan.leaving[MOST_PER_SWEEP:]):
                await self._write_note(replace(note, approved_through=None))
            self.counters.sweeps += 1
        await self._room.check()
        return gone

    async def _date(self) -> None:
        """Let clips whose dates are worth nothing age from now on: a step came after them, or NTP did."""
        labels, steps = self._base.labels, self._base.labels.steps
        stepped = steps != self._steps_seen
        if stepped or labels.state is ClockState.SYNCHRONISED:
            await self._base.catalogue.retention.date(self._base.recorder_id, again=stepped)
            self._steps_seen = steps

    async def _survey(self, note: RetentionNote) -> Survey:
        base = self._base
        groups = await base.catalogue.retention.groups(base.recorder_id)
        clock = clock_facts(
            base.labels.now(),
            synchronised=base.labels.state is ClockState.SYNCHRONISED,
            steps=base.labels.steps,
            newest=max((group.newest for group in groups), default=None),
        )
        await self._room.check()
        disk = DiskFacts(
            free_bytes=self._room.free_bytes,
            leaving_bytes=await base.catalogue.retention.leaving_bytes(base.recorder_id),
            store=StoreReach.NONE if self._store is None else self._store.state,
        )
        rules = self._rules(self.config)
        before = self._before(note)
        if not is_due(groups, rules, clock, disk):
            return Survey(Plan(), clock, disk, rules)
        rows = await self._rows()
        approval = None if note.approved_through is None else Approval(note.approved_through)
        plan = await asyncio.to_thread(make_plan, rows, rules, before, (clock, disk), approval)
        return Survey(plan, clock, disk, rules, note.held_since if plan.why_held else None)

    async def _rows(self) -> list[RetentionRow]:
        base, rows, after = self._base, list[RetentionRow](), 0
        while batch := await base.catalogue.retention.read(base.recorder_id, after, ROWS_AT_ONCE):
            rows += batch
            after = batch[-1].number
        return await asyncio.to_thread(_with_part_sizes, rows, base.files)

    def _rules(self, config: RetentionConfig) -> RemovalRules:
        rules = tuple(
            RemovalRule(
                rule.camera, rule.status and Status(rule.status), rule.max_age, rule.max_clips, rule.max_bytes
            )
            for rule in config.rules
        )
        room = self._room
        # Room for what is being recorded too: a clip is finished beside its part file.
        reserve_bytes = room.reserve_of(config.reserve) + room.pending_bytes
        return RemovalRules(rules, reserve_bytes, config.reserve.make_room, config.hold_above)

    def _before(self, note: RetentionNote) -> RemovalRules | None:
        """The rules that held until now; None when those of today are no others."""
        if note.accepted == self.config.model_dump(mode="json"):
            return None
        try:
            return self._rules(RetentionConfig.model_validate(note.accepted or {}))
        except ValidationError:
            return self._rules(RetentionConfig())

    async def _follow(self, note: RetentionNote, survey: Survey) -> RetentionNote:
        """Write and report changes before anything is deleted, so that a kill does not forget them."""
        plan, changed = survey.plan, note
        if not plan.holds_settings:
            changed = replace(changed, accepted=self.config.model_dump(mode="json"))
        if plan.why_held is None:
            changed = replace(changed, held_since=None, why_held=None)
        else:
            self.counters.holds += changed.held_since is None
            since = changed.held_since or survey.clock.now.isoformat()
            changed = replace(changed, held_since=since, why_held=plan.why_held)
        if changed != note:
            await self._write_note(changed)
        self._tell(plan.why_held, survey.clock.doubt if self._has_age_rules else None)
        return changed

    @property
    def _has_age_rules(self) -> bool:
        return any(rule.max_age is not None for rule in self.config.rules)

    def _tell(self, why_held: str | None, doubt: str | None) -> None:
        # The count in a hold changes all the time; that there is one is the news.
        report = (why_held and why_held.partition(" would ")[0], doubt and doubt.partition(" says ")[0])
        sentences = [
            f"Retention waits: {why_held}." if why_held else "",
            f"Retention: {doubt}." if doubt else "",
        ]
        if report != self._reported:
            self._reported = report
            self._base.health.concern(SUBJECT, " ".join(filter(None, sentences)) or None)

    async def _carry_out(self, leaving: Sequence[Leaving]) -> int:
        base, deleted = self._base, 0
        await self._reclaim([one for one in leaving if one.removal is Removal.RECLAIM])
        going = [one for one in leaving if one.removal is Removal.DELETE]
        for first in range(0, len(going), BATCH):
            batch = going[first : first + BATCH]
            reasons = {one.row.id: one.reason for one in batch}
            for clip in await self._delete([one.row for one in batch]):
                log.info("clip %s of camera %s is deleted: %s", clip.id, clip.camera, reasons[clip.id])
                deleted += 1
                self.counters.deleted += 1
                self.counters.deleted_bytes += clip.size_bytes or 0
                self._on_deleted(clip)
            # The room comes back now and not when all rows are gone.
            await self._garbage.run()
        if deleted:
            message = f"Retention deleted {deleted} clips."
            base.events.publish("retention", {"deleted": deleted, "message": message})
        return deleted

    async def _delete(self, rows: Sequence[RetentionRow]) -> list[Clip]:
        """In one transaction; where not even that fits on the disk, in the room that is kept for it."""
        try:
            return await self._base.catalogue.retention.delete(rows)
        except CatalogueUnavailable:
            if self._room.free_bytes >= SIZE_BYTES or not await self._room.give_spare():
                raise
        log.warning("the disk is so full that nothing could be deleted; the room kept for that is used now")
        return await self._base.catalogue.retention.delete(rows)

    async def _reclaim(self, leaving: Sequence[Leaving]) -> None:
        store, refusals = self._store, 0
        for one in leaving:
            if store is None or store.state is not StoreReach.READY or refusals >= MOST_REFUSALS:
                return
            gone = await store.reclaim(one.row.id)
            self.counters.reclaimed += gone
            refusals += not gone

    async def _read_note(self) -> RetentionNote:
        return RetentionNote.read(await self._base.catalogue.note(self._note_key))

    async def _write_note(self, note: RetentionNote) -> None:
        await self._base.catalogue.set_notes({self._note_key: json.dumps(asdict(note))})


def _by_age(leaving: Sequence[Leaving]) -> bool:
    return any(one.cause is RemovalCause.AGE for one in leaving)


def _with_part_sizes(rows: list[RetentionRow], files: LocalFiles) -> list[RetentionRow]:
    """What a failed clip keeps for a retry is in no row; blocking."""
    sized = []
    for row in rows:
        if row.status is Status.FAILED and row.size_bytes == 0:
            with suppress(OSError):
                row = replace(row, size_bytes=ClipFiles(files.clips_dir, row.id).part.stat().st_size)
        sized.append(row)
    return sized
