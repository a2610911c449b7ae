"""Pictures out of the ring: the asked one, decoded once."""

import threading
from collections.abc import Iterator

import pytest

from recorder.base.clock import LabelLine
from recorder.base.errors import BufferEmpty
from recorder.base.settings import BufferSettings
from recorder.base.workers import WorkerPool
from recorder.bitstream.access_unit import Codec
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing
from recorder.stills.stills import Stills, sample_evenly
from tests.support.fakes import SimulatedClock, units
from tests.support.media import NS_PER_S, Camera, units_of

START_NS = 5 * NS_PER_S


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerPool]:
    """One worker process for the file."""
    pool = WorkerPool(1)
    pool.start()
    yield pool
    pool.close()


def stills_of(ring: RingBuffer, workers: WorkerPool) -> tuple[Stills, LabelLine]:
    labels = LabelLine(SimulatedClock())
    return Stills(LockedRing(ring, threading.Lock()), workers, labels.label), labels


def test_chosen_pictures_are_spread_evenly_and_keep_both_ends() -> None:
    """A filmstrip begins with the oldest and ends with the newest."""
    given = units(100, gop=1)
    assert sample_evenly(given, 200) == tuple(given)
    assert sample_evenly(given, 4) == (given[0], given[33], given[66], given[99])
    assert sample_evenly(given, 1) == (given[50],)
    assert sample_evenly([], 5) == ()


async def test_a_moment_that_many_look_at_is_decoded_once(workers: WorkerPool) -> None:
    """The second look at the same frame costs no worker anything."""
    ring = RingBuffer(BufferSettings())
    for unit in units_of(Camera(gop=15), 45, start_ns=START_NS):
        ring.append(unit)
    stills, labels = stills_of(ring, workers)
    at_ns = START_NS + NS_PER_S
    before = workers.counters.done
    first = await stills.frame(at_ns, exact=True, max_width=None)
    second = await stills.frame(at_ns, exact=True, max_width=None)
    assert first == second
    assert (first.label, first.approximate) == (labels.label(at_ns), False)
    assert workers.counters.done == before + 1
    near = await stills.frame(at_ns + 5 * NS_PER_S // 30, exact=False, max_width=None)
    assert (near.label, near.approximate) == (labels.label(at_ns), True)


async def test_a_cameras_own_jpeg_is_handed_out_undecoded(workers: WorkerPool) -> None:
    """Scrubbing costs no worker anything; smaller ones and a filmstrip are decoded."""
    ring = RingBuffer(BufferSettings())
    given = units_of(Camera(codec=Codec.MJPEG, gop=1), 45, start_ns=START_NS)
    for unit in given:
        ring.append(unit)
    stills, labels = stills_of(ring, workers)
    before = workers.counters.done
    picture = await stills.frame(given[20].pts_ns, exact=True, max_width=None)
    assert (picture.jpeg, picture.label) == (given[20].data, labels.label(given[20].pts_ns))
    assert (picture.width, picture.height, picture.approximate) == (320, 48, False)
    assert workers.counters.done == before
    small = await stills.frame(given[20].pts_ns, exact=True, max_width=160)
    assert small.width == 160
    strip = await stills.filmstrip(0, 10**12, 5, 160)
    assert [one.label for one in strip] == [labels.label(given[i].pts_ns) for i in (0, 11, 22, 33, 44)]


async def test_a_card_is_the_keyframe_at_once_and_then_the_frame_itself(workers: WorkerPool) -> None:
    """Both small, each decoded once; the first one says that it is not the frame asked for."""
    ring = RingBuffer(BufferSettings())
    given = units_of(Camera(gop=15, width=800, height=96), 45, start_ns=START_NS)
    for unit in given:
        ring.append(unit)
    stills, labels = stills_of(ring, workers)
    before = workers.counters.done
    for _ in range(2):
        rough = await stills.card(given[20].pts_ns, exact=False)
        exact = await stills.card(given[20].pts_ns, exact=True)
        assert (rough.label, rough.approximate) == (labels.label(given[15].pts_ns), True)
        assert (exact.label, exact.approximate) == (labels.label(given[20].pts_ns), False)
        assert (rough.width, exact.width) == (640, 640)
    assert workers.counters.done == before + 2


async def test_a_cameras_own_jpeg_is_a_card_where_it_is_small_enough(workers: WorkerPool) -> None:
    """Large ones are scaled: a page shows a hundred."""
    before = workers.counters.done
    for width in (320, 800):
        ring = RingBuffer(BufferSettings())
        given = units_of(Camera(codec=Codec.MJPEG, gop=1, width=width), 3, start_ns=START_NS)
        for unit in given:
            ring.append(unit)
        card = await stills_of(ring, workers)[0].card(given[1].pts_ns, exact=False)
        assert (card.width, card.approximate) == (min(width, 640), False)
    assert workers.counters.done == before + 1


async def test_an_empty_buffer_has_no_picture(workers: WorkerPool) -> None:
    """Said in words, never a made-up picture."""
    stills, _ = stills_of(RingBuffer(BufferSettings()), workers)
    with pytest.raises(BufferEmpty):
        await stills.frame(None, exact=True, max_width=None)
    assert await stills.filmstrip(0, 10**12, 5, 160) == []
