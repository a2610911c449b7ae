"""Sender reports that move the clock: the pictures must not notice."""

from fractions import Fraction
from itertools import pairwise

import pytest

from recorder.sources.rtsp.clock import (
    HOLD_NS,
    EarliestArrival,
    FirstReport,
    SoundAlignment,
    VideoStepFilter,
)

TICK = Fraction(1, 90_000)
NS_PER_S = 1_000_000_000
FRAME = 3000


def told(steady: VideoStepFilter, times: list[int], begun: int = 0, frame: int = FRAME) -> list[int]:
    """The mended times of pictures that arrive one frame apart."""
    mended = []
    for number, pts in enumerate(times):
        arrival_ns = (begun + number) * NS_PER_S * frame // 90_000
        mended.append(pts + steady.note(pts, arrival_ns))
    return mended


@pytest.mark.parametrize("step", [1, -1, 40, -900, 1400])
def test_a_report_that_moves_the_clock_moves_no_picture(step: int) -> None:
    """From a rounding of 11 µs to 15 ms, a constant rate stays constant."""
    true = [number * FRAME for number in range(100)]
    assert told(VideoStepFilter(TICK), [pts + (step if n >= 50 else 0) for n, pts in enumerate(true)]) == true


def test_reports_every_few_seconds_for_an_hour_leave_a_constant_rate() -> None:
    """Each moves the clock a little; what is taken out is what the sound is moved by."""
    true = [number * FRAME for number in range(30 * 3600)]
    moved = [pts + n // 150 * 3 for n, pts in enumerate(true)]
    steady = VideoStepFilter(TICK)
    assert told(steady, moved) == true
    assert steady.shift == -((len(true) - 1) // 150 * 3)


def test_b_frames_stay_on_the_grid() -> None:
    """Their times go to and fro by whole frames."""
    order = [0, 3, 1, 2, 6, 4, 5]
    true = [pts * FRAME for base in range(0, 300, 6) for pts in (base + n for n in order[1:])]
    assert told(VideoStepFilter(TICK), [pts + (7 if n >= 90 else 0) for n, pts in enumerate(true)]) == true


def test_a_wall_clock_that_is_set_is_no_jump_of_the_pictures() -> None:
    """An hour within one frame is nothing that happened in the picture."""
    true = [number * FRAME for number in range(100)]
    assert (
        told(VideoStepFilter(TICK), [pts + (3600 * 90_000 if n >= 50 else 0) for n, pts in enumerate(true)])
        == true
    )


def test_lost_pictures_stay_lost() -> None:
    """A hole in which time did pass is a hole."""
    steady = VideoStepFilter(TICK)
    told(steady, [number * FRAME for number in range(50)])
    assert told(steady, [n * FRAME for n in range(80, 100)], begun=80) == [n * FRAME for n in range(80, 100)]


def test_a_varying_rate_is_left_alone() -> None:
    """Where there is no grid, nothing can be told from the camera's own times."""
    times = [number * 3000 + (number * 7919) % 1300 for number in range(200)]
    assert told(VideoStepFilter(TICK), times) == times


def test_a_camera_that_changes_its_rate_gets_a_new_grid() -> None:
    """30 to 25 frames a second: no picture is moved by more than the first few steps say."""
    times = [n * 3000 for n in range(60)]
    times += [times[-1] + n * 3600 for n in range(1, 120)]
    mended = told(VideoStepFilter(TICK), times)
    assert [b - a for a, b in pairwise(mended[80:])] == [3600] * (len(times) - 81)


def test_sound_waits_for_the_reports_and_then_believes_the_arrivals() -> None:
    """Reports put both on one clock; without them the packets least delayed must do."""
    alignment = SoundAlignment()
    alignment.video.note(0, 1_000_000_000)
    alignment.sound.note(5_000_000_000, 6_250_000_000)
    assert alignment.offset_ns(reported=False, now_ns=7 * NS_PER_S) is None
    assert alignment.offset_ns(reported=False, now_ns=7 * NS_PER_S + HOLD_NS) == 250_000_000
    alignment.sound.note(5_000_000_000, 6_240_000_000)
    assert alignment.offset_ns(reported=False, now_ns=20 * NS_PER_S) == 250_000_000
    assert alignment.offset_ns(reported=True, now_ns=21 * NS_PER_S) == 0


def test_the_earliest_arrival_forgets_after_a_minute() -> None:
    """Clocks drift; what was early an hour ago says nothing."""
    earliest = EarliestArrival()
    earliest.note(0, 10)
    earliest.note(0, 1000)
    assert earliest.zero_ns == 10
    earliest.note(0, 31 * NS_PER_S)
    earliest.note(0, 62 * NS_PER_S)
    assert earliest.zero_ns == 31 * NS_PER_S


PACKET_NS = 20_000_000


@pytest.mark.parametrize("moved_ns", [-1_700_000_000, -30_000_000, 0, 12_000_000, 900_000_000])
def test_what_came_before_the_first_report_moves_with_it(moved_ns: int) -> None:
    """The sound's own beginning is not the pictures'; the report says how far they are apart, once."""
    first = FirstReport()
    assert [first.note(number * PACKET_NS, reported=False) for number in range(50)] == [0] * 50
    assert first.note(50 * PACKET_NS + moved_ns, reported=True) == moved_ns
    later = [first.note(number * PACKET_NS + moved_ns, reported=True) for number in range(51, 99)]
    assert later == [0] * 48


def test_a_lost_packet_before_the_report_is_no_move() -> None:
    """The smallest distance of the last packets is the length of one."""
    first = FirstReport()
    for number in (0, 1, 2, 3, 5, 6, 9):
        assert first.note(number * PACKET_NS, reported=False) == 0
    assert first.note(10 * PACKET_NS + 400_000_000, reported=True) == 400_000_000


def test_sound_that_begins_behind_the_report_is_not_moved() -> None:
    """Its first packet is on the right clock already."""
    first = FirstReport()
    assert first.note(5 * NS_PER_S, reported=True) == 0
    assert first.note(5 * NS_PER_S + PACKET_NS, reported=True) == 0


def test_a_report_for_the_sound_alone_leaves_it_where_the_arrivals_put_it() -> None:
    """Its clock is set by two seconds, the pictures' report is still to come: nothing is heard elsewhere."""
    alignment = SoundAlignment()
    alignment.video.note(0, 1_000_000_000)
    alignment.sound.note(0, 1_100_000_000)
    assert alignment.offset_ns(reported=False, now_ns=0) is None
    assert alignment.offset_ns(reported=False, now_ns=HOLD_NS) == 100_000_000
    alignment.move_sound(2 * NS_PER_S)
    alignment.sound.note(7 * NS_PER_S, 6_100_000_000)
    assert alignment.offset_ns(reported=False, now_ns=HOLD_NS + 1) == 100_000_000 - 2 * NS_PER_S
    assert alignment.sound.zero_ns == 1_100_000_000 - 2 * NS_PER_S
