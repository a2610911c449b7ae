"""Sound along a clip: where its frames lie, in both ways players have of telling."""

from itertools import pairwise
from operator import length_hint

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.bitstream.aac import silence
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.mp4.sound_cut import CopiedSound, Piece, Sound, SoundCut

NS_PER_S = 1_000_000_000
MONO = AudioFormat(48_000, 1, b"\x11\x88")
FRAME_NS = MONO.frame_ns
START_NS = 100 * NS_PER_S


def heard(*frames: float, sound: AudioFormat = MONO) -> list[AudioUnit]:
    """Units at these places, counted in frames from the start of the clip; each holds its own number."""
    return [
        AudioUnit(
            number, sound, START_NS + round(frame * 1024 * NS_PER_S / sound.sample_rate_hz), b"%d" % number
        )
        for number, frame in enumerate(frames)
    ]


def laid(units: list[AudioUnit], length_s: float = 10.0) -> list[Piece]:
    cut = SoundCut(units, START_NS, START_NS + round(length_s * NS_PER_S))
    return list(cut.before(START_NS + round(length_s * NS_PER_S)))


def numbers(pieces: list[Piece]) -> list[str]:
    return ["-" if piece.data == silence(MONO) else piece.data.decode() for piece in pieces]


def test_the_frame_before_the_first_is_kept_for_the_decoder() -> None:
    """AAC frames overlap: the first one heard needs its neighbour; what lies further back is left out."""
    pieces = laid(heard(-4.25, -3.25, -2.25, -1.25, -0.25, 0.75))
    assert numbers(pieces) == ["3", "4", "5"]
    assert [piece.pts for piece in pieces] == [-1280, -256, 768]


def test_silence_leads_up_to_sound_that_begins_later() -> None:
    """A player that goes by the order of frames must not play the first one at once."""
    pieces = laid(heard(2.5, 3.5))
    assert numbers(pieces) == ["-", "-", "-", "0", "1"]
    assert [piece.pts for piece in pieces] == [-512, 512, 1536, 2560, 3584]


def test_lost_frames_are_filled_with_as_many_silent_ones() -> None:
    """One lost packet or two: the order of frames stays the time."""
    assert numbers(laid(heard(0, 1, 3, 4, 7, 8))) == ["0", "1", "-", "2", "3", "-", "-", "4", "5"]


def test_after_an_outage_the_sound_is_where_it_belongs() -> None:
    """Its own time is exact; played in order it is off by half a frame at most."""
    pieces = laid(heard(0, 1, 100.4, 101.4))
    assert numbers(pieces) == ["0", "1"] + ["-"] * 98 + ["2", "3"]
    assert pieces[-2].pts == round(100.4 * 1024)


def test_a_trembling_clock_neither_loses_nor_adds_a_frame() -> None:
    """Cameras that stamp sound when they get round to it are off by milliseconds, to and fro."""
    pieces = laid(heard(*(number + (0.3 if number % 2 else -0.3) for number in range(200))), 5)
    assert "-" not in numbers(pieces)
    assert all(abs(after.pts - before.pts - 1024) <= 1 for before, after in pairwise(pieces))


def test_a_doubled_stretch_is_left_out() -> None:
    """A camera that sends its last second again on reconnecting is not heard twice."""
    assert numbers(laid(heard(0, 1, 2, 3, 0, 1, 2, 3, 4, 5))) == ["0", "1", "2", "3", "8", "9"]


def apart_s(pieces: list[Piece], units: list[AudioUnit]) -> tuple[float, float]:
    """How far off frames are at worst: by the times in the file, and played one behind the other."""
    by_time = in_order = 0.0
    for index, piece in enumerate(pieces):
        if piece.data == silence(MONO):
            continue
        true = (units[int(piece.data)].pts_ns - START_NS) * 48_000 / NS_PER_S
        by_time = max(by_time, abs(piece.pts - true) / 48_000)
        in_order = max(in_order, abs(pieces[0].pts + 1024 * index - true) / 48_000)
    return by_time, in_order


@pytest.mark.parametrize("ppm", [-2000, -500, -50, 50, 500, 2000])
def test_a_drifting_clock_keeps_both_tellings_within_20_ms(ppm: int) -> None:
    """Ten minutes of it: for players that go by times, and for those that play frame behind frame."""
    units = heard(*(number * (1 + ppm / 1e6) for number in range(28_000)))
    pieces = laid(units, 602)
    by_time, in_order = apart_s(pieces, units)
    assert by_time <= 0.016
    assert in_order <= 0.020
    silent = numbers(pieces).count("-")
    changed = silent if ppm > 0 else len(units) - len(pieces)
    assert changed == pytest.approx(28_000 * abs(ppm) / 1e6, abs=1.5)


