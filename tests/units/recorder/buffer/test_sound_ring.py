"""Sound beside the ring: as far back as the pictures, within its share of their bytes."""

from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.buffer.sound_ring import LEAD_NS, SoundRing

NS_PER_S = 1_000_000_000
MONO = AudioFormat(48_000, 1, b"\x11\x88")


def filled(count: int, size: int = 100) -> SoundRing:
    ring = SoundRing()
    for number in range(count):
        ring.append(AudioUnit(number, MONO, number * MONO.frame_ns, bytes(size)))
    return ring


def picture(pts_ns: int) -> AccessUnit:
    return AccessUnit(0, 0, Epoch(Codec.H264, 64, 64, b""), True, pts_ns, pts_ns, 1, b"")


def test_it_goes_back_as_far_as_the_oldest_picture_and_its_lead() -> None:
    """What no clip can reach is given up, with its bytes."""
    ring = filled(500)
    ring.trim(picture(5 * NS_PER_S), 1 << 30)
    kept = ring.after(-1)
    assert kept[0].pts_ns >= 5 * NS_PER_S - LEAD_NS > kept[0].pts_ns - MONO.frame_ns
    assert ring.held_bytes == 100 * len(kept)


def test_it_takes_no_more_than_an_eighth_of_the_bound() -> None:
    """Sound that is a flood must not push the pictures out."""
    ring = filled(1000, 1000)
    ring.trim(picture(0), 80_000)
    assert ring.held_bytes == 10_000
    assert ring.after(-1)[-1].sequence == 999


def test_a_span_comes_with_its_lead_and_after_with_what_is_new() -> None:
    """Cuts ask by time, recordings by number."""
    ring = filled(200)
    span = ring.span(NS_PER_S, 2 * NS_PER_S)
    assert NS_PER_S - LEAD_NS <= span[0].pts_ns < NS_PER_S
    assert span[-1].pts_ns < 2 * NS_PER_S <= span[-1].end_ns
    assert [unit.sequence for unit in ring.after(197)] == [198, 199]
    assert ring.newest_end_ns == 200 * MONO.frame_ns
    assert ring.format == MONO


def test_an_empty_one_answers_with_nothing() -> None:
    """Most cameras have no sound."""
    ring = SoundRing()
    ring.trim(picture(0), 1000)
    assert (ring.format, ring.newest_end_ns, ring.after(-1), ring.span(0, NS_PER_S)) == (None, None, (), ())
