"""One muxer, many viewers: a slow one loses fragments up to the next keyframe, and nobody else does."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest_asyncio

from recorder.base.bridge import Bridge
from recorder.base.clock import LabelLine
from recorder.base.settings import BufferSettings
from recorder.base.values import StreamState
from recorder.bitstream.access_unit import Codec
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing
from recorder.live.feed import (
    VIEWER_QUEUE_CHUNKS,
    LiveBuffer,
    LiveChunk,
    LiveFeed,
    LiveInit,
    LiveJpeg,
    LiveJpegInit,
    LiveMessage,
    LiveState,
)
from tests.support.fakes import SimulatedClock
from tests.support.media import NS_PER_S, Camera, units_of


@dataclass(slots=True)
class Stage:
    """A feed and the ring that a test fills by hand."""

    feed: LiveFeed
    ring: RingBuffer
    bridge: Bridge
    sent: int = 0

    def send(self, count: int, camera: Camera | None = None) -> None:
        """The next `count` units of the camera arrive."""
        camera = camera or Camera(gop=30)
        start_ns = 5 * NS_PER_S + self.sent * NS_PER_S // 30
        for unit in units_of(camera, count, first=self.sent, start_ns=start_ns):
            self.ring.append(replace(unit, sequence=self.sent + unit.sequence))
        self.sent += count
        self.bridge.notify()


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """A feed nobody watches yet."""
    ring = RingBuffer(BufferSettings())
    bridge = Bridge(asyncio.get_running_loop())
    with ThreadPoolExecutor(1) as executor:
        labels = LabelLine(SimulatedClock())
        buffer = LiveBuffer(LockedRing(ring, threading.Lock()), bridge)
        feed = LiveFeed(buffer, executor, labels.label)
        yield Stage(feed, ring, bridge)
        await feed.close()


async def collect(
    messages: AsyncIterator[LiveMessage], enough: Callable[[list[LiveMessage]], bool]
) -> list[LiveMessage]:
    """Messages until there are enough of them."""
    seen: list[LiveMessage] = []
    async with asyncio.timeout(10):
        async for message in messages:
            seen.append(message)
            if enough(seen):
                break
    return seen


def chunks(messages: list[LiveMessage]) -> list[LiveChunk]:
    return [message for message in messages if isinstance(message, LiveChunk)]


async def test_a_viewer_who_does_not_read_loses_up_to_a_keyframe_and_is_counted(stage: Stage) -> None:
    """The other viewer gets every picture meanwhile."""
    stage.send(30)
    async with stage.feed.subscribe() as quick, stage.feed.subscribe() as slow:
        got = await collect(aiter(quick), lambda seen: len(chunks(seen)) == 29)
        for _ in range(10):
            stage.send(30)
            got += await collect(aiter(quick), lambda seen: len(chunks(seen)) == 30)
        assert len(chunks(got)) == 329
        assert slow.dropped >= VIEWER_QUEUE_CHUNKS
        late = await collect(aiter(slow), lambda seen: bool(chunks(seen)))
        assert chunks(late)[0].is_keyframe
    assert stage.feed.drops == slow.dropped
    assert quick.dropped == 0


async def test_new_codec_parameters_bring_a_new_init_segment(stage: Stage) -> None:
    """The player is told before the first fragment that needs it."""
    async with stage.feed.subscribe() as viewer:
        stage.send(30)
        messages = aiter(viewer)
        first = await collect(messages, lambda seen: len(chunks(seen)) == 20)
        stage.send(30, Camera(gop=30, width=576, height=64))
        second = await collect(
            aiter(viewer),
            lambda seen: any(isinstance(one, LiveInit) for one in seen) and bool(chunks(seen)),
        )
    inits = [one for one in first + second if isinstance(one, LiveInit)]
    assert [init.width for init in inits] == [Camera().width, 576]


async def test_a_viewer_hears_what_the_camera_is_doing(stage: Stage) -> None:
    """Also one that comes when it is already lost."""
    stage.feed.send_state(StreamState.RECONNECTING, "The camera ended the connection.")
    async with stage.feed.subscribe() as viewer:
        seen = await collect(aiter(viewer), bool)
    assert seen == [LiveState(StreamState.RECONNECTING, "The camera ended the connection.")]


async def test_the_muxer_ends_with_the_last_viewer_and_begins_again(stage: Stage) -> None:
    """Nobody watching costs nothing; the next viewer starts at the current GOP."""
    stage.send(45)
    for _ in range(2):
        async with stage.feed.subscribe() as viewer:
            seen = await collect(aiter(viewer), lambda messages: len(chunks(messages)) == 14)
            assert chunks(seen)[0].is_keyframe
        assert stage.feed.viewers == 0


def jpegs(messages: list[LiveMessage]) -> list[LiveJpeg]:
    return [message for message in messages if isinstance(message, LiveJpeg)]


async def test_the_cameras_own_jpegs_go_out_as_they_are_newest_first(stage: Stage) -> None:
    """A viewer who does not read gets the newest; the rest is dropped and counted, not queued."""
    camera = Camera(codec=Codec.MJPEG, gop=1)
    stage.send(3, camera)
    async with stage.feed.subscribe() as quick, stage.feed.subscribe() as slow:
        got = await collect(aiter(quick), lambda seen: bool(jpegs(seen)))
        assert [one for one in got if isinstance(one, LiveJpegInit)] == [LiveJpegInit(320, 48)]
        assert jpegs(got)[0].data == stage.ring.newest().data, "a new viewer begins with the newest"
        for _ in range(30):
            stage.send(1, camera)
            (picture,) = jpegs(await collect(aiter(quick), lambda seen: bool(jpegs(seen))))
            assert picture.data == stage.ring.newest().data
        late = await collect(aiter(slow), lambda seen: bool(jpegs(seen)))
        assert [one.data for one in jpegs(late)] == [stage.ring.newest().data]
        assert (quick.dropped, slow.dropped) == (0, 30)
        async with stage.feed.subscribe() as third:
            first = await collect(aiter(third), lambda seen: bool(jpegs(seen)))
            assert jpegs(first)[0].data == stage.ring.newest().data
    assert stage.feed.drops == 30


async def test_h265_goes_to_who_plays_it_and_ends_for_who_does_not(stage: Stage) -> None:
    """The one is told so by the init; the other, who watched H.264, comes again for something else."""
    stage.send(30)
    async with stage.feed.subscribe(plays_h265=True) as plays, stage.feed.subscribe() as cannot:
        await collect(aiter(plays), lambda seen: bool(chunks(seen)))
        stage.send(30, Camera(codec=Codec.H265, gop=30, height=64))
        seen = await collect(
            aiter(plays),
            lambda seen: any(isinstance(one, LiveInit) for one in seen) and len(chunks(seen)) > 9,
        )
        init = next(one for one in seen if isinstance(one, LiveInit))
        assert init.codec_string.startswith("hvc1.")
        assert b"hvc1" in init.init_segment
        async with asyncio.timeout(10):
            left = [message async for message in cannot]
        assert not any(isinstance(one, LiveInit) and one.codec_string.startswith("hvc1") for one in left)
