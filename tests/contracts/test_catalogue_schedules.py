"""What every user of the catalogue may rely on: schedules and their runs."""

import asyncio
from datetime import datetime, timedelta

import pytest

from backend.base.ids import new_id
from backend.catalogue import Catalogue
from backend.catalogue.errors import ScheduleUnknown
from backend.catalogue.queries.schedules import KEEP_RUNS
from backend.catalogue.schedule_values import MissedRuns, NewRun, Run, RunState, Schedule
from tests.support.backend.schedule_specs import HERE, a_recording, a_schedule, a_timelapse

DUE = datetime(2026, 3, 10, 7, 30)
LENGTH = timedelta(minutes=10)
DAY = timedelta(days=1)


def a_run(schedule: Schedule, due_at: datetime = DUE, era: int = 0) -> NewRun:
    return NewRun(
        id=new_id(),
        schedule_id=schedule.id,
        recorder_id=schedule.recorder_id,
        era=era,
        spec=schedule.spec,
        due_at=due_at,
        ends_at=due_at + LENGTH,
    )


async def due(catalogue: Catalogue, schedule: Schedule, due_at: datetime = DUE, era: int = 0) -> list[Run]:
    return await catalogue.schedules.note(schedule, (due_at, era), [a_run(schedule, due_at, era)], None)


async def missed(
    catalogue: Catalogue, schedule: Schedule, due_at: datetime, reason: str, count: int = 1
) -> None:
    told = MissedRuns(due_at, due_at, due_at + LENGTH, count, reason)
    await catalogue.schedules.note(schedule, (due_at, 0), [], (a_run(schedule, due_at), told))


async def test_a_schedule_is_what_was_asked_until_it_is_changed(catalogue: Catalogue) -> None:
    """A change counts a version and is looked at as if it were new."""
    rows = catalogue.schedules
    made = await rows.insert(a_schedule(a_timelapse(name="Straße")))
    assert await rows.get(made.id) == made
    await due(catalogue, made)
    changed = await rows.change(made.id, a_recording())
    assert (changed.spec, changed.version, changed.seen_until) == (a_recording(), 2, None)
    other = await rows.insert(a_schedule(recorder_id=new_id()))
    assert [schedule.id for schedule in await rows.every(HERE)] == [made.id]
    assert {schedule.id for schedule in await rows.every()} == {made.id, other.id}
    with pytest.raises(ScheduleUnknown):
        await rows.change(new_id(), a_recording())
    assert await rows.get(new_id()) is None


async def test_an_occurrence_has_one_run_whoever_finds_it(catalogue: Catalogue) -> None:
    """The row is the claim; in another era the same moment is another occurrence."""
    schedule = await catalogue.schedules.insert(a_schedule())
    found = await asyncio.gather(*(due(catalogue, schedule) for _ in range(5)))
    assert [len(runs) for runs in found].count(1) == 1
    assert len(await due(catalogue, schedule, era=1)) == 1
    runs = await catalogue.schedules.open_runs(HERE)
    assert [(run.due_at, run.era, run.state) for run in runs] == [
        (DUE, 0, RunState.WAITING),
        (DUE, 1, RunState.WAITING),
    ]
    assert await catalogue.schedules.open_runs(new_id()) == []


async def test_a_look_at_a_schedule_that_was_changed_meanwhile_notes_nothing(catalogue: Catalogue) -> None:
    """What it found belongs to a wish that is no more."""
    schedule = await catalogue.schedules.insert(a_schedule())
    await catalogue.schedules.change(schedule.id, a_recording(length_s=5.0))
    assert await due(catalogue, schedule) == []
    await catalogue.schedules.delete(schedule.id, DUE)
    assert await due(catalogue, schedule) == []


