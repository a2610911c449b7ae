"""Schedules carried out: clocks that are set, things that are not there, and lives that end in between."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from backend.catalogue.lifecycle import FINISHED, Status
from backend.catalogue.schedule_values import RunState, Schedule
from backend.schedules.runner import BROKEN_OFF, CLOCK_FORWARD, HELD_UP, NOT_RUNNING
from backend.schedules.schedules import DISABLED
from tests.support.backend.schedule_rig import Rig, rigged, utc
from tests.support.backend.schedule_specs import a_recording

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.real_time("a recording of a second is missed when the machine stands still for a second"),
    pytest.mark.slow("recordings of a second and more, by the clock of the wall"),
]

DAY = datetime(2026, 3, 10)
DUE = DAY.replace(hour=7, minute=30)
FRAME = timedelta(seconds=1 / 30)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with rigged(tmp_path_factory.mktemp("rig")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def rig(one_rig: Rig) -> AsyncIterator[Rig]:
    """The box of the module without any schedule, run or recording, in a life of its own."""
    await one_rig.reset()
    yield one_rig


async def settled() -> None:
    """What a request began is brought to its end in this process; a kill would have ended it."""
    unbroken = [task for task in asyncio.all_tasks() if task.get_name() == "unbroken work"]
    await asyncio.gather(*unbroken, return_exceptions=True)


async def stopped(rig: Rig, clip_id: str) -> None:
    """End a recording and wait for its clip."""
    await rig.clips.stop(clip_id)
    async with asyncio.timeout(20):
        while True:
            clip = await rig.box.catalogue.get_clip(clip_id)
            if clip is not None and clip.status in FINISHED:
                return
            await asyncio.sleep(0.02)


async def test_what_is_due_is_recorded_from_its_exact_moment(rig: Rig) -> None:
    """The tick is half a second late: the buffer still has the beginning."""
    schedule = await rig.add(a_recording(length_s=1.5), DAY)
    rig.set_wall(DUE + SECOND / 2)
    done = await rig.tick_until_run(schedule, RunState.DONE)
    assert (done.due_at, done.ends_at, done.reason, len(done.clips)) == (DUE, DUE + 1.5 * SECOND, None, 1)
    clip = await rig.box.catalogue.get_clip(done.clips[0])
    assert clip is not None
    assert clip.end_time is not None
    assert DUE <= clip.start_time < DUE + 1.5 * FRAME
    assert abs(clip.end_time - done.ends_at) < 1.5 * FRAME
    assert clip.title == "morning, 2026-03-10 07:30"
    assert rig.runner.counters.done == 1
    await rig.runner.tick()
    assert len(await rig.runs(schedule)) == 1


@pytest.mark.parametrize(
    ("by", "why"), [(timedelta(0), NOT_RUNNING), (HOUR, CLOCK_FORWARD), (timedelta(days=400), CLOCK_FORWARD)]
)
async def test_what_passed_unseen_is_missed_and_says_why(rig: Rig, by: timedelta, why: str) -> None:
    """A start after its time, and a clock set forward by an hour and by 400 days."""
    schedule = await rig.add(a_recording(), DUE - HOUR / 2)
    rig.set_wall(DUE + HOUR if why is NOT_RUNNING else DUE - HOUR / 4)
    if why is CLOCK_FORWARD:
        await rig.runner.tick()
        assert await rig.runs(schedule) == []
        rig.step_wall(by)
    await rig.runner.tick()
    (missed,) = await rig.runs(schedule)
    assert (missed.state, missed.reason, missed.due_at) == (RunState.MISSED, why, DUE)
    assert missed.missed == rig.runner.counters.missed == max(1, by.days)


async def test_a_process_paused_for_an_hour_misses_what_passed_and_begins_what_is_left(rig: Rig) -> None:
    """Both clocks went on, nobody looked."""
    schedule = await rig.add(a_recording(cron="*/30 * * * *"), DUE)
    rig.set_wall(DUE + HOUR / 4)
    await rig.runner.tick()
    rig.more_monotonic_s += 3600
    rig.step_wall(HOUR - HOUR / 6)
    await rig.runner.tick()
    running, missed = await rig.runs(schedule)
    assert (missed.reason, missed.missed, missed.due_at) == (HELD_UP, 1, DUE + HOUR / 2)
    assert (running.state, running.due_at) == (RunState.RUNNING, DUE + HOUR)


async def test_a_clock_set_back_by_an_hour_repeats_nothing_and_loses_nothing(rig: Rig) -> None:
    """What ran stays the one run of its time; what was only passed over is recorded when it comes."""
    schedule = await rig.add(a_recording(length_s=1.5), DAY)
    rig.set_wall(DUE - HOUR / 2)
    await rig.runner.tick()
    rig.step_wall(HOUR)
    await rig.runner.tick()
    assert [run.state for run in await rig.runs(schedule)] == [RunState.MISSED]
    rig.step_wall(-HOUR)
    await rig.runner.tick()
    assert await rig.runs(schedule) == []
    rig.set_wall(DUE + SECOND / 4)
    done = await rig.tick_until_run(schedule, RunState.DONE)
    rig.set_wall(DUE - HOUR)
    await rig.runner.tick()
    rig.set_wall(DUE + SECOND / 4)
    await rig.runner.tick()
    assert await rig.runs(schedule) == [done]


async def test_a_recording_goes_on_when_the_clock_is_set_in_its_middle(rig: Rig) -> None:
    """Its end is a length, not a label: it lasts as long as was asked, and is one run."""
    schedule = await rig.add(a_recording(length_s=2.0), DAY)
    rig.set_wall(DUE + SECOND / 4)
    running = await rig.tick_until_run(schedule, RunState.RUNNING)
    rig.step_wall(-HOUR)
    done = await rig.tick_until_run(schedule, RunState.DONE)
    assert (done.id, len(done.clips)) == (running.id, 1)
    clip = await rig.box.catalogue.get_clip(done.clips[0])
    assert clip is not None
    assert clip.duration_s == pytest.approx(2.0, abs=0.1)


async def test_a_clock_that_was_400_days_ahead_does_not_hold_schedules_for_400_days(rig: Rig) -> None:
    """The next time by the right clock is recorded, though the same moment has a run already."""
    schedule = await rig.add(a_recording(length_s=1.5), DAY)
    rig.set_wall(DUE + SECOND / 4)
    first = await rig.tick_until_run(schedule, RunState.DONE)
    rig.set_wall(DUE + timedelta(days=400))
    await rig.runner.tick()
    rig.set_wall(DAY)
    await rig.runner.tick()
    rig.set_wall(DUE + SECOND / 4)
    second = await rig.tick_until_run(schedule, RunState.DONE)
    assert (second.due_at, second.era) == (first.due_at, first.era + 1)
    assert second.clips != first.clips


async def test_a_box_that_starts_without_the_time_reports_nothing_as_missed(rig: Rig) -> None:
    """It believes in 1970 until a time server answers; what was looked after before that was not missed."""
    schedule = await rig.add(a_recording(length_s=1.5), DAY)
    rig.set_wall(DUE + SECOND / 4)
    done = await rig.tick_until_run(schedule, RunState.DONE)
    rig.runner = rig.another_life()
    rig.set_wall(datetime(1970, 1, 1, 12))
    await rig.runner.tick()
    rig.set_wall(DUE + HOUR)
    await rig.runner.tick()
    assert await rig.runs(schedule) == [done]
    rig.set_wall(DUE + timedelta(days=2, hours=1))
    await rig.runner.tick()
    missed, _ = await rig.runs(schedule)
    assert (missed.missed, missed.reason, missed.due_at) == (2, CLOCK_FORWARD, DUE + timedelta(days=1))


@pytest.mark.parametrize(
    ("zone", "cron", "moments"),
    [
        ("Europe/Berlin", "30 2 * * *", ["2026-03-29T03:30+02:00", "2026-10-25T02:30+02:00"]),
        ("America/New_York", "30 2 * * *", ["2026-03-08T03:30-04:00"]),
        ("America/New_York", "30 1 * * *", ["2026-11-01T01:30-04:00"]),
        ("Australia/Lord_Howe", "10 2 * * *", ["2026-10-04T02:40+11:00"]),
        ("Australia/Lord_Howe", "45 1 * * *", ["2026-04-05T01:45+11:00"]),
    ],
)
async def test_on_the_days_the_clocks_change_it_is_recorded_once(
    rig: Rig, zone: str, cron: str, moments: list[str]
) -> None:
    """Ticking through the hours around each change: one run that day, at the stated moment."""
    for moment in map(utc, moments):
        spec = a_recording(cron=cron, timezone=zone, length_s=600.0)
        schedule = await rig.add(spec, moment - 12 * HOUR)
        for minute in range(-240, 240, 5):
            rig.set_wall(moment + timedelta(minutes=minute, seconds=1))
            await rig.runner.tick()
        (run,) = await rig.runs(schedule)
        assert run.due_at == moment
        assert run.state is RunState.RUNNING
        await rig.clips.stop(run.clips[-1])
        await rig.box.catalogue.schedules.delete(schedule.id, rig.labels.now())


@pytest.mark.parametrize(
    ("camera", "why"),
    [("gone", "There is no camera 'gone' now."), ("dead", "Camera 'dead' sends no pictures.")],
)
async def test_a_camera_that_is_not_there_is_waited_for_and_then_missed(
    rig: Rig, camera: str, why: str
) -> None:
    """The reason is to be seen while it waits, and stays when its time is over."""
    schedule = await rig.add(a_recording(camera=camera), DAY)
    rig.set_wall(DUE + SECOND)
    waiting = await rig.tick_until_run(schedule, RunState.WAITING)
    assert rig.runner.waiting == 1
    assert (waiting.reason or "").startswith(why)
    rig.set_wall(DUE + HOUR)
    missed = await rig.tick_until_run(schedule, RunState.MISSED)
    assert (missed.reason or "").startswith(why)
    assert missed.clips == ()


async def test_a_disk_that_refuses_delays_a_recording_and_says_so(rig: Rig) -> None:
    """Where the clips go is gone for a while; then the rest of the time is recorded."""
    schedule = await rig.add(a_recording(), DAY)
    clips_dir = rig.box.files.clips_dir
    away = clips_dir.with_name("away")
    clips_dir.rename(away)
    clips_dir.write_bytes(b"")
    rig.set_wall(DUE + SECOND)
    await rig.runner.tick()
    (waiting,) = await rig.runs(schedule)
    assert (waiting.state, waiting.clips) == (RunState.WAITING, ())
    assert "The disk says" in (waiting.reason or "")
    clips_dir.unlink()
    away.rename(clips_dir)
    rig.set_wall(DUE + 2 * HOUR / 60)
    running = await rig.tick_until_run(schedule, RunState.RUNNING)
    assert (running.reason or "").startswith("It began 0:01:")
    assert "The disk says" in (running.reason or "")


async def test_a_disabled_schedule_is_not_carried_out_and_says_so(rig: Rig) -> None:
    """All its times are one row."""
    schedule = await rig.add(a_recording(enabled=False), DAY)
    for days in range(3):
        rig.set_wall(DUE + timedelta(days=days, seconds=1))
        await rig.runner.tick()
    (run,) = await rig.runs(schedule)
    assert (run.state, run.reason, run.missed) == (RunState.MISSED, DISABLED, 3)
    assert rig.runner.counters.missed == 0


async def test_schedules_overlap_freely(rig: Rig) -> None:
    """Two of one camera at one time are two recordings."""
    pair = [await rig.add(a_recording(name=name, length_s=1.5), DAY) for name in ("a", "b")]
    rig.set_wall(DUE + SECOND / 4)
    done = [await rig.tick_until_run(schedule, RunState.DONE) for schedule in pair]
    assert done[0].clips != done[1].clips


async def test_another_life_goes_on_with_the_recording_it_finds(rig: Rig) -> None:
    """It is being written: nothing is begun a second time, and its end closes the run."""
    schedule = await rig.add(a_recording(length_s=2.0), DAY)
    rig.set_wall(DUE + SECOND / 4)
    running = await rig.tick_until_run(schedule, RunState.RUNNING)
    rig.runner = rig.another_life()
    done = await rig.tick_until_run(schedule, RunState.DONE)
    assert (done.id, done.clips) == (running.id, running.clips)


async def test_what_a_kill_left_of_a_recording_is_resumed_while_there_is_time(rig: Rig) -> None:
    """Start-up made a draft of the first part; the rest is its continuation, in the same run."""
    schedule = await rig.add(a_recording(), DAY)
    rig.set_wall(DUE + SECOND / 4)
    running = await rig.tick_until_run(schedule, RunState.RUNNING)
    await stopped(rig, running.clips[0])
    rig.runner = rig.another_life()

    async def resumed() -> bool:
        (run,) = await rig.runs(schedule)
        return len(run.clips) == 2 and run.reason is not None

    await rig.tick_until(resumed)
    (run,) = await rig.runs(schedule)
    first, second = [await rig.box.catalogue.get_clip(clip_id) for clip_id in run.clips]
    assert first is not None
    assert second is not None
    assert (first.continued_by, second.continued_from) == (second.id, first.id)
    assert rig.runner.counters.resumed == 1
    # Broken off again, and this time nothing is left of it.
    await stopped(rig, second.id)
    rig.runner = rig.another_life()
    rig.set_wall(DUE + HOUR)
    done = await rig.tick_until_run(schedule, RunState.DONE)
    assert (done.reason, len(done.clips)) == (BROKEN_OFF, 2)


async def test_who_stops_or_deletes_a_scheduled_recording_is_obeyed(rig: Rig) -> None:
    """It is a person's will: the run is over, and nothing begins in its place."""
    for number, act in enumerate((rig.clips.stop, rig.clips.delete)):
        schedule = await rig.add(a_recording(), DAY + timedelta(days=number))
        rig.set_wall(DUE + timedelta(days=number, seconds=0.25))
        running = await rig.tick_until_run(schedule, RunState.RUNNING)
        await act(running.clips[0])
        done = await rig.tick_until_run(schedule, RunState.DONE)
        assert done.reason == (None if number == 0 else "Its clip was deleted.")
        assert len(await rig.runs(schedule)) == 1


