"""Minutes made of differences: nothing counted twice, nothing lost while the catalogue is away."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend.catalogue import Sample, SampleFilter
from backend.metrics.analytics import Analytics
from recorder.base.values import BufferStatus, CameraStatus, ClockState, StreamCounters, StreamState
from tests.support.backend.rows import HERE, NOON, Box

BUFFER = BufferStatus(900, 30.0, NOON, NOON, 60.0, 1, 900, 30.0, 1, 0)
LIVE = CameraStatus(
    camera_id="front",
    name="",
    source="",
    state=StreamState.LIVE,
    reason="",
    state_since=NOON,
    next_try=None,
    last_error=None,
    codec="h264",
    width=1,
    height=1,
    fps=30.0,
    buffer=BUFFER,
    counters=StreamCounters(),
    clock=ClockState.SYNCHRONISED,
    recordings=0,
    viewers=0,
)


class Day:
    """A clock and a camera that a test moves on."""

    def __init__(self, box: Box) -> None:
        self.box, self.at, self.seconds, self.status = box, NOON, 0.0, LIVE
        self.analytics = Analytics(box.catalogue, HERE, now=lambda: self.at, monotonic_s=lambda: self.seconds)

    async def look(self, **counters: int) -> None:
        self.status = replace(self.status, counters=StreamCounters(**counters))
        await self.analytics.tick([self.status])

    def pass_(self, seconds: float) -> None:
        self.at, self.seconds = self.at + timedelta(seconds=seconds), self.seconds + seconds

    async def samples(self) -> list[Sample]:
        return await self.box.catalogue.samples(SampleFilter(datetime(2026, 1, 1), datetime(2027, 1, 1)))


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Day]:
    async with Box.opened(tmp_path) as box:
        yield Day(box)


async def test_a_minute_is_the_sum_of_its_looks(day: Day) -> None:
    """Frames, bytes, drops and seconds in each state; what was counted before the first look is not in."""
    await day.look(units=1000, bytes=5000, units_damaged=7)
    for step in range(1, 4):
        day.pass_(10)
        await day.look(units=1000 + 300 * step, bytes=5000 + 100 * step, units_damaged=7 + step)
    day.status = replace(day.status, state=StreamState.RECONNECTING)
    day.pass_(10)
    await day.look(units=1900, bytes=5300, units_damaged=10)
    assert await day.samples() == []
    day.pass_(60)
    await day.look(units=1900, bytes=5300, units_damaged=10)
    (minute,) = await day.samples()
    assert (minute.at, minute.frames, minute.bytes, minute.drops) == (NOON, 900, 300, 3)
    assert (minute.live_s, minute.reconnecting_s) == (30.0, 10.0)
    assert (minute.fps, minute.fill) == (30.0, 0.5)


async def test_the_last_minute_is_written_at_the_end(day: Day) -> None:
    """A stop in the middle loses nothing, and a restart in the same minute adds to it."""
    for _ in range(2):
        await day.look(units=0)
        day.pass_(10)
        await day.look(units=300)
        await day.analytics.close()
        day.analytics = Analytics(
            day.box.catalogue, HERE, now=lambda: day.at, monotonic_s=lambda: day.seconds
        )
    (minute,) = await day.samples()
    assert (minute.frames, minute.live_s) == (600, 20.0)


async def test_a_suspended_machine_watched_nothing(day: Day) -> None:
    """Hours of sleep are no hours of a live camera."""
    await day.look(units=0)
    day.pass_(7200)
    await day.look(units=0)
    await day.analytics.close()
    assert await day.samples() == []


async def test_samples_wait_for_a_catalogue_that_is_away(day: Day) -> None:
    """They are kept, and nothing is raised into the job."""
    await day.look(units=0)
    day.pass_(30)
    await day.look(units=900)
    await day.box.catalogue.close()
    await day.analytics.close()
    assert day.analytics.lost == 0
    await day.box.catalogue.open()
    await day.analytics.close()
    assert [sample.frames for sample in await day.samples()] == [900]


async def test_a_camera_that_a_reload_begins_anew_counts_on_from_nothing(day: Day) -> None:
    """Its counters start again; what was counted before stands, and no number becomes negative."""
    await day.look(units=0)
    for units in (900, 30, 330):
        day.pass_(10)
        await day.look(units=units)
    await day.analytics.close()
    assert [sample.frames for sample in await day.samples()] == [1200]


async def test_the_last_minute_of_a_removed_camera_is_written_when_it_goes(day: Day) -> None:
    """Not when the daemon ends, which may be by a kill weeks later."""
    await day.look(units=0)
    day.pass_(10)
    await day.look(units=300)
    await day.analytics.tick([])
    assert [sample.frames for sample in await day.samples()] == [300]


async def test_what_retention_removed_counts_in_its_minute_also_of_a_camera_that_is_gone(
    day: Day,
) -> None:
    """Summed up until the next look; it makes no minute look watched."""
    for camera, size_bytes in (("front", 100), ("front", 50), ("gone", 7)):
        day.analytics.removed(camera, size_bytes)
    await day.look()
    await day.analytics.close()
    found = {one.camera: (one.clips_removed, one.bytes_removed, one.total_s) for one in await day.samples()}
    assert found == {"front": (2, 150, 0.0), "gone": (1, 7, 0.0)}
