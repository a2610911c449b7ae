"""Carries schedules out once a second: finds what is due, records it, and writes the result to the catalogue.

Here: the order of work around rows, so that a kill at any moment leaves a state from which the next tick
goes on. Not here: what is due (`recurrence.due`), the pictures of a timelapse (`timelapse`), making a clip
(`clips`). Nothing that matters is in memory: `_held` and `_tries` only tell this life of the process from
an earlier one. Event loop only.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backend.base.backoff import Backoff
from backend.base.ids import new_id
from backend.catalogue import Clip
from backend.catalogue.cached_answer import CachedAnswer
from backend.catalogue.errors import CatalogueError
from backend.catalogue.lifecycle import FINISHED, Status
from backend.catalogue.schedule_rows import NoteMissed
from backend.catalogue.schedule_values import (
    MissedRuns,
    NewRun,
    Run,
    RunFields,
    RunState,
    Schedule,
    ScheduleKind,
)
from backend.clips.clips import Clips
from backend.clips.recordings import ClipServices
from backend.clips.requests import RecordOptions
from backend.problems.refused import as_refused
from backend.recurrence.due import DueTimes, Occurrence, Passed, find_due
from backend.recurrence.titles import title
from backend.schedules.schedules import DISABLED, Schedules
from backend.schedules.timelapse import Timelapses
from recorder import Recorder
from recorder.base.errors import SpanError
from recorder.base.values import StreamState

log = logging.getLogger(__name__)

NOT_WORTH_IT = timedelta(seconds=1)
"""A rest shorter than this is not resumed any more."""
REACH_BACK = timedelta(seconds=5)
"""How long after its end a short one is still cut from the buffer, where a tick came late."""
LATE = timedelta(seconds=2)
BACKOFF = Backoff(1.0, 15.0)
HELD_UP_S = 10.0
"""Ticks come every second; a gap of this length is one the process or the clock made."""

NOT_RUNNING = "The daemon was not running at that time."
HELD_UP = "The daemon was paused or held up at that time."
CLOCK_FORWARD = "The clock was set forward past that time, or the machine slept."
BROKEN_OFF = "The recording was broken off, and there was no time to resume it."
NO_TIME = "There was no time left when it could have begun."


@dataclass(slots=True)
class ScheduleCounters:
    """Since the daemon started."""

    done: int = 0
    missed: int = 0
    failed: int = 0
    resumed: int = 0
    """Recordings that went on after a restart or a change of their camera."""
    tries_failed: int = 0


@dataclass(frozen=True, slots=True)
class Times:
    """The two clocks: the label of now, and seconds that never jump."""

    now: Callable[[], datetime]
    monotonic_s: Callable[[], float]


@dataclass(slots=True)
class _Tries:
    """The failed tries of a run that cannot begin, and when it may try next."""

    failures: int = 0
    next_s: float = 0.0


@dataclass(slots=True)
class _LastTick:
    label: datetime
    monotonic_s: float


@dataclass(slots=True)
class Runner:
    """One per daemon. `tick` every second; `close` before the cameras close."""

    services: ClipServices
    clips: Clips
    schedules: Schedules
    timelapses: Timelapses
    times: Times
    counters: ScheduleCounters
    waiting: int = 0
    """Runs that are due and have not begun."""
    _held: dict[str, Recorder] = field(default_factory=dict)
    """The recorder of each run, in this life of the process."""
    _over: set[str] = field(default_factory=set)
    """Runs whose clip was found finished by the tick before."""
    _tries: dict[str, _Tries] = field(default_factory=dict)
    _last: _LastTick | None = None
    _schedules: CachedAnswer[list[Schedule]] = field(init=False)
    _open_runs: CachedAnswer[list[Run]] = field(init=False)

    def __post_init__(self) -> None:
        catalogue, recorder_id = self.services.base.catalogue, self.services.base.recorder_id
        self._schedules = CachedAnswer(catalogue, lambda: catalogue.schedules.every(recorder_id))
        self._open_runs = CachedAnswer(catalogue, lambda: catalogue.schedules.open_runs(recorder_id))

    async def close(self) -> None:
        """End what is under way here; rows and files stay for the next start."""
        await self.timelapses.close()

    async def tick(self) -> None:
        """Do what is to be done now. Raises the first error of a run after all have had their turn."""
        now = self.times.now()
        await self._check_all(now)
        runs = await self._open_runs.answer()
        self.waiting = sum(run.state is RunState.WAITING for run in runs)
        self._forget({run.id for run in runs})
        results = await asyncio.gather(*(self._advance(run, now) for run in runs), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors[1:]:
            log.error("a scheduled run failed and is tried again", exc_info=error)
        if errors:
            raise errors[0]

    async def prune(self) -> None:
        """Keep the history bounded."""
        await self.services.base.catalogue.schedules.prune_runs(self.services.base.recorder_id)

    # What is due.

    async def _check_all(self, now: datetime) -> None:
        why = self._why_passed(now)
        self._last = _LastTick(now, self.times.monotonic_s())
        schedules = await self._schedules.answer()
        if schedules:
            checked = await asyncio.to_thread(
                lambda: [(s, find_due(s.spec, _seen_until(s, now, why), now)) for s in schedules]
            )
            for schedule, due_times in checked:
                if due_times.has_changes or schedule.seen_until is None:
                    await self._note(schedule, due_times, why)

    def _why_passed(self, now: datetime) -> str:
        last = self._last
        if last is None:
            return NOT_RUNNING
        elapsed_s = self.times.monotonic_s() - last.monotonic_s
        if (now - last.label).total_seconds() - elapsed_s > HELD_UP_S:
            return CLOCK_FORWARD
        return HELD_UP

    async def _note(self, schedule: Schedule, due_times: DueTimes, why: str) -> None:
        era = schedule.era + due_times.new_era
        passed, due = due_times.passed, due_times.due
        if not schedule.spec.enabled:
            passed, due, why = _all_passed(passed, due), (), DISABLED
        missed: NoteMissed = due_times.seen_until if due_times.back else None
        if passed is not None:
            first, last = passed.first, passed.last
            missed_runs = MissedRuns(first.due_at, last.due_at, last.ends_at, passed.count, why)
            missed = (_new_run(schedule, first, era), missed_runs)
        new = [_new_run(schedule, occurrence, era) for occurrence in due]
        rows = self.services.base.catalogue.schedules
        made = await rows.note(schedule, (due_times.seen_until, era), new, missed)
        for run in made:
            if run.state is RunState.MISSED and schedule.spec.enabled:
                count = passed.count if passed is not None else 1
                self.counters.missed += count
                log.warning("%s was missed %d times: %s", schedule.spec.name or schedule.id, count, why)
            self.schedules.publish_run(run)

    # Carrying out.

    async def _advance(self, run: Run, now: datetime) -> None:
        if run.spec.kind is ScheduleKind.TIMELAPSE:
            await self._advance_timelapse(run, now)
        elif run.state is RunState.RUNNING:
            await self._follow(run, now)
        elif now > run.ends_at + (REACH_BACK if not run.clips else -NOT_WORTH_IT):
            await self._too_late(run, now)
        elif self._may_try(run):
            await self._begin(run, now)

    async def _begin(self, run: Run, now: datetime) -> None:
        """The row names the clip before there is one: whatever a kill leaves, the next tick can tell."""
        recorder = self.services.cameras.get(run.spec.camera)
        if recorder is None:
            await self._wait(run, f"There is no camera '{run.spec.camera}' now.")
            return
        before = tuple([clip.id for clip in await self._clips_of(run)])
        clip_id = new_id()
        rows = self.services.base.catalogue.schedules
        await rows.update_run(run.id, {"state": RunState.RUNNING, "clips": (*before, clip_id)})
        options = RecordOptions(
            camera=run.spec.camera,
            start=run.due_at,
            end=run.ends_at,
            title=title(run.spec, recorder.settings.name or run.spec.camera, run.due_at),
        )
        try:
            clip = await self.clips.create(options, clip_id, continues=before[-1] if before else None)
        except Exception as error:
            await rows.update_run(run.id, {"state": RunState.WAITING, "clips": before})
            refused = as_refused(error)
            if refused is None or isinstance(error, CatalogueError):
                raise
            self.counters.tries_failed += 1
            await self._wait(run, _why_not(error, refused.detail, recorder))
            return
        self._held[run.id] = recorder
        self.counters.resumed += bool(before)
        reason = _note_of_begin(run, clip, resumed=bool(before))
        fields = {"started_at": run.started_at or now, "reason": reason}
        await self._changed(run, fields)

    async def _follow(self, run: Run, now: datetime) -> None:
        """A run that was begun, by this life of the process or by an earlier one."""
        clips = await self._clips_of(run)
        newest = clips[-1] if clips else None
        recorder = self.services.cameras.get(run.spec.camera)
        held = self._held.get(run.id)
        is_ours = held is not None and held is recorder
        ids = tuple(clip.id for clip in clips)
        if newest is not None and newest.status in (Status.PENDING, Status.PROCESSING):
            if ids != run.clips:
                await self._changed(run, {"clips": ids})
            # An earlier recorder of this camera may still be writing it; then it is waited for.
            writer = self.services.cameras.recording(newest.id, run.spec.camera)
            is_written = writer is not None and writer.is_recording(newest.id)
            if is_ours or (newest.status is Status.PENDING and is_written):
                return
        if not is_ours and now <= run.ends_at - NOT_WORTH_IT:
            self._held.pop(run.id, None)
            await self._changed(run, {"state": RunState.WAITING, "clips": ids})
            return
        if newest is None or newest.status is not Status.PROCESSING:
            await self._close_recording(run, newest, ids, now)

    async def _close_recording(
        self, run: Run, newest: Clip | None, ids: tuple[str, ...], now: datetime
    ) -> None:
        if newest is not None and newest.status is Status.PENDING:
            return  # its end is on its way
        if run.id not in self._over:
            # Once more in a second: a continuation's row may be just behind.
            self._over.add(run.id)
            return
        if newest is None:
            reason = "Its clip was deleted." if run.id in self._held else BROKEN_OFF
            await self._close(run, RunState.DONE, reason, now, ids)
        elif newest.status is Status.FAILED:
            await self._close(run, RunState.FAILED, newest.error, now, ids)
        else:
            is_short = newest.end_time is not None and run.ends_at - newest.end_time > LATE
            broken_off = is_short and run.id not in self._held
            await self._close(run, RunState.DONE, BROKEN_OFF if broken_off else run.reason, now, ids)

    async def _too_late(self, run: Run, now: datetime) -> None:
        clips = await self._clips_of(run)
        if clips:
            ids = tuple(clip.id for clip in clips)
            reason = f"{BROKEN_OFF} {run.reason or ''}".strip()
            await self._close(run, RunState.DONE, reason, now, ids)
        else:
            await self._miss(run, run.reason or NO_TIME, now)

    async def _advance_timelapse(self, run: Run, now: datetime) -> None:
        clip_id = run.clips[0] if run.clips else None
        if run.state is not RunState.JOINING:
            if not self.timelapses.is_complete(run, now):
                self.timelapses.collect(run)
            elif run.state is RunState.WAITING or not await self.timelapses.join(run):
                await self._miss(run, run.reason or self.timelapses.reason(run) or NO_TIME, now)
            return
        clip = None if clip_id is None else await self.services.base.catalogue.get_clip(clip_id)
        if clip is not None and clip.status not in FINISHED | {Status.FAILED}:
            return
        await self.timelapses.discard(run)
        if clip is None:
            await self._close(run, RunState.DONE, "Its clip was deleted.", now, run.clips)
        elif clip.status is Status.FAILED:
            await self._close(run, RunState.FAILED, clip.error, now, run.clips)
        else:
            await self._close(run, RunState.DONE, run.reason, now, run.clips)

    # Rows.

    async def _clips_of(self, run: Run) -> list[Clip]:
        """Its clips that there are, with those that recorders made to go on where one had to end."""
        catalogue = self.services.base.catalogue
        found: list[Clip] = []
        todo = list(run.clips)
        while todo:
            clip = await catalogue.get_clip(todo.pop(0))
            if clip is not None and clip.id not in {known.id for known in found}:
                found.append(clip)
                if clip.continued_by is not None and clip.continued_by not in todo:
                    todo.insert(0, clip.continued_by)
        return found

    def _may_try(self, run: Run) -> bool:
        return self.times.monotonic_s() >= self._tries.setdefault(run.id, _Tries()).next_s

    async def _wait(self, run: Run, reason: str) -> None:
        tries = self._tries.setdefault(run.id, _Tries())
        tries.next_s = self.times.monotonic_s() + BACKOFF.wait_s(tries.failures)
        tries.failures += 1
        if reason != run.reason:
            await self._changed(run, {"reason": reason})

    async def _miss(self, run: Run, reason: str, now: datetime) -> None:
        self.counters.missed += 1
        log.warning("%s was missed: %s", run.spec.name or run.schedule_id, reason)
        await self.timelapses.discard(run)
        changed = await self.services.base.catalogue.schedules.miss_run(run, reason, now)
        if changed is not None:
            self.schedules.publish_run(changed)

    async def _close(
        self, run: Run, state: RunState, reason: str | None, now: datetime, clips: tuple[str, ...]
    ) -> None:
        self.counters.done += state is RunState.DONE
        self.counters.failed += state is RunState.FAILED
        await self._changed(run, {"state": state, "reason": reason, "ended_at": now, "clips": clips})

    async def _changed(self, run: Run, fields: RunFields) -> None:
        changed = await self.services.base.catalogue.schedules.update_run(run.id, fields)
        if changed is not None:
            self.schedules.publish_run(changed)

    def _forget(self, open_ids: set[str]) -> None:
        for known in (self._held, self._tries):
            for run_id in known.keys() - open_ids:
                del known[run_id]
        self._over &= open_ids


def _new_run(schedule: Schedule, occurrence: Occurrence, era: int) -> NewRun:
    return NewRun(
        id=new_id(),
        schedule_id=schedule.id,
        recorder_id=schedule.recorder_id,
        era=era,
        spec=schedule.spec,
        due_at=occurrence.due_at,
        ends_at=occurrence.ends_at,
    )


def _seen_until(schedule: Schedule, now: datetime, why: str) -> datetime | None:
    """A box without a clock of its own starts in the past; when its time arrives, nothing was missed that
    was looked after before.
    """
    seen, furthest = schedule.seen_until, schedule.furthest
    if why is CLOCK_FORWARD and seen is not None and furthest is not None and seen < furthest <= now:
        return furthest
    return seen


def _all_passed(passed: Passed | None, due: tuple[Occurrence, ...]) -> Passed | None:
    """What is due counts as passed too, for a schedule that is not carried out."""
    if not due:
        return passed
    first = due[0] if passed is None else passed.first
    return Passed(first, due[-1], len(due) + (0 if passed is None else passed.count))


def _why_not(error: Exception, detail: str, recorder: Recorder) -> str:
    """A camera that sends nothing is the reason itself; what its buffer lacks is only the consequence."""
    status = recorder.status()
    if isinstance(error, SpanError) and status.state is not StreamState.LIVE:
        sentence = f" {status.reason.rstrip('.')}." if status.reason else ""
        return f"Camera '{recorder.settings.camera_id}' sends no pictures.{sentence}"
    return detail


def _note_of_begin(run: Run, clip: Clip, *, resumed: bool) -> str | None:
    """What a person should know of a run that is not whole; None: nothing."""
    if resumed:
        return "It was broken off and resumed."
    late = clip.start_time - run.due_at
    if late < LATE:
        return None
    return f"It began {timedelta(seconds=round(late.total_seconds()))} late. {run.reason or ''}".strip()