async def test_a_life_that_ends_at_any_step_of_a_beginning_leaves_one_recording(rig: Rig) -> None:
    """The tick is cut off after each of its steps; the next life finds what is there, and no more begins."""
    for steps in range(0, 60, 4):
        schedule = await rig.add(a_recording(), DAY)
        rig.set_wall(DUE + SECOND)
        async with asyncio.TaskGroup() as group:
            tick = group.create_task(rig.runner.tick())
            for _ in range(steps):
                await asyncio.sleep(0.001)
            tick.cancel()
        await settled()
        rig.runner = rig.another_life()
        recorded: list[str] = []

        async def is_recorded(found: list[str] = recorded, schedule: Schedule = schedule) -> bool:
            unfinished = await rig.box.catalogue.list_unfinished(rig.services.base.recorder_id)
            found[:] = [clip.id for clip in unfinished if clip.status is Status.PENDING]
            runs = await rig.runs(schedule)
            return bool(runs) and runs[0].state is RunState.RUNNING and found == list(runs[0].clips)

        await rig.tick_until(is_recorded)
        assert len(recorded) == 1
        await rig.clips.delete(recorded[0])
        await rig.box.catalogue.schedules.delete(schedule.id, rig.labels.now())
        done = await rig.box.catalogue.schedules.open_runs(rig.services.base.recorder_id)
        for run in done:
            await rig.box.catalogue.schedules.update_run(run.id, {"state": RunState.DONE})


async def test_one_run_that_fails_does_not_hold_the_others(rig: Rig) -> None:
    """An error nobody foresaw is raised for the scheduler to count, after everybody had a turn."""
    broken = await rig.add(replace(a_recording(), title="x" * 300), DAY)
    fine = await rig.add(a_recording(length_s=1.5), DAY)
    rig.set_wall(DUE + SECOND / 4)
    await rig.tick_until_run(fine, RunState.DONE)
    assert (await rig.runs(broken))[0].state in (RunState.RUNNING, RunState.DONE)