async def test_times_missed_in_a_row_for_one_reason_are_one_row(catalogue: Catalogue) -> None:
    """A camera that is off for a month makes a row that counts, not a month of rows."""
    schedule = await catalogue.schedules.insert(a_schedule())
    await missed(catalogue, schedule, DUE, "off", 3)
    await missed(catalogue, schedule, DUE + DAY, "off")
    (waited,) = await due(catalogue, schedule, DUE + 2 * DAY)
    await catalogue.schedules.miss_run(waited, "off", DUE + 3 * DAY)
    await missed(catalogue, schedule, DUE + 4 * DAY, "full")
    newest, first = await catalogue.schedules.runs(schedule.id)
    assert (first.missed, first.due_at, first.last_due_at, first.reason) == (5, DUE, DUE + 2 * DAY, "off")
    assert (newest.missed, newest.reason, newest.state) == (1, "full", RunState.MISSED)
    assert (await catalogue.schedules.latest_runs([schedule.id]))[schedule.id] == newest


async def test_a_clock_set_back_reopens_what_was_only_missed(catalogue: Catalogue) -> None:
    """What ran keeps its row; what the clock passed over may come again."""
    schedule = await catalogue.schedules.insert(a_schedule())
    (ran,) = await due(catalogue, schedule, DUE)
    await catalogue.schedules.update_run(ran.id, {"state": RunState.DONE, "ended_at": DUE + LENGTH})
    await missed(catalogue, schedule, DUE + timedelta(hours=1), "the clock was set forward")
    await catalogue.schedules.note(schedule, (DUE - LENGTH, 0), [], DUE - LENGTH)
    assert [run.id for run in await catalogue.schedules.runs(schedule.id)] == [ran.id]
    assert await due(catalogue, schedule, DUE) == []
    assert await due(catalogue, schedule, DUE + timedelta(hours=1))


async def test_a_deleted_schedule_lets_go_of_what_waits_and_ends_its_timelapse(catalogue: Catalogue) -> None:
    """Recordings go on to their end, pictures become the clip that they are by now."""
    rows = catalogue.schedules
    recording = await rows.insert(a_schedule())
    timelapse = await rows.insert(a_schedule(a_timelapse()))
    for schedule in (recording, timelapse):
        (running,) = await due(catalogue, schedule)
        await rows.update_run(running.id, {"state": RunState.RUNNING, "clips": (new_id(),), "pictures": 3})
    await due(catalogue, recording, DUE + DAY)
    now = DUE + timedelta(minutes=1)
    for schedule in (recording, timelapse):
        await rows.delete(schedule.id, now)
    left = {run.schedule_id: run for run in await rows.open_runs(HERE)}
    assert left[recording.id].ends_at == DUE + LENGTH
    assert left[timelapse.id].ends_at == now
    assert len(left) == 2
    for run in left.values():
        await rows.update_run(run.id, {"state": RunState.DONE})
    assert await rows.prune_runs(HERE) == 2


async def test_disabling_misses_what_waits(catalogue: Catalogue) -> None:
    """With the reason that it is told."""
    schedule = await catalogue.schedules.insert(a_schedule())
    await due(catalogue, schedule)
    await catalogue.schedules.disable_runs(schedule.id, DUE, "It was disabled.")
    (run,) = await catalogue.schedules.runs(schedule.id)
    assert (run.state, run.reason, run.missed) == (RunState.MISSED, "It was disabled.", 1)


async def test_history_is_bounded(catalogue: Catalogue) -> None:
    """The newest runs of each schedule stay; open ones stay whatever their age."""
    schedule = await catalogue.schedules.insert(a_schedule())
    runs = [a_run(schedule, DUE + number * DAY) for number in range(KEEP_RUNS + 5)]
    made = await catalogue.schedules.note(schedule, (DUE, 0), runs, None)
    for run in made[1:]:
        await catalogue.schedules.update_run(run.id, {"state": RunState.DONE})
    assert await catalogue.schedules.prune_runs(HERE) == 4
    left = await catalogue.schedules.runs(schedule.id, KEEP_RUNS + 10)
    assert len(left) == KEEP_RUNS + 1
    assert left[-1].id == made[0].id