def test_a_step_of_less_than_a_frame_is_made_up_for_soon() -> None:
    """A report that moves the clock by 17 ms: a third of a second later both tellings fit again."""
    units = heard(*range(100), *(number + 0.8 for number in range(100, 200)))
    pieces = laid(units, 5)
    assert numbers(pieces).count("-") == 1
    later = [piece for piece in pieces if piece.data != silence(MONO)][115:]
    assert all(abs(1024 * pieces.index(piece) - piece.pts) < 0.006 * 48_000 for piece in later)


def test_another_format_in_the_middle_is_left_out() -> None:
    """A track has one; the next clip begins with the new one."""
    other = AudioFormat(16_000, 1, b"\x14\x08")
    units = [*heard(0, 1, 2), *heard(1.5, 2.5, sound=other)]
    assert numbers(laid(units)) == ["0", "1", "2"]


@pytest.mark.parametrize("units", [[], heard(-5, -4), heard(1000)], ids=["none", "before", "behind"])
def test_without_a_frame_inside_there_is_no_track(units: list[AudioUnit]) -> None:
    """An empty track would confuse players."""
    cut = SoundCut(units, START_NS, START_NS + NS_PER_S)
    assert (cut.format, list(cut.before(START_NS + NS_PER_S))) == (None, [])


@given(
    st.lists(st.floats(-0.5, 6), min_size=1, max_size=60),
    st.floats(-3, 40),
    st.sampled_from([8000, 16000, 48000]),
)
def test_any_sound_gives_rising_times_and_no_more_pieces_than_announced(
    steps: list[float], first: float, rate_hz: int
) -> None:
    """The muxer takes nothing else, and the file's head is reserved before."""
    places, at = [], first
    for step in steps:
        places.append(at)
        at += step
    units = heard(*sorted(places), sound=AudioFormat(rate_hz, 1, b""))
    sound = Sound(units, START_NS)
    cut = SoundCut(sound, START_NS, START_NS + 3600 * NS_PER_S)
    pieces = list(cut.before(START_NS + 3600 * NS_PER_S))
    assert len(pieces) <= length_hint(sound) == cut.most_pieces
    assert all(before.pts < after.pts for before, after in pairwise(pieces))


def test_sound_that_is_laid_already_is_handed_out_as_its_pictures_are_written() -> None:
    """A clean form copies the pieces of its clip; their times stay."""
    pieces = [Piece(b"%d" % number, 1024 * number - 512) for number in range(5)]
    sound = CopiedSound(MONO, iter(pieces), 5)
    assert (sound.format, sound.most_pieces) == (MONO, 5)
    assert list(sound.before(0)) == pieces[:1]
    assert list(sound.before(FRAME_NS)) == pieces[1:2]
    assert list(sound.before(FRAME_NS)) == []
    assert list(sound.before(3600 * NS_PER_S)) == pieces[2:]
    assert list(CopiedSound(MONO, iter(()), 0).before(NS_PER_S)) == []


def test_the_pieces_announced_are_enough_for_the_silence_that_is_put_in() -> None:
    """In front of sound that begins later, and within."""
    units = heard(100, 101, 300, 301)
    sound = Sound(units, START_NS)
    assert list(sound) == units
    assert len(laid(units)) == 302 <= length_hint(sound) <= 320


def test_no_sound_announces_no_piece() -> None:
    """Nothing is reserved for it."""
    assert length_hint(Sound([], START_NS)) == 0


def test_sound_that_comes_late_is_taken_when_it_is_there() -> None:
    """A recording under way: its units end for now, and go on at the next picture."""
    more: list[AudioUnit] = heard(0, 1)

    class Growing:
        def __iter__(self) -> "Growing":
            return self

        def __next__(self) -> AudioUnit:
            if not more:
                raise StopIteration
            return more.pop(0)

    cut = SoundCut(Growing(), START_NS, START_NS + NS_PER_S)
    assert numbers(list(cut.before(START_NS + NS_PER_S))) == ["0", "1"]
    assert list(cut.before(START_NS + NS_PER_S)) == []
    more += heard(0, 0, 2)[2:]
    assert numbers(list(cut.before(START_NS + NS_PER_S))) == ["2"]
