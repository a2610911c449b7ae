"""H.265 for who cannot play it: encoded once while somebody watches, and never far behind."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import pytest_asyncio

from recorder.base.bridge import Bridge
from recorder.base.clock import LabelLine
from recorder.base.settings import BufferSettings, CameraSettings
from recorder.bitstream.access_unit import Codec
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing
from recorder.capture.ingest_encoder import EncoderChoice
from recorder.encoding.encoder import SOFTWARE
from recorder.live.feed import LiveBuffer, LiveChunk, LiveInit, LiveSubscription
from recorder.live.feeds import LiveFeeds
from tests.support.fakes import SimulatedClock
from tests.support.media import NS_PER_S, Camera, units_of

H265 = Camera(codec=Codec.H265, gop=30, height=64)
THREAD = "encode-cam-live"


class Stage:
    """The feeds of one camera and the ring that a test fills by hand."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self.ring = RingBuffer(BufferSettings())
        self._bridge = Bridge(asyncio.get_running_loop())
        self._sent = 0
        self.choice = EncoderChoice()
        buffer = LiveBuffer(LockedRing(self.ring, threading.Lock()), self._bridge)
        self.labels = LabelLine(SimulatedClock())
        settings = CameraSettings("cam", "Cam", "x")
        self.feeds = LiveFeeds(settings, buffer, executor, self.labels.label, self.choice)

    def send(self, count: int, camera: Camera = H265) -> None:
        start_ns = 5 * NS_PER_S + self._sent * NS_PER_S // 30
        for unit in units_of(camera, count, first=self._sent, start_ns=start_ns):
            self.ring.append(replace(unit, sequence=self._sent + unit.sequence))
        self._sent += count
        self._bridge.notify()


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    with ThreadPoolExecutor(1) as executor:
        made = Stage(executor)
        made.choice.make(SOFTWARE)
        yield made
        await made.feeds.close()
    assert not encoding()


def encoding() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def pictures(viewer: LiveSubscription, count: int) -> tuple[list[LiveInit], list[LiveChunk]]:
    """What comes up to so many fragments."""
    inits: list[LiveInit] = []
    chunks: list[LiveChunk] = []
    async with asyncio.timeout(20):
        async for message in viewer:
            if isinstance(message, LiveInit):
                inits.append(message)
            elif isinstance(message, LiveChunk):
                chunks.append(message)
            if len(chunks) == count:
                break
    return inits, chunks


async def test_all_who_cannot_play_h265_share_one_encoder_that_ends_with_the_last(stage: Stage) -> None:
    """H.264 from the GOP that is being received, each picture once; who can play it gets the camera's own."""
    stage.send(20)
    assert not encoding()
    async with stage.feeds.subscribe(plays_h265=False) as one, stage.feeds.subscribe(plays_h265=True) as own:
        inits, chunks = await pictures(one, 10)
        stage.send(40)
        chunks += (await pictures(one, 40))[1]
        assert inits[0].codec_string.startswith("avc1.")
        labels = [chunk.label for chunk in chunks]
        assert labels == sorted(set(labels))
        assert chunks[0].is_keyframe
        async with stage.feeds.subscribe(plays_h265=False) as two:
            stage.send(30)
            again, more = await pictures(two, 20)
            assert again == inits
            assert more[0].is_keyframe
            assert len(encoding()) == 1
        theirs, _ = await pictures(own, 20)
        assert theirs[0].codec_string.startswith("hvc1.")
        assert stage.feeds.viewers == 2
    await until(lambda: not encoding())
    assert (stage.feeds.viewers, stage.feeds.failures, stage.feeds.gops_dropped) == (0, 0, 0)


async def test_who_comes_back_sees_now_and_not_what_was(stage: Stage) -> None:
    """Nothing of an earlier look is left over."""
    stage.send(30)
    async with stage.feeds.subscribe(plays_h265=False) as viewer:
        _, before = await pictures(viewer, 20)
    stage.send(60)
    async with stage.feeds.subscribe(plays_h265=False) as viewer:
        _, after = await pictures(viewer, 20)
    assert (after[0].label - before[0].label).total_seconds() == pytest.approx(2.0, abs=0.01)


async def test_an_encoder_that_is_too_slow_goes_on_at_the_newest_keyframe(stage: Stage) -> None:
    """It waits for its probe here, while five GOPs come: what is left out is counted, the newest is shown."""
    slow = EncoderChoice()
    stage.feeds._transcode._choice = slow
    stage.send(30)
    async with stage.feeds.subscribe(plays_h265=False) as viewer:
        await until(encoding)
        stage.send(150)
        await asyncio.sleep(0)
        slow.make(SOFTWARE)
        _, chunks = await pictures(viewer, 20)
        assert stage.feeds.gops_dropped >= 4
    newest = stage.labels.label(stage.ring.newest().pts_ns)
    assert (newest - chunks[-1].label).total_seconds() < 1.5


async def test_a_camera_that_turns_to_h264_is_shown_without_a_new_viewer(stage: Stage) -> None:
    """What needs no encoding passes through."""
    stage.send(30)
    async with stage.feeds.subscribe(plays_h265=False) as viewer:
        inits, _ = await pictures(viewer, 10)
        stage.send(30, Camera(gop=30))
        more, chunks = await pictures(viewer, 30)
        assert [init.width for init in inits + more] == [320, 320]
        assert chunks[-1].is_keyframe is False
