"""Timestamps that jump, freeze and contradict each other: timeline and ring keep their promises."""

from dataclasses import replace
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from recorder.base.errors import RecorderError
from recorder.base.media_time import NS_PER_S
from recorder.base.settings import BufferSettings
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch, SourceUnit
from recorder.buffer.ring_buffer import RingBuffer
from recorder.capture.timeline import FUTURE_NS, Timeline
from tests.support.fakes import units

EPOCH = Epoch(Codec.H264, 16, 16, b"x")
TIME_BASE = Fraction(1, 90_000)
JUMPS = [0, 1, 81_000, -3000, -(10**6), 10**7, 1 << 33, -(1 << 62)]
WAITS_NS = [0, 1000, NS_PER_S, 3 * NS_PER_S // 10]


def hostile_units(chance: Random, count: int) -> list[SourceUnit]:
    found, now_ns, dts = [], 10**12, 0
    for _ in range(count):
        now_ns += chance.choice(WAITS_NS) if chance.random() < 0.1 else 33_000_000
        dts += chance.choice(JUMPS) if chance.random() < 0.1 else 3000
        ahead = chance.choice([0, 3000, 9000, -(10**6), 10**6, 450_000]) if chance.random() < 0.4 else 0
        found.append(
            SourceUnit(
                data=b"d" * chance.choice([1, 50, 400]),
                epoch=EPOCH,
                is_keyframe=chance.random() < 0.1,
                pts=chance.choice([None] + [dts + ahead] * 9),
                dts=chance.choice([None] + [dts] * 9),
                time_base=TIME_BASE,
                duration=chance.choice([0, 3000, -5, 10**12]),
                arrival_ns=now_ns,
            )
        )
    return found


def look_around(ring: RingBuffer, start_ns: int, end_ns: int) -> None:
    """Every lookup gives something that can be decoded, or one of its own errors."""
    try:
        span = ring.span(start_ns, end_ns)
        assert span.units[0].is_keyframe
        assert span.frame_count > 0
        ring.unpin(ring.pin(span))
    except RecorderError:
        pass
    gop = ring.gop_of(start_ns)
    assert gop[0].is_keyframe
    assert gop[-1] == ring.frame_at(start_ns)
    assert ring.recent(5).duration_s >= 0
    assert all(unit.is_keyframe for unit in ring.keyframes(start_ns, end_ns))


@given(st.integers(0, 1 << 32), st.sampled_from([2.0, 5.0]), st.sampled_from([3000, 100_000]))
def test_no_timestamps_break_timeline_or_ring(seed: int, seconds: float, max_bytes: int) -> None:
    """dts never decreases, pts ≥ dts, lengths are positive, bounds hold, lookups begin with a keyframe."""
    chance = Random(seed)
    timeline, ring = Timeline(), RingBuffer(BufferSettings(seconds, max_bytes))
    last: AccessUnit | None = None
    for unit in hostile_units(chance, 400):
        for placed in timeline.place(unit):
            assert placed.pts_ns >= placed.dts_ns
            assert placed.duration_ns > 0
            assert last is None or placed.dts_ns >= last.dts_ns
            last = placed
            ring.append(placed)
            assert ring.held_bytes <= max_bytes
            if chance.random() < 0.1 and ring.held_frames:
                start_ns = placed.pts_ns - chance.randrange(6 * NS_PER_S)
                look_around(ring, start_ns, start_ns + chance.randrange(4 * NS_PER_S))


def test_a_clock_that_hurries_without_keyframes_does_not_run_into_the_future() -> None:
    """Else nothing could be kept until the world had caught up with it."""
    timeline = Timeline()
    frame_ns = NS_PER_S // 30
    unit = SourceUnit(b"d", EPOCH, True, 0, 0, TIME_BASE, 0, 10**12)
    hurried = [
        replace(unit, pts=n * 81_000, dts=n * 81_000, is_keyframe=n == 0, arrival_ns=10**12 + n * frame_ns)
        for n in range(600)
    ]
    healed = [
        replace(unit, pts=n * 3000, dts=n * 3000, is_keyframe=n % 30 == 0, arrival_ns=10**12 + n * frame_ns)
        for n in range(600, 1200)
    ]
    placed = [(unit, done) for unit in hurried + healed for done in timeline.place(unit)]
    assert all(done.dts_ns < unit.arrival_ns + FUTURE_NS + 2 * NS_PER_S for unit, done in placed)
    assert sum(unit.pts is not None and unit.pts >= 600 * 3000 for unit, _ in placed[-500:]) == 500


def test_crumbs_on_a_clock_that_stands_still_stay_within_the_bound() -> None:
    """Each unit costs more than its data, so there may be only so many of them."""
    ring = RingBuffer(BufferSettings(60, 8 << 20))
    crumb = units(1, size=8)[0]
    for number in range(20_000):
        ring.append(replace(crumb, sequence=number, pts_ns=number, dts_ns=0, is_keyframe=number % 500 == 0))
    assert 8192 - 500 <= ring.held_frames <= 8192
    assert ring.gops_evicted_by_bytes > 0
    for number in range(20_000, 40_000):
        ring.append(replace(crumb, sequence=number, pts_ns=number, dts_ns=0, is_keyframe=number == 20_000))
        assert ring.held_frames <= 8192
    assert ring.gops_too_large == 1
