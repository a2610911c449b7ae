"""Timelapses over a real camera: pictures at their moments, lives that end, things that are not there."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import pytest_asyncio

from backend.base.ids import new_id
from backend.catalogue.lifecycle import Status
from backend.catalogue.schedule_values import OPEN, NewRun, Run, RunState, Schedule
from recorder.base.values import Picture
from recorder.recording.timelapse_part import TimelapseOrder, TimelapsePart
from tests.support.backend.schedule_rig import Rig, rigged
from tests.support.backend.schedule_specs import a_timelapse

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 3, 10, 12)
SECOND = timedelta(seconds=1)
SHORT = a_timelapse(every_s=1, join="5", fps=10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with rigged(tmp_path_factory.mktemp("rig")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def rig(one_rig: Rig) -> AsyncIterator[Rig]:
    """The box of the module without any schedule, run or clip, in a life of its own."""
    await one_rig.reset()
    yield one_rig


async def first_run(rig: Rig, schedule: Schedule, state: RunState) -> Run:
    """The run that begins at noon once it has a state."""
    found: list[Run] = []

    async def arrived() -> bool:
        found[:] = [run for run in await rig.runs(schedule) if run.due_at == NOON]
        return bool(found) and found[0].state is state

    await rig.tick_until(arrived)
    return found[0]


async def test_pictures_of_a_period_become_a_draft(rig: Rig) -> None:
    """Also where the ticks come seconds late: the moments are in the buffer."""
    schedule = await rig.add(SHORT, NOON - SECOND)
    rig.set_wall(NOON + SECOND / 10)
    await rig.runner.tick()
    rig.step_wall(5 * SECOND)  # the buffer is relabelled too: as if it had been filled before

    done = await first_run(rig, schedule, RunState.DONE)
    clip = await rig.box.catalogue.get_clip(done.clips[0])
    assert clip is not None
    assert (clip.status, clip.tags, clip.title) == (Status.DRAFT, ("timelapse",), "street, 2026-03-10 12:00")
    assert clip.end_time == NOON + 5 * SECOND
    assert clip.frame_count == done.pictures
    assert (done.reason is None) == (done.pictures == 5)
    assert not (rig.directory / "timelapses" / f"{done.id}.part").exists()


async def test_another_life_goes_on_with_the_pictures_it_finds(rig: Rig) -> None:
    """The same run, the same clip: what was kept is in it, what is missing is said."""
    schedule = await rig.add(SHORT, NOON - SECOND)
    rig.set_wall(NOON + SECOND / 10)
    running = await first_run(rig, schedule, RunState.RUNNING)
    await rig.runner.close()
    rig.runner = rig.another_life()
    await rig.runner.timelapses.sweep({running.id})
    rig.set_wall(NOON + 3.2 * SECOND)
    done = await first_run(rig, schedule, RunState.DONE)
    assert done.clips == running.clips
    clip = await rig.box.catalogue.get_clip(done.clips[0])
    assert clip is not None
    assert clip.frame_count == done.pictures >= 3
    assert clip.start_time <= NOON


async def test_a_camera_that_sends_nothing_makes_no_clip(rig: Rig) -> None:
    """Missed, with the reason, and nothing on the disk."""
    for camera, why in (
        ("dead", "Camera 'dead' sends no pictures."),
        ("gone", "There is no camera 'gone' now."),
    ):
        schedule = await rig.add(a_timelapse(every_s=1, join="5", fps=10, camera=camera), NOON - SECOND)
        rig.set_wall(NOON + SECOND / 10)
        await rig.runner.tick()
        rig.set_wall(NOON + 16 * SECOND)
        missed = await first_run(rig, schedule, RunState.MISSED)
        assert (missed.reason or "").startswith(why)
        assert missed.clips == ()


async def test_a_deleted_timelapse_leaves_the_clip_of_what_it_had(rig: Rig) -> None:
    """It ends there; the pictures are not thrown away."""
    schedule = await rig.add(a_timelapse(every_s=1, fps=10), NOON - SECOND)
    rig.set_wall(NOON + SECOND / 10)
    running = await first_run(rig, schedule, RunState.RUNNING)
    await rig.schedules.delete(schedule.id)
    rows = rig.box.catalogue.schedules

    async def is_over() -> bool:
        return await rows.open_runs(rig.services.base.recorder_id) == []

    await rig.tick_until(is_over)
    clip = await rig.box.catalogue.get_clip(running.clips[0])
    assert clip is not None
    assert clip.status is Status.DRAFT
    assert (clip.frame_count or 0) >= 1


def a_picture(number: int) -> Picture:
    jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 20 * number, np.uint8))[1].tobytes()
    return Picture(jpeg, NOON + number * SECOND, 64, 48, approximate=False)


def keep_three(path: Path, order: TimelapseOrder) -> None:
    part = TimelapsePart(path, order)
    for number in range(3):
        part.append(a_picture(number))
    part.close()


async def settled(rig: Rig) -> None:
    """What threads had begun is at its end; a kill would have ended it."""
    loop = asyncio.get_running_loop()
    both_idle = threading.Barrier(2)
    await asyncio.gather(*(loop.run_in_executor(rig.services.base.disk, both_idle.wait) for _ in range(2)))
    await rig.box.catalogue.set_notes({"settled": "yes"})


async def test_a_life_that_ends_at_any_step_of_joining_makes_one_clip(rig: Rig) -> None:
    """Cut off after each of its steps; the next life joins or goes on, and nothing is left over."""
    rows = rig.box.catalogue.schedules
    rig.set_wall(NOON + 60 * SECOND)
    for steps in range(0, 24, 3):
        schedule = await rig.add(SHORT, NOON + 50 * SECOND)
        due_at = NOON + timedelta(seconds=steps)
        new = NewRun(
            id=new_id(),
            schedule_id=schedule.id,
            recorder_id=schedule.recorder_id,
            era=0,
            spec=SHORT,
            due_at=due_at,
            ends_at=due_at + 5 * SECOND,
        )
        (run,) = await rows.note(schedule, (NOON + 55 * SECOND, 0), [new], None)
        clip_id = new_id()
        await rows.update_run(run.id, {"state": RunState.RUNNING, "clips": (clip_id,)})
        path = rig.directory / "timelapses" / f"{run.id}.part"
        await asyncio.to_thread(keep_three, path, TimelapseOrder(clip_id, "front", run.recorder_id, 10))
        async with asyncio.TaskGroup() as group:
            tick = group.create_task(rig.runner.tick())
            for _ in range(steps):
                await asyncio.sleep(0.001)
            tick.cancel()
        await rig.runner.close()
        await settled(rig)
        rig.runner = rig.another_life()

        async def is_over(run_id: str = run.id, schedule: Schedule = schedule) -> bool:
            found = {run.id: run for run in await rig.runs(schedule)}
            return found[run_id].state not in OPEN

        # What a start does with clips that it finds unfinished.
        for unfinished in await rig.box.catalogue.list_unfinished(run.recorder_id):
            if unfinished.status is Status.PROCESSING:
                await rig.recordings.finish_again(unfinished)
        await rig.tick_until(is_over)
        clip = await rig.box.catalogue.get_clip(clip_id)
        assert clip is not None
        assert (clip.status, clip.error, clip.frame_count) == (Status.DRAFT, None, 3)
        assert not await asyncio.to_thread(path.exists)
        await rig.reset()


async def test_files_of_runs_that_are_over_are_swept_and_strangers_stay(rig: Rig) -> None:
    """At start: what a kill left behind a finished clip goes, what was never ours does not."""
    directory = rig.directory / "timelapses"
    directory.mkdir(exist_ok=True)
    ours, running = (directory / f"{new_id()}.part" for _ in range(2))
    stranger = directory / "holiday.part"
    for path in (ours, running, stranger):
        path.write_bytes(b"")
    await rig.runner.timelapses.sweep({running.stem})
    assert sorted(directory.glob("*.part")) == sorted([running, stranger])
    running.unlink()
    stranger.unlink()
