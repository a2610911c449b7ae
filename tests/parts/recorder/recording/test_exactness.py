"""Frame-exact, by equality: real RTSP cameras, and the counters decoded from the clips.

Six cameras at once: GOPs of 1 s, 2 s and 10 s, without and with a B-pyramid. The expected counters
come from single pictures out of the buffer (`frame`), a path that shares no code with the cut.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from recorder.base.values import FinishedClip, RecordingContinued
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera, resized
from tests.support.components import require_rtsp_server
from tests.support.recorder_rig import Rig, counter_in, counters_of, media_seconds, running_recorder

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.slow("records in real time at every place of a GOP"),
]
MICROSECOND = timedelta(microseconds=1)
FPS = 30
CODINGS = [(gop, bframes) for gop in (30, 60, 300) for bframes in (0, 3)]
HELD_S = 13.0


@dataclass(frozen=True, slots=True)
class Cameras:
    """A recorder for each way of encoding."""

    rigs: dict[tuple[int, int], Rig]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cameras(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cameras]:
    """All six, each with more than one ten-second GOP in its buffer."""
    require_rtsp_server()
    async with AsyncExitStack() as stack:
        rigs = {}
        for gop, bframes in CODINGS:
            material = Material(width=320, height=180, gop=gop, bframes=bframes)
            camera = await asyncio.to_thread(stack.enter_context, RtspCamera(material))
            directory = tmp_path_factory.mktemp(f"gop{gop}b{bframes}")
            rigs[gop, bframes] = await stack.enter_async_context(running_recorder(camera.url(), directory))
        await asyncio.gather(*(rig.buffered(HELD_S) for rig in rigs.values()))
        yield Cameras(rigs)


async def newest_label(rig: Rig) -> datetime:
    """Label of the newest frame."""
    newest = rig.recorder.status().buffer.newest_frame
    assert newest is not None
    return newest


async def expected(rig: Rig, start: datetime, end: datetime) -> list[int]:
    """Counters of the frames with start ≤ label < end, from single pictures."""
    first, last = await rig.recorder.frame(start), await rig.recorder.frame(end - MICROSECOND)
    first_counter = counter_in(first.jpeg) + (0 if first.label >= start else 1)
    return list(range(first_counter, counter_in(last.jpeg) + 1))


def check(clip: FinishedClip, wanted: list[int]) -> None:
    """The clip holds exactly these counters, and its length is frames ÷ rate."""
    assert counters_of(clip.path) == wanted
    assert clip.frame_count == len(wanted)
    assert clip.duration_s == pytest.approx(len(wanted) / FPS, abs=1e-4)
    assert media_seconds(clip.path) == pytest.approx(len(wanted) / FPS, abs=1e-4)
    assert clip.gaps == ()


@pytest.mark.parametrize(("gop", "bframes"), CODINGS)
async def test_every_end_within_a_b_pyramid_is_exact(cameras: Cameras, gop: int, bframes: int) -> None:
    """Nine ends one frame apart cross two pyramids; the start lies inside a GOP, between two frames."""
    rig = cameras.rigs[gop, bframes]
    newest = await newest_label(rig)
    start = newest - timedelta(seconds=2.345)
    for back in range(3, 12):
        end = (await rig.recorder.frame(newest - timedelta(seconds=back / FPS))).label
        wanted = await expected(rig, start, end)
        check(await rig.clip(span=(start, end)), wanted)


@pytest.mark.parametrize(("gop", "bframes"), CODINGS)
async def test_a_long_look_back_starts_on_the_exact_frame(cameras: Cameras, gop: int, bframes: int) -> None:
    """Nine seconds back, from the label a person saw: 270 frames, wherever the keyframes are."""
    rig = cameras.rigs[gop, bframes]
    at = (await rig.recorder.frame(await newest_label(rig) - timedelta(seconds=0.5))).label
    wanted = await expected(rig, at - timedelta(seconds=9), at)
    assert len(wanted) == 270
    check(await rig.clip(at=at, before_s=9.0, after_s=0.0), wanted)


@pytest.mark.parametrize(("gop", "bframes"), CODINGS)
async def test_look_back_and_look_ahead_meet_exactly(cameras: Cameras, gop: int, bframes: int) -> None:
    """The part file and the buffer are cut by the same rule."""
    rig = cameras.rigs[gop, bframes]
    at = (await rig.recorder.frame(await newest_label(rig) - timedelta(seconds=0.2))).label
    clip = await rig.clip(at=at, before_s=1.5, after_s=1.0)
    check(clip, await expected(rig, at - timedelta(seconds=1.5), at + timedelta(seconds=1)))


@pytest.mark.parametrize(("gop", "bframes"), [(30, 0), (300, 3)])
async def test_ten_overlapping_recordings_are_each_exact(cameras: Cameras, gop: int, bframes: int) -> None:
    """Ten spans over the same units, each with its own first and last frame."""
    rig = cameras.rigs[gop, bframes]
    at = (await rig.recorder.frame(await newest_label(rig))).label
    spans = [(0.31 * n, 0.17 * (10 - n)) for n in range(10)]
    clips = await asyncio.gather(*(rig.clip(at=at, before_s=b, after_s=a) for b, a in spans))
    for (before_s, after_s), clip in zip(spans, clips, strict=True):
        wanted = await expected(rig, at - timedelta(seconds=before_s), at + timedelta(seconds=after_s))
        check(clip, wanted)


@pytest.mark.parametrize("behaviour", [Behaviour(config_interval=-1), Behaviour(out_of_band=True)])
async def test_odd_parameter_sets_give_exact_clips(
    tmp_path_factory: pytest.TempPathFactory, behaviour: Behaviour
) -> None:
    """SPS and PPS in packets of their own, or never in the stream at all."""
    require_rtsp_server()
    with RtspCamera(Material(width=320, height=180, gop=30), behaviour) as camera:
        async with running_recorder(camera.url(), tmp_path_factory.mktemp("odd")) as rig:
            await rig.buffered(3)
            at = (await rig.recorder.frame(await newest_label(rig))).label
            wanted = await expected(rig, at - timedelta(seconds=1.75), at)
            check(await rig.clip(at=at, before_s=1.75, after_s=0.0), wanted)


async def test_a_resolution_change_gives_two_linked_clips_and_loses_no_frame(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The first clip ends at the border, a continuation begins there, and their counters join."""
    require_rtsp_server()
    small = Material(width=320, height=180, gop=30)
    behaviour = Behaviour(change_to=resized(small, 480, 270), change_after_s=4.0)
    with RtspCamera(small, behaviour) as camera:
        async with running_recorder(camera.url(), tmp_path_factory.mktemp("resized")) as rig:
            await rig.buffered(1.5)
            first = await rig.clip(before_s=1.0, after_s=7.0)
            continued = next(event for event in rig.events if isinstance(event, RecordingContinued))
            await rig.recorder.acknowledge(continued.started.recording_id)
            second = await rig.until(lambda: rig.finished(continued.started.recording_id))
    assert ((first.width, first.height), (second.width, second.height)) == ((320, 180), (480, 270))
    counters = counters_of(first.path) + counters_of(second.path)
    assert len(counters) == pytest.approx(8 * FPS, abs=FPS)
    assert second.start_time >= first.end_time - timedelta(milliseconds=1)
