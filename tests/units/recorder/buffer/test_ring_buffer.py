"""The ring: bounds, whole GOPs, and lookups that agree with a naive model, B-frames included."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.errors import BufferEmpty, SpanOutsideBuffer
from recorder.base.settings import BufferSettings
from recorder.bitstream.access_unit import AccessUnit
from recorder.buffer.ring_buffer import RingBuffer
from tests.support.fakes import NS_PER_S, shown_numbers, units

START_NS = 1000 * NS_PER_S
FRAME_NS = NS_PER_S // 30


def ring_of(given_units: list[AccessUnit], seconds: float = 60.0, max_bytes: int = 1 << 30) -> RingBuffer:
    ring = RingBuffer(BufferSettings(seconds, max_bytes))
    for unit in given_units:
        ring.append(unit)
    return ring


@dataclass(frozen=True)
class Stream:
    """A camera's life: runs of some coding with outages between them."""

    units: list[AccessUnit]
    longest_gop: int
    fps: int


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    fps = draw(st.sampled_from([5, 24, 30]))
    made: list[AccessUnit] = []
    start_ns, longest = START_NS, 1
    for run in range(draw(st.integers(1, 3))):
        gop, bframes = draw(st.integers(1, 25)), draw(st.integers(0, 4))
        size, count = draw(st.integers(20, 200)), draw(st.integers(1, 120))
        longest = max(longest, gop)
        made += units(
            count, fps, gop, bframes=bframes, start_ns=start_ns, run=run, sequence=len(made), size=size
        )
        start_ns = max(unit.pts_ns for unit in made) + draw(st.integers(NS_PER_S // 2, 4 * NS_PER_S))
    return Stream(made, longest, fps)


@dataclass(frozen=True)
class NaiveSpan:
    """What a span must be, by looking at everything."""

    units: tuple[AccessUnit, ...]
    shown: tuple[AccessUnit, ...]


def naive_span(held: tuple[AccessUnit, ...], start_ns: int, end_ns: int) -> NaiveSpan | None:
    shown = [unit for unit in held if start_ns <= unit.pts_ns < end_ns]
    if not shown:
        return None
    first_pts_ns = min(unit.pts_ns for unit in shown)
    lead_in = max(i for i, unit in enumerate(held) if unit.is_keyframe and unit.pts_ns <= first_pts_ns)
    last = max(i for i, unit in enumerate(held) if unit.pts_ns < end_ns)
    return NaiveSpan(held[lead_in : last + 1], tuple(shown))


@given(streams(), st.floats(0.2, 12), st.integers(100, 30_000))
def test_a_ring_starts_on_a_keyframe_keeps_the_newest_gop_and_stays_within_its_bounds(
    stream: Stream, seconds: float, max_bytes: int
) -> None:
    """After every single unit, whatever came before."""
    ring = RingBuffer(BufferSettings(seconds, max_bytes))
    newest_gop: list[AccessUnit] = []
    too_large = 0
    for unit in stream.units:
        ring.append(unit)
        newest_gop = [unit] if unit.is_keyframe else [*newest_gop, unit]
        held = ring.after(-1)
        if sum(len(gop_unit.data) for gop_unit in newest_gop) > max_bytes:
            assert not held
            too_large += len(newest_gop) == 1 or sum(len(u.data) for u in newest_gop[:-1]) <= max_bytes
        else:
            assert held[0].is_keyframe
            assert list(held[-len(newest_gop) :]) == newest_gop
        assert ring.held_bytes == sum(len(held_unit.data) for held_unit in held) <= max_bytes
        assert (ring.held_frames, ring.last_sequence) == (len(held), unit.sequence)
        longest_s = (stream.longest_gop + 1) / stream.fps
        if len({held_unit.run for held_unit in held}) == 1:
            assert ring.held_s <= seconds + longest_s + 1e-6
    assert ring.gops_too_large == too_large


@given(streams(), st.floats(0.2, 12), st.data())
def test_spans_and_lookups_agree_with_looking_at_everything(
    stream: Stream, seconds: float, data: st.DataObject
) -> None:
    """Any bounds, on and between frames, in and around the ring."""
    ring = ring_of(stream.units, seconds)
    held = ring.after(-1)
    moments = st.one_of(
        st.sampled_from([unit.pts_ns for unit in stream.units]).flatmap(
            lambda pts_ns: st.integers(pts_ns - 1, pts_ns + 1)
        ),
        st.integers(START_NS - NS_PER_S, ring.newest().pts_ns + NS_PER_S),
    )
    start_ns, end_ns = sorted((data.draw(moments), data.draw(moments)))

    expected = naive_span(held, start_ns, end_ns)
    if expected is None:
        with pytest.raises(SpanOutsideBuffer):
            ring.span(start_ns, end_ns)
    else:
        span = ring.span(start_ns, end_ns)
        assert span.units == expected.units
        assert span.shown == expected.shown
        assert span.frame_count == len(expected.shown)
        assert start_ns <= span.start_ns <= span.first_pts_ns < span.end_ns <= end_ns

    before = [unit for unit in held if unit.pts_ns <= start_ns]
    on_show = max(before, key=lambda unit: unit.pts_ns) if before else held[0]
    assert ring.frame_at(start_ns) is on_show
    assert ring.newest() is max(held, key=lambda unit: unit.pts_ns)

    needed = ring.gop_of(start_ns)
    keyframes = [unit for unit in held if unit.is_keyframe and unit.pts_ns <= on_show.pts_ns]
    assert needed == held[held.index(keyframes[-1]) : held.index(on_show) + 1]
    assert ring.keyframes(start_ns, end_ns) == tuple(
        unit for unit in held if unit.is_keyframe and start_ns <= unit.pts_ns < end_ns
    )

    sequence = data.draw(st.integers(-1, len(stream.units)))
    assert ring.after(sequence) == tuple(unit for unit in held if unit.sequence > sequence)
    assert ring.lost_after(sequence) == sum(unit.sequence > sequence for unit in stream.units) - len(
        ring.after(sequence)
    )


@pytest.mark.parametrize("bframes", [0, 2, 3])
@pytest.mark.parametrize("gop", [1, 30, 60, 300])
def test_a_full_minute_at_thirty_frames_is_1800_frames_and_60_seconds(gop: int, bframes: int) -> None:
    """At whatever unit one looks once the ring is full; the rest is told by the held numbers."""
    stream = units(2500, 30, gop, bframes=bframes)
    ring = ring_of(stream[:2200])
    for unit in stream[2200:]:
        ring.append(unit)
        if bframes and ring.newest() is not unit:
            continue  # while a B-frame is still on its way, its place is a hole
        recent = ring.recent(60)
        if not bframes:
            assert (recent.frame_count, recent.duration_s) == (1800, 60.0)
        assert recent.duration_s == 60.0
        assert recent.oldest_pts_ns is not None
        assert recent.newest_pts_ns == ring.newest().pts_ns
        assert ring.held_s >= 60.0


@given(streams(), st.floats(0.2, 12), st.floats(0.2, 12))
def test_the_newest_seconds_are_counted_as_by_looking_at_everything(
    stream: Stream, seconds: float, asked_s: float
) -> None:
    """Frame count and bounds of the newest seconds, also with B-frames at the border."""
    ring = ring_of(stream.units, seconds)
    held, newest = ring.after(-1), ring.newest()
    from_ns = newest.pts_ns - round(asked_s * NS_PER_S) + (newest.duration_ns + 1) // 2
    counted = [unit.pts_ns for unit in held if unit.pts_ns >= max(from_ns, held[0].pts_ns)]
    recent = ring.recent(asked_s)
    assert (recent.frame_count, recent.newest_pts_ns) == (len(counted), newest.pts_ns)
    assert recent.oldest_pts_ns == min(counted, default=newest.pts_ns)
    assert recent.duration_s <= asked_s


def test_a_filling_ring_tells_what_it_has() -> None:
    """Three seconds after the start: three seconds."""
    recent = ring_of(units(90)).recent(60)
    assert recent == (90, 3.0, START_NS, units(90)[-1].pts_ns)


def test_an_empty_ring_says_so() -> None:
    """Nothing is made up where nothing is buffered."""
    ring = ring_of([])
    assert ring.recent(60) == (0, 0.0, None, None)
    assert (ring.held_s, ring.held_bytes, ring.held_frames) == (0.0, 0, 0)
    assert ring.after(-1) == ring.keyframes(0, START_NS) == ()
    assert ring.lost_after(-1) == 0
    lookups: tuple[Callable[[], object], ...] = (
        ring.newest,
        ring.oldest,
        ring.last,
        ring.newest_gop,
        lambda: ring.span(0, 1),
        lambda: ring.frame_at(0),
        lambda: ring.gop_of(0),
    )
    for lookup in lookups:
        with pytest.raises(BufferEmpty):
            lookup()


@pytest.mark.parametrize("bframes", [0, 2])
def test_a_ring_tells_where_it_begins_and_how_far_it_has_come(bframes: int) -> None:
    """The oldest keyframe, the unit that came last, and the GOP that is being received."""
    given_units = units(75, bframes=bframes)
    ring = ring_of(given_units)
    assert ring.oldest() is given_units[0]
    assert ring.last() is given_units[-1]
    assert ring.newest_gop() == tuple(given_units[60:])


def test_a_span_that_reaches_out_of_the_ring_is_clamped_to_it() -> None:
    """The answer says what is really covered."""
    ring = ring_of(units(60))
    span = ring.span(START_NS - 5 * NS_PER_S, START_NS + 50 * NS_PER_S)
    newest = ring.newest()
    assert (span.start_ns, span.end_ns) == (START_NS, newest.pts_ns + newest.duration_ns)
    assert span.frame_count == 60


def test_leading_pictures_of_an_open_gop_are_shown_only_while_the_gop_before_is_held() -> None:
    """They refer to it; without it they cannot be decoded."""
    first, second = units(4, gop=4), units(8, gop=4)[4:]
    leading = replace(second[1], pts_ns=second[0].pts_ns - FRAME_NS // 2, dts_ns=second[0].dts_ns)
    second[0] = replace(second[0], dts_ns=second[0].dts_ns - FRAME_NS // 2)
    leading = replace(leading, dts_ns=second[0].dts_ns)
    both = ring_of([*first, second[0], leading, *second[2:]])
    assert both.span(leading.pts_ns, leading.pts_ns + 1).units == (*first, second[0], leading)
    assert both.gop_of(leading.pts_ns) == (*first, second[0], leading)
    alone = ring_of([second[0], leading, *second[2:]])
    with pytest.raises(SpanOutsideBuffer):
        alone.span(leading.pts_ns, leading.pts_ns + 1)
    assert alone.frame_at(leading.pts_ns) is second[0]


def test_a_span_names_the_outages_it_bridges() -> None:
    """From the end of the last frame before to the first after; a seamless new run is none."""
    first = units(30)
    seamless_ns = START_NS + NS_PER_S
    second = units(30, start_ns=seamless_ns, run=1, sequence=30)
    third = units(30, start_ns=seamless_ns + 3 * NS_PER_S, run=2, sequence=60)
    span = ring_of([*first, *second, *third]).span(0, START_NS + 60 * NS_PER_S)
    assert span.gaps == ((second[-1].pts_ns + second[-1].duration_ns, third[0].pts_ns),)
    assert span.size_bytes == 90 * 100


def test_a_ring_counts_what_it_was_given_and_shows_where_a_span_begins() -> None:
    """The reader of a stream asks for what follows the last unit it has."""
    given_units = units(60, bframes=2)
    ring = ring_of(given_units)
    assert (ring_of([]).last_sequence, ring.last_sequence) == (-1, 59)
    span = ring.span(START_NS + NS_PER_S // 2, START_NS + NS_PER_S)
    assert (span.first_pts_ns, span.frame_count) == (START_NS + NS_PER_S // 2, 15)


def test_a_unit_shown_after_the_next_keyframe_is_decoded_from_the_one_before_it() -> None:
    """Damaged times: what is found begins with a keyframe all the same, and holds the unit."""
    first, second = units(4, gop=4), units(8, gop=4)[4:]
    late = replace(first[3], pts_ns=second[0].pts_ns + FRAME_NS // 2)
    ring = ring_of([*first[:3], late, *second])
    assert ring.gop_of(late.pts_ns) == (*first[:3], late)


def test_no_frame_is_found_behind_the_newest() -> None:
    """The error says at which end the span misses the ring."""
    ring = ring_of(units(60))
    with pytest.raises(SpanOutsideBuffer) as refused:
        ring.span(ring.newest().pts_ns + 1, ring.newest().pts_ns + NS_PER_S)
    assert refused.value.parameter == "start"


def test_bytes_win_over_seconds_and_the_oldest_gop_goes_first() -> None:
    """Counted, so that the operator learns that the minute is not a minute."""
    ring = ring_of(units(300, gop=10, size=100), seconds=60, max_bytes=5_500)
    assert shown_numbers(ring.after(-1)) == list(range(250, 300))
    assert ring.gops_evicted_by_bytes == 25


def test_a_gop_larger_than_the_bound_is_dropped_whole_and_counted() -> None:
    """Its remaining units are refused; the next keyframe starts afresh."""
    ring = ring_of(units(25, gop=20, size=100), max_bytes=1_000)
    assert shown_numbers(ring.after(-1)) == list(range(20, 25))
    assert (ring.gops_too_large, ring.lost_after(-1), ring.lost_after(9)) == (1, 20, 10)


def test_new_limits_hold_at_once() -> None:
    """A camera more in the house makes every share smaller."""
    ring = ring_of(units(300, gop=10, size=100))
    ring.set_limits(BufferSettings(60, 4_000))
    assert (ring.held_frames, ring.limits.max_bytes) == (40, 4_000)
    ring.set_limits(BufferSettings(1, 4_000))
    assert ring.held_frames == 30
    ring.set_limits(BufferSettings(1, 500))
    assert (ring.held_frames, ring.gops_too_large) == (0, 1)
    ring.set_limits(BufferSettings(1, 4_000))
    assert ring.recent(1).frame_count == 0


def test_a_span_outlives_the_ring_that_gave_it() -> None:
    """References, not positions: what is evicted later stays readable."""
    stream = units(60)
    ring = ring_of(stream)
    span = ring.span(stream[35].pts_ns, stream[50].pts_ns)
    for unit in units(300, start_ns=START_NS + 100 * NS_PER_S, run=1, sequence=60):
        ring.append(unit)
    assert span.units == tuple(stream[30:50])
    assert all(mine is theirs for mine, theirs in zip(span.units, stream[30:50], strict=True))


class _Counted(bytes):
    alive: ClassVar[int] = 0

    def __init__(self, *_: object) -> None:
        type(self).alive += 1

    def __del__(self) -> None:
        type(self).alive -= 1


def test_evicted_bytes_are_freed_at_once() -> None:
    """The memory held is the memory counted, though the lists are cut only now and then."""
    ring = RingBuffer(BufferSettings(2, 1 << 30))
    for unit in units(1000, gop=10):
        ring.append(replace(unit, data=_Counted(unit.data)))
        del unit
        assert _Counted.alive <= ring.held_frames + 1
    gc.collect()
    assert _Counted.alive == ring.held_frames


class _Ticking(int):
    """A dts that counts how often it is compared."""

    looks: ClassVar[int] = 0

    def __lt__(self, other: int) -> bool:
        type(self).looks += 1
        return int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        type(self).looks += 1
        return int(self) > int(other)

    def __ge__(self, other: int) -> bool:
        type(self).looks += 1
        return int(self) >= int(other)


def test_a_span_is_found_in_logarithmic_time() -> None:
    """Ten minutes of B-frames are searched by looking at a few dozen dts."""
    long = [replace(unit, dts_ns=_Ticking(unit.dts_ns)) for unit in units(18_000, gop=60, bframes=3)]
    ring = ring_of(long, seconds=4000)
    _Ticking.looks = 0
    ring.span(START_NS + 300 * NS_PER_S, START_NS + 330 * NS_PER_S)
    assert 5 < _Ticking.looks < 100
