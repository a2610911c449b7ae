"""Pins: what replays keep never costs the ring anything, and has a bound of its own."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.errors import Busy, SpanOutsideBuffer
from recorder.base.settings import BufferSettings
from recorder.bitstream.access_unit import AccessUnit
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.buffer.pins import Pin
from recorder.buffer.ring_buffer import RingBuffer
from tests.support.fakes import units

MAX_BYTES = 10_000
MOST_PINNED_BYTES = 2_500
STREAM = units(400, gop=10, size=100)
"""40 GOPs of 1000 bytes each."""


def ring_of(count: int = 100) -> RingBuffer:
    """The first `count` units."""
    ring = RingBuffer(BufferSettings(60, MAX_BYTES))
    feed(ring, 0, count)
    return ring


def feed(ring: RingBuffer, first: int, end: int) -> None:
    for unit in STREAM[first:end]:
        ring.append(unit)


def pin(ring: RingBuffer, first: int, end: int, owner: str = "") -> Pin:
    return ring.pin(ring.span(STREAM[first].pts_ns, STREAM[end].pts_ns), owner)


def test_what_a_pin_shares_with_the_ring_costs_nothing() -> None:
    """A look back over all of the buffer is free until the buffer moves on."""
    ring = ring_of()
    pin(ring, 0, 99)
    assert (ring.pinned_bytes, ring.held_bytes) == (0, MAX_BYTES)


def test_what_only_pins_hold_counts_once_until_the_last_is_released() -> None:
    """Two looks at the same seconds share their bytes."""
    ring = ring_of()
    first, second = pin(ring, 0, 20), pin(ring, 0, 20)
    feed(ring, 100, 200)
    assert (ring.pinned_bytes, ring.held_bytes) == (2_000, MAX_BYTES)
    ring.unpin(first)
    assert ring.pinned_bytes == 2_000
    ring.unpin(second)
    ring.unpin(second)
    assert ring.pinned_bytes == 0


def test_pins_beyond_the_bound_are_let_go_and_counted() -> None:
    """The ring is never shortened for them; the units are free at once."""
    ring = ring_of()
    kept = pin(ring, 0, 60)
    feed(ring, 100, 120)
    assert (ring.pinned_bytes, ring.pins_let_go, kept.units is None) == (2_000, 0, False)
    feed(ring, 120, 140)
    assert (ring.pinned_bytes, ring.pins_let_go, kept.units) == (0, 1, None)
    assert ring.held_bytes == MAX_BYTES


def test_the_oldest_pin_of_the_owner_who_keeps_most_is_let_go() -> None:
    """One session that looks back again and again never costs another one its replay."""
    ring = ring_of()
    modest = pin(ring, 0, 10, "modest")
    oldest, newer = pin(ring, 10, 20, "greedy"), pin(ring, 20, 30, "greedy")
    feed(ring, 100, 140)
    assert [kept.units is None for kept in (modest, oldest, newer)] == [False, True, False]
    assert ring.pinned_bytes == 2_000


def test_a_smaller_ring_keeps_less_for_replays_at_once() -> None:
    """Also where more cameras now share the memory."""
    ring = ring_of()
    kept = pin(ring, 0, 20)
    feed(ring, 100, 120)
    ring.set_limits(BufferSettings(60, 4_000))
    assert (ring.pinned_bytes, kept.units) == (0, None)


def test_sound_counts_with_the_pictures_it_is_kept_for() -> None:
    """Its bytes are kept beside the ring of pictures from the start."""
    ring = ring_of()
    heard = (AudioUnit(0, AudioFormat(48_000, 1, b""), STREAM[0].pts_ns, b"x" * 70),)
    kept = ring.pin(ring.span(STREAM[0].pts_ns, STREAM[10].pts_ns), "", heard)
    assert (ring.pinned_bytes, kept.sound) == (70, heard)
    ring.unpin(kept)
    assert ring.pinned_bytes == 0


@pytest.mark.parametrize("later", [195, 0])
def test_units_that_have_left_the_ring_before_the_pin_count_whole(later: int) -> None:
    """They are held by the span alone."""
    ring = ring_of(50)
    span = ring.span(STREAM[0].pts_ns, STREAM[15].pts_ns)
    feed(ring, 50, 100 + later)
    if not later:
        ring.set_limits(BufferSettings(60, 500))
        ring.set_limits(BufferSettings(60, MAX_BYTES))
    kept = ring.pin(span)
    assert ring.pinned_bytes == 1_500
    ring.unpin(kept)
    assert ring.pinned_bytes == 0


def test_a_span_that_alone_is_too_much_is_refused() -> None:
    """It would be let go in the same moment."""
    ring = ring_of(50)
    span = ring.span(STREAM[0].pts_ns, STREAM[45].pts_ns)
    feed(ring, 50, 250)
    with pytest.raises(Busy, match="quarter"):
        ring.pin(span)
    assert ring.pinned_bytes == 0


@dataclass
class Life:
    """A ring with viewers, and the same ring without."""

    watched: RingBuffer = field(default_factory=lambda: RingBuffer(BufferSettings(60, MAX_BYTES)))
    alone: RingBuffer = field(default_factory=lambda: RingBuffer(BufferSettings(60, MAX_BYTES)))
    pins: list[Pin] = field(default_factory=list)

    def append(self, unit: AccessUnit) -> None:
        self.watched.append(unit)
        self.alone.append(unit)

    def pin(self, part: float, owner: str) -> None:
        oldest, newest = self.watched.oldest().pts_ns, self.watched.newest().pts_ns
        try:
            span = self.watched.span(oldest + round(part * (newest - oldest)), newest)
        except SpanOutsideBuffer:
            return
        self.pins.append(self.watched.pin(span, owner))

    def kept_bytes(self) -> int:
        """What only pins hold, by looking at every unit of every GOP they hold a part of."""
        held = {unit.sequence for unit in self.watched.after(-1)}
        gops = {gop.first: gop.size_bytes for pin in self.pins for gop in pin.gops if gop.evicted}
        units_kept = {unit.sequence: len(unit.data) for pin in self.pins for unit in pin.units or ()}
        beyond = sum(size for sequence, size in units_kept.items() if sequence not in held)
        assert beyond <= sum(gops.values())
        return sum(gops.values())


_ROUND = st.tuples(st.integers(1, 60), st.floats(0, 1), st.sampled_from("abc"), st.integers(0, 9))
"""Units that come, the part of the ring that is not pinned then, whose pin it is, which pin is released."""


@given(st.integers(1, 15), st.integers(100, 600), st.lists(_ROUND, min_size=3, max_size=15))
def test_no_viewer_shortens_the_ring_and_pins_stay_within_their_bound(
    gop: int, size: int, rounds: list[tuple[int, float, str, int]]
) -> None:
    """Whatever is pinned and released: the ring holds what it would hold without, pins a quarter at most."""
    life, coming = Life(), iter(units(1000, gop=gop, size=size))
    for count, part, owner, released in rounds:
        for _ in range(count):
            life.append(next(coming))
        if life.alone.held_frames:
            life.pin(part, owner)
        if released < len(life.pins):
            life.watched.unpin(life.pins.pop(released))
        assert life.watched.after(-1) == life.alone.after(-1)
        assert life.watched.pinned_bytes == life.kept_bytes() <= MOST_PINNED_BYTES
