"""A real RTSP camera that dies, freezes and comes back: the buffer heals, the clip tells of it."""

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
import pytest_asyncio

from recorder.base.values import FinishedClip, RecordRequest, StreamState
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.recorder_rig import Rig, counter_in, counters_of, running_recorder

FRAME_S = 1 / 30


@pytest_asyncio.fixture
async def camera() -> AsyncIterator[RtspCamera]:
    """A camera with one-second GOPs."""
    require_rtsp_server()
    camera = RtspCamera(Material(width=320, height=180))
    await asyncio.to_thread(camera.start)
    try:
        yield camera
    finally:
        await asyncio.to_thread(camera.kill)


def frame_times_s(path: Path) -> list[float]:
    """When a player shows each frame, in seconds of media time."""
    with av.open(str(path), "r") as container:
        base = container.streams.video[0].time_base or Fraction(1)
        return [float((frame.pts or 0) * base) for frame in container.decode(video=0)]


async def check_one_declared_hole(rig: Rig, clip: FinishedClip) -> None:
    """The declared gap is the one hole in media time, and media time stays label time behind it."""
    assert len(clip.gaps) == 1
    gap_s = (clip.gaps[0].end - clip.gaps[0].start).total_seconds()
    counters, times_s = counters_of(clip.path), frame_times_s(clip.path)
    holes = [
        (index, after - before)
        for index, (before, after) in enumerate(pairwise(times_s))
        if after - before > 1.5 * FRAME_S
    ]
    assert len(holes) == 1
    index, held_s = holes[0]
    assert held_s == pytest.approx(gap_s + FRAME_S, abs=0.002)
    before, after = counters[: index + 1], counters[index + 1 :]
    assert before == list(range(before[0], before[0] + len(before)))
    assert after == list(range(after[0], after[0] + len(after)))
    assert clip.duration_s == pytest.approx(len(counters) * FRAME_S + gap_s, abs=0.002)
    picture = await rig.recorder.frame(clip.gaps[0].end)
    assert counter_in(picture.jpeg) == after[0]
    label_s = (picture.label - clip.start_time).total_seconds()
    assert label_s == pytest.approx(times_s[index + 1], abs=0.001)


async def test_a_camera_that_was_killed_heals_and_leaves_one_declared_gap(
    camera: RtspCamera, tmp_path: Path
) -> None:
    """A recording that runs across the outage holds both sides of it."""
    async with running_recorder(camera.url(), tmp_path) as rig:
        await rig.buffered(2)
        request = RecordRequest(rig.new_id(), before_s=1.5, after_s=None)
        await rig.recorder.record(request)
        await rig.recorder.acknowledge(request.recording_id)
        await asyncio.to_thread(camera.kill)
        await rig.until(lambda: rig.recorder.status().state is StreamState.RECONNECTING)
        assert rig.recorder.status().next_try is not None
        await asyncio.to_thread(camera.start)
        await rig.until(lambda: rig.recorder.status().state is StreamState.LIVE)
        back_s = rig.recorder.status().buffer.held_s
        await rig.until(lambda: rig.recorder.status().buffer.held_s > back_s + 2)
        await rig.recorder.stop(request.recording_id)
        clip = await rig.until(lambda: rig.finished(request.recording_id))
        await check_one_declared_hole(rig, clip)
        assert rig.recorder.status().counters.reconnects == 1


async def test_a_frozen_camera_is_noticed_and_heals_when_it_goes_on(
    camera: RtspCamera, tmp_path: Path
) -> None:
    """A connection that stays open and says nothing is stalled, then lost, then back."""
    async with running_recorder(camera.url(), tmp_path, read_timeout_s=3.0) as rig:
        await rig.buffered(2)
        camera.freeze()
        await rig.until(lambda: rig.recorder.status().state is StreamState.STALLED, 10)
        await rig.until(lambda: rig.recorder.status().state is StreamState.RECONNECTING, 10)
        camera.thaw()
        await rig.until(lambda: rig.recorder.status().state is StreamState.LIVE)
        back_s = rig.recorder.status().buffer.held_s
        await rig.until(lambda: rig.recorder.status().buffer.held_s > back_s + 2)
        await check_one_declared_hole(rig, await rig.clip(before_s=60.0, after_s=0.0))


async def test_a_short_hiccup_costs_no_frame(camera: RtspCamera, tmp_path: Path) -> None:
    """What the network only delays arrives late and is labelled with when it was, not when it came."""
    async with running_recorder(camera.url(), tmp_path) as rig:
        await rig.buffered(2)
        camera.freeze()
        await rig.until(lambda: rig.recorder.status().state is StreamState.STALLED, 10)
        camera.thaw()
        held_s = rig.recorder.status().buffer.held_s
        await rig.until(lambda: rig.recorder.status().buffer.held_s > held_s + 4)
        clip = await rig.clip(before_s=60.0, after_s=0.0)
        counters = counters_of(clip.path)
        assert counters == list(range(counters[0], counters[0] + len(counters)))
        assert clip.gaps == ()
        assert rig.recorder.status().counters.reconnects == 0
