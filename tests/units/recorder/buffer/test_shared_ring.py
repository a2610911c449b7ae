"""The ring behind its lock: readers on other threads see whole states only."""

import threading

from recorder.base.errors import SpanOutsideBuffer
from recorder.base.settings import BufferSettings
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing, LockedSound
from recorder.buffer.sound_ring import SoundRing
from tests.support.fakes import NS_PER_S, units


def test_every_lookup_answers_as_the_ring_itself() -> None:
    """The lock adds nothing and takes nothing away."""
    ring = RingBuffer(BufferSettings(seconds=60))
    given = units(90)
    for unit in given:
        ring.append(unit)
    locked = LockedRing(ring, threading.Lock())
    start_ns, middle_ns = given[0].pts_ns, given[45].pts_ns
    assert locked.edges() == (given[0], given[-1])
    assert locked.newest() is given[-1]
    assert locked.last_dts_ns() == given[-1].dts_ns
    assert locked.current_gop() == tuple(given[60:])
    assert locked.after(given[87].sequence) == tuple(given[88:])
    assert locked.lost_after(given[0].sequence) == 0
    assert locked.frame_at(middle_ns) is given[45]
    assert locked.gop_of(middle_ns) == tuple(given[30:46])
    assert locked.keyframes(start_ns, middle_ns) == (given[0], given[30])
    assert locked.span(start_ns, middle_ns).units == tuple(given[:45])


def test_a_pin_counts_until_it_is_let_go() -> None:
    """A span and its pin are taken in one step, so nothing can be evicted between the two."""
    ring = RingBuffer(BufferSettings(seconds=1))
    given = units(150, gop=10)
    for unit in given[:60]:
        ring.append(unit)
    lock = threading.Lock()
    locked, sound = LockedRing(ring, lock), SoundRing()
    sound.append(AudioUnit(0, AudioFormat(48_000, 1, b""), given[41].pts_ns, b"heard"))
    span, heard, pin = locked.pin(given[40].pts_ns, given[60].pts_ns, "", LockedSound(sound, lock))
    for unit in given[60:]:
        ring.append(unit)
    assert [unit.data for unit in heard] == [b"heard"]
    assert ring.pinned_bytes == span.size_bytes + len(b"heard")
    locked.unpin(pin)
    assert ring.pinned_bytes == 0


def test_readers_never_see_a_torn_ring() -> None:
    """While units come in, every span read is a whole one: it begins with a keyframe and has no hole."""
    ring = RingBuffer(BufferSettings(seconds=2))
    lock = threading.Lock()
    locked = LockedRing(ring, lock)
    given = units(6000, gop=15)
    broken: list[str] = []
    for unit in given[:60]:
        ring.append(unit)
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            oldest, newest = locked.edges()
            try:
                taken = locked.span(oldest.pts_ns + NS_PER_S, newest.pts_ns).units
            except SpanOutsideBuffer:
                continue  # the writer overtook this reader by two seconds of units
            sequences = [unit.sequence for unit in taken]
            if not taken[0].is_keyframe or sequences != list(range(sequences[0], sequences[-1] + 1)):
                broken.append(f"{sequences[:3]}…")

    reader = threading.Thread(target=read)
    reader.start()
    for unit in given[60:]:
        with lock:
            ring.append(unit)
    done.set()
    reader.join(timeout=5)
    assert not broken
