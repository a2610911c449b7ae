"""The timeline: one line for all runs, exact distances inside a run, true to the host's time over weeks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.bitstream.access_unit import AccessUnit, SourceUnit
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit, SourceAudio
from recorder.capture.timeline import SETTLE_LIMIT_NS, SETTLE_NS, Timeline
from tests.support.fakes import EPOCH, NS_PER_S, OTHER_EPOCH, payload, shown_numbers, source_units

T0 = 1000 * NS_PER_S
FRAME_NS = NS_PER_S // 30
MONO = AudioFormat(48_000, 1, b"\x11\x88")


def place(given_units: Iterable[SourceUnit], timeline: Timeline | None = None) -> list[AccessUnit]:
    """One connection from its beginning to its end."""
    timeline = timeline or Timeline()
    placed = timeline.begin_run()
    for unit in given_units:
        placed += timeline.place(unit)
    return placed + timeline.flush()


def pts(unit: AccessUnit) -> int:
    return unit.pts_ns


def distances(placed: Iterable[AccessUnit]) -> set[int]:
    """The distances of neighbouring frames in display order."""
    return {b - a for a, b in pairwise(sorted(map(pts, placed)))}


def shifted(given_units: list[SourceUnit], ticks: int, ns: int = 0) -> list[SourceUnit]:
    """The same units stamped `ticks` later and arriving `ns` later."""
    return [
        replace(
            unit,
            pts=None if unit.pts is None else unit.pts + ticks,
            dts=None if unit.dts is None else unit.dts + ticks,
            arrival_ns=unit.arrival_ns + ns,
        )
        for unit in given_units
    ]


@pytest.mark.parametrize("bframes", [0, 2, 3])
@pytest.mark.parametrize("fps", [30, 25, Fraction(30_000, 1001)])
def test_a_constant_rate_stays_constant_to_the_nanosecond(fps: Fraction | int, bframes: int) -> None:
    """Rounded once from integer ticks, never summed."""
    placed = place(source_units(3000, fps, bframes=bframes))
    step_ns = NS_PER_S / Fraction(fps)
    first_ns = min(unit.pts_ns for unit in placed)
    for index, pts_ns in enumerate(sorted(unit.pts_ns for unit in placed)):
        assert abs(pts_ns - first_ns - index * step_ns) <= 1
    assert [unit.sequence for unit in placed] == list(range(3000))
    assert shown_numbers(sorted(placed, key=pts)) == list(range(3000))


@pytest.mark.parametrize("bframes", [0, 3])
def test_no_frame_is_labelled_later_than_it_arrived(bframes: int) -> None:
    """With B-frames the anchors are sent ahead of their turn; the label still names the past."""
    sent = source_units(90, bframes=bframes)
    for unit, source in zip(place(sent), sent, strict=True):
        assert unit.pts_ns <= source.arrival_ns
        assert source.arrival_ns - unit.pts_ns < 6 * FRAME_NS


def test_the_first_second_arrives_in_a_burst_and_still_gets_true_times() -> None:
    """A demuxer hands over what it read while probing at once; the units after it tell the truth."""
    sent = source_units(90)
    late = [replace(unit, arrival_ns=max(unit.arrival_ns, T0 + NS_PER_S)) for unit in sent]
    placed = place(late)
    assert [unit.pts_ns for unit in placed] == [unit.arrival_ns for unit in sent]


@pytest.mark.parametrize("nameless", [0, 1])
def test_a_machine_that_is_busy_starting_puts_no_label_into_the_future(nameless: int) -> None:
    """The first frames are read late, each a little less; what is known in the middle of that is not true."""
    sent = source_units(150)
    late = [
        replace(u, arrival_ns=u.arrival_ns + max(0, 600_000_000 - 20_000_000 * i)) for i, u in enumerate(sent)
    ]
    late[:nameless] = [replace(unit, pts=None, dts=None) for unit in late[:nameless]]
    placed = place(late)
    assert [unit.pts_ns for unit in placed] == [unit.arrival_ns for unit in sent]


def test_a_run_that_never_becomes_steady_is_held_for_two_seconds_and_no_longer() -> None:
    """A camera whose clock runs slow looks the same for ever, and slewing is made for it."""
    timeline = Timeline()
    timeline.begin_run()
    sent = source_units(100)
    faster = [replace(u, arrival_ns=T0 + (u.arrival_ns - T0) * 9 // 10) for u in sent]
    counts = [len(timeline.place(unit)) for unit in faster]
    assert next(u.arrival_ns for u, count in zip(faster, counts, strict=True) if count) == pytest.approx(
        T0 + SETTLE_LIMIT_NS, abs=FRAME_NS
    )
    assert sum(counts) == 100


def test_units_come_out_at_once_when_a_run_has_settled() -> None:
    """Half a second after the first unit; nothing before, everything then."""
    timeline = Timeline()
    timeline.begin_run()
    counts = [len(timeline.place(unit)) for unit in source_units(20)]
    assert counts == [0] * 15 + [16, 1, 1, 1, 1]
    assert source_units(16)[-1].arrival_ns - T0 == SETTLE_NS


def test_flush_gives_out_what_was_held_when_the_connection_ends() -> None:
    """Short connections lose nothing, nor does one that ends by a new one beginning."""
    timeline = Timeline()
    for unit in source_units(5):
        assert timeline.place(unit) == []
    assert len(timeline.flush()) == 5
    assert timeline.flush() == []
    timeline.begin_run()
    timeline.place(source_units(1, arrival_ns=T0 + NS_PER_S)[0])
    assert len(timeline.begin_run()) == 1


def test_holding_is_bounded_by_count_too() -> None:
    """A flood without end of one moment is not held without end."""
    timeline = Timeline()
    flood = [replace(unit, arrival_ns=T0) for unit in source_units(1100, 90_000)]
    assert sum(len(timeline.place(unit)) for unit in flood) == 1100


def test_connections_that_bring_nothing_use_up_no_run() -> None:
    """Runs count what was there, not what was tried."""
    timeline = Timeline()
    for _ in range(3):
        timeline.begin_run()
    assert {unit.run for unit in place(source_units(3), timeline)} == {0}
    later = place(source_units(3, arrival_ns=T0 + 5 * NS_PER_S), timeline)
    assert {unit.run for unit in later} == {1}
    assert timeline.discontinuities == 0


@pytest.mark.parametrize("ppm", [100, -100])
def test_a_week_of_a_camera_clock_off_by_100_ppm_keeps_labels_within_a_fifth_of_a_second(ppm: int) -> None:
    """60 s of drift are slewed away; the same run, and no frame is lost."""
    timeline = Timeline()
    worst_ns = count = 0
    stretch = 1_000_000 / (1_000_000 + ppm)
    time_base = Fraction(1, 90_000)
    for index in range(7 * 24 * 60):
        arrival_ns = T0 + round(index * 60 * NS_PER_S * stretch)
        ticks = index * 60 * 90_000
        unit = SourceUnit(b"x", EPOCH, True, ticks, ticks, time_base, 60 * 90_000, arrival_ns)
        for placed in timeline.place(unit):
            true_ns = T0 + round(placed.sequence * 60 * NS_PER_S * stretch)
            worst_ns = max(worst_ns, abs(placed.pts_ns - true_ns))
            count += 1
    assert worst_ns < 200_000_000
    assert (count, timeline.run, timeline.discontinuities) == (7 * 24 * 60, 0, 0)


def test_the_map_has_slope_one_while_it_is_good_enough() -> None:
    """Jitter and small drift leave distances exactly the camera's."""
    jitter = [0, 30_000_000, 5_000_000, 70_000_000, 1_000_000]
    sent = source_units(9000, ppm=50)
    noisy = [replace(unit, arrival_ns=unit.arrival_ns + jitter[i % 5]) for i, unit in enumerate(sent)]
    assert distances(place(noisy)) == {FRAME_NS, FRAME_NS + 1}


def test_slewing_never_exceeds_500_ppm() -> None:
    """A network path that gets 300 ms longer for good is followed gently, and then left alone."""
    step_ns = NS_PER_S // 6
    sent = source_units(6 * 720, 6)
    longer = [
        replace(u, arrival_ns=u.arrival_ns + (0 if i < 180 else 300_000_000)) for i, u in enumerate(sent)
    ]
    placed = place(longer)
    steps = [b.pts_ns - a.pts_ns for a, b in pairwise(placed)]
    assert max(steps) <= step_ns + 1 + step_ns // 2000 + 1
    assert min(steps) >= step_ns
    assert abs(longer[-1].arrival_ns - placed[-1].pts_ns) <= 5_000_000
    assert set(steps[-180:]) == {step_ns, step_ns + 1}


def test_slewing_back_keeps_dts_from_falling() -> None:
    """A run that settled on late units moves towards the past by stretching less, never by a step."""
    step_ns = NS_PER_S // 10
    sent = source_units(10 * 300, 10)
    late = shifted(sent[:20], 0, 100_000_000) + sent[20:]
    placed = place(late)
    assert min(b.dts_ns - a.dts_ns for a, b in pairwise(placed)) >= step_ns - step_ns // 2000 - 1
    assert abs(placed[-1].pts_ns - sent[-1].arrival_ns) <= 5_000_000


@pytest.mark.parametrize("jump_s", [5, -5])
def test_a_jump_of_dts_ends_the_run_and_the_next_keyframe_begins_another(jump_s: int) -> None:
    """The camera's clock was set; on our line the frames go on without a hole."""
    timeline = Timeline()
    sent = source_units(120)
    placed = place([*sent[:90], *shifted(sent[90:], jump_s * 90_000)], timeline)
    assert [unit.run for unit in placed] == [0] * 90 + [1] * 30
    assert distances(placed) == {FRAME_NS, FRAME_NS + 1}
    assert (timeline.discontinuities, timeline.units_before_keyframe) == (1, 0)


def test_units_after_a_jump_inside_a_gop_wait_for_a_keyframe() -> None:
    """They refer to what may be missing; each is counted."""
    timeline = Timeline()
    sent = source_units(120)
    placed = place([*sent[:75], *shifted(sent[75:], 500_000)], timeline)
    assert shown_numbers(placed) == [*range(75), *range(90, 120)]
    assert placed[75].is_keyframe
    assert timeline.units_before_keyframe == 15


def test_one_wild_timestamp_costs_a_gop_and_not_the_camera() -> None:
    """There and back are two borders; then everything is as before."""
    timeline = Timeline()
    sent = source_units(120)
    sent[40] = shifted([sent[40]], 1 << 40)[0]
    placed = place(sent, timeline)
    assert shown_numbers(placed) == [*range(40), *range(60, 120)]
    assert timeline.discontinuities == 2
    assert abs(placed[-1].pts_ns - sent[-1].arrival_ns) < FRAME_NS


def test_b_frames_are_no_discontinuity() -> None:
    """pts goes to and fro; only dts is judged."""
    timeline = Timeline()
    placed = place(source_units(300, 5, bframes=3), timeline)
    assert (len(placed), timeline.discontinuities) == (300, 0)


def test_a_camera_of_one_frame_in_two_seconds_is_learnt() -> None:
    """Where the camera does not say how long a frame is, the first distance looks like a jump, once."""
    timeline = Timeline()
    slow = [replace(unit, duration=0) for unit in source_units(40, Fraction(1, 2), gop=1)]
    placed = place(slow, timeline)
    assert len(placed) == 40
    assert timeline.discontinuities == 1
    assert placed[-1].duration_ns == 2 * NS_PER_S


def test_another_time_base_is_another_run() -> None:
    """Ticks of two bases cannot be compared."""
    timeline = Timeline()
    sent = source_units(60)
    thousandths = source_units(60, time_base=Fraction(1, 1000))[30:]
    placed = place([*sent[:30], *thousandths], timeline)
    assert [unit.run for unit in placed] == [0] * 30 + [1] * 30


def test_a_run_begins_with_a_keyframe_and_shows_nothing_before_it() -> None:
    """Units in front of it, and pictures of an open GOP shown before it, refer to what is not there."""
    timeline = Timeline()
    sent = source_units(120)
    tail = sent[25:]
    leading = replace(tail[6], pts=(tail[5].pts or 0) - 1500, dts=tail[5].dts)
    placed = place([*tail[:6], leading, *tail[7:]], timeline)
    assert shown_numbers(placed) == [30, *range(32, 120)]
    assert timeline.units_before_keyframe == 6


def test_parameter_sets_change_at_keyframes_only() -> None:
    """What comes between belongs to the epoch of its GOP."""
    sent = source_units(90)
    changed = [unit if index < 40 else replace(unit, epoch=OTHER_EPOCH) for index, unit in enumerate(sent)]
    placed = place(changed)
    assert [unit.epoch for unit in placed] == [EPOCH] * 60 + [OTHER_EPOCH] * 30
    assert {unit.run for unit in placed} == {0}


def test_a_new_run_never_begins_before_what_the_last_one_showed() -> None:
    """A slightly early estimate moves up to the end of the run before."""
    timeline = Timeline()
    first = place(source_units(60), timeline)
    second = place(source_units(60, arrival_ns=T0 + 1_800_000_000), timeline)
    assert second[0].pts_ns == first[-1].pts_ns + first[-1].duration_ns
    assert (len(second), timeline.units_before_keyframe) == (60, 0)


def test_a_server_that_repeats_its_newest_gop_on_connecting_doubles_nothing() -> None:
    """Units of a time that was already recorded are dropped up to the first keyframe after it."""
    timeline = Timeline()
    sent = source_units(300)
    first = place(sent[:150], timeline)
    again = [replace(unit, arrival_ns=max(unit.arrival_ns, sent[165].arrival_ns)) for unit in sent[90:]]
    second = place(again, timeline)
    assert shown_numbers([*first, *second]) == list(range(300))
    assert timeline.units_before_keyframe == 60


@pytest.mark.parametrize("late_ns", [3 * NS_PER_S, -3 * NS_PER_S])
def test_a_map_that_is_wrong_by_seconds_is_given_up(late_ns: int) -> None:
    """A camera that stood still without its clock, or a burst that outlasted the settling."""
    timeline = Timeline()
    sent = source_units(30 * 120)
    moved = sent[:300] + shifted(sent[300:], 0, late_ns)
    placed = place(moved, timeline)
    assert timeline.discontinuities == 1
    assert abs(placed[-1].pts_ns - moved[-1].arrival_ns) <= 40_000_000
    assert len(placed) + timeline.units_before_keyframe == len(sent)
    assert min(b.pts_ns - a.pts_ns for a, b in pairwise(placed)) > 0


@pytest.mark.parametrize("bframes", [0, 3])
@pytest.mark.parametrize("missing", ["first stamps", "first dts", "every dts", "all stamps of the first"])
def test_missing_timestamps_are_made_from_decode_order(missing: str, bframes: int) -> None:
    """RTSP leaves out the first ones, some sources all dts: display order and distances stay right."""
    sent = source_units(200, bframes=bframes)
    for index, unit in enumerate(sent):
        if missing == "every dts" or (missing == "first dts" and index < 3):
            sent[index] = replace(unit, dts=None)
        elif index == 0:
            sent[index] = replace(unit, pts=None, dts=None if missing.startswith("all") else unit.dts)
    if missing == "first stamps":
        sent[1:3] = [replace(unit, dts=None) for unit in sent[1:3]]
        sent[0] = replace(sent[0], dts=None)
    timeline = Timeline()
    placed = place(sent, timeline)
    assert shown_numbers(sorted(placed, key=pts)) == list(range(200))
    assert distances(placed) == {FRAME_NS, FRAME_NS + 1}
    assert all(a.dts_ns < b.dts_ns for a, b in pairwise(placed))
    assert timeline.discontinuities == 0


def test_a_stamp_missing_later_costs_nothing() -> None:
    """In the middle of a run a unit follows the one before by one frame."""
    sent = source_units(120)
    sent[50] = replace(sent[50], dts=None)
    sent[60] = replace(sent[60], dts=None, pts=None)
    sent[70] = replace(sent[70], pts=None)
    assert distances(place(sent)) == {FRAME_NS, FRAME_NS + 1}


def test_a_camera_without_any_timestamp_is_placed_by_arrival() -> None:
    """Better than nothing, and never out of order."""
    sent = [replace(unit, pts=None, dts=None, duration=0) for unit in source_units(60)]
    placed = place(sent)
    assert all(abs(u.pts_ns - s.arrival_ns) < 100_000 for u, s in zip(placed, sent, strict=True))


def test_jumps_are_seen_without_dts() -> None:
    """By pts then, as far as reordering cannot explain them."""
    timeline = Timeline()
    sent = [replace(unit, dts=None) for unit in source_units(120, bframes=3)]
    placed = place([*sent[:60], *shifted(sent[60:], 5 * 90_000)], timeline)
    assert [unit.run for unit in placed] == [0] * 60 + [1] * 60
    untold = place([*sent[:60], replace(sent[60], pts=None), *sent[61:]])
    assert {unit.run for unit in untold} == {0}


def test_pts_before_dts_moves_dts_and_not_the_frame() -> None:
    """Some files count both from the same frame although B-frames are in them."""
    sent = [replace(unit, pts=(unit.pts or 0) - 6000) for unit in source_units(90, bframes=3)]
    placed = place(sent)
    assert shown_numbers(sorted(placed, key=pts)) == list(range(90))
    assert distances(placed) == {FRAME_NS, FRAME_NS + 1}


def test_a_pts_far_ahead_of_its_dts_is_damage() -> None:
    """One wild pts moves one frame, to its dts."""
    sent = source_units(90)
    sent[45] = replace(sent[45], pts=1 << 40)
    assert distances(place(sent)) == {FRAME_NS, FRAME_NS + 1}


def test_a_duration_is_the_cameras_own_unless_its_timestamps_contradict_it() -> None:
    """Half a frame, as interlaced streams say, is not believed; the distance of dts is."""
    told = place(source_units(60))
    wrong = place([replace(unit, duration=unit.duration // 2) for unit in source_units(60)])
    untold = place([replace(unit, duration=0) for unit in source_units(60)])
    assert {unit.duration_ns for unit in [*told, *wrong, *untold]} == {FRAME_NS}
    assert place([replace(source_units(1)[0], duration=0)])[0].duration_ns == FRAME_NS


@st.composite
def messes(draw: st.DrawFn) -> list[list[SourceUnit]]:
    """Connections of a camera that does everything wrong."""
    connections = []
    arrival_ns = T0
    for _ in range(draw(st.integers(1, 3))):
        sent = source_units(
            draw(st.integers(1, 70)),
            draw(st.sampled_from([2, 15, 30])),
            draw(st.integers(1, 30)),
            bframes=draw(st.integers(0, 4)),
            arrival_ns=arrival_ns,
            first_pts=draw(st.integers(-(10**6), 10**9)),
        )
        for index in draw(st.sets(st.integers(0, len(sent) - 1), max_size=8)):
            sent[index] = replace(
                sent[index],
                pts=draw(st.none() | st.integers(-(1 << 40), 1 << 40)),
                dts=draw(st.none() | st.integers(-(1 << 40), 1 << 40) | st.just(sent[index].dts)),
                duration=draw(st.integers(0, 1 << 20)),
            )
        late_ns = 0
        for index, unit in enumerate(sent):
            late_ns = max(late_ns, draw(st.integers(0, 200)) * 1_000_000 if index % 7 == 0 else 0)
            sent[index] = replace(unit, arrival_ns=unit.arrival_ns + late_ns)
        arrival_ns = sent[-1].arrival_ns + draw(st.integers(0, 3 * NS_PER_S))
        connections.append(sent)
    return connections


def every_unit(timeline: Timeline, connections: list[list[SourceUnit]]) -> Iterator[AccessUnit]:
    for sent in connections:
        yield from place(sent, timeline)


@given(messes())
def test_whatever_a_camera_sends_the_line_stays_a_line(connections: list[list[SourceUnit]]) -> None:
    """dts never falls, pts is never before dts, runs begin with a keyframe and after all shown before."""
    timeline = Timeline()
    placed = list(every_unit(timeline, connections))
    assert [unit.sequence for unit in placed] == list(range(len(placed)))
    assert len(placed) + timeline.units_before_keyframe == sum(map(len, connections))
    shown_ns = -(10**18)
    for before, unit in pairwise([None, *placed]):
        assert unit is not None
        assert unit.pts_ns >= unit.dts_ns
        assert unit.duration_ns > 0
        if before is None or unit.run != before.run:
            assert unit.is_keyframe
            assert unit.pts_ns > shown_ns
        if before is not None:
            assert unit.run >= before.run
            assert unit.dts_ns > before.dts_ns if unit.run > before.run else unit.dts_ns >= before.dts_ns
        shown_ns = max(shown_ns, unit.pts_ns)


def heard(count: int, first: int = 0, *, ahead_s: float = 0.0) -> list[SourceAudio]:
    """Frames of sound, numbered from `first`, on the clock of `source_units`."""
    return [
        SourceAudio(b"%d" % n, MONO, round(ahead_s * 48_000) + 1024 * n, Fraction(1, 48_000))
        for n in range(first, first + count)
    ]


def place_sound(timeline: Timeline, sound: list[SourceAudio]) -> list[AudioUnit]:
    return [unit for frame in sound for unit in timeline.place_sound(frame)]


def showing(count: int = 60) -> Timeline:
    """A timeline that has placed two seconds of pictures and whose run goes on."""
    timeline = Timeline()
    timeline.begin_run()
    for unit in source_units(count):
        timeline.place(unit)
    return timeline


def test_sound_is_placed_by_the_map_of_the_pictures() -> None:
    """What has one time on the camera's clock has one time on ours; what came early waits for a picture."""
    timeline = Timeline()
    early = place_sound(timeline, heard(10))
    assert early == []
    pictures = [placed for unit in source_units(60) for placed in timeline.place(unit)]
    placed = place_sound(timeline, heard(80, first=10))
    assert [unit.data for unit in placed] == [b"%d" % n for n in range(90)]
    assert [unit.sequence for unit in placed] == list(range(90))
    assert [unit.pts_ns - pictures[0].pts_ns for unit in placed[::75]] == [0, 1_600_000_000]
    assert timeline.sound_dropped == 0


def test_sound_without_a_picture_is_held_up_to_a_bound() -> None:
    """A camera whose pictures never come: the oldest frames go, and are counted."""
    timeline = Timeline()
    assert place_sound(timeline, heard(3000)) == []
    assert timeline.sound_dropped == 3000 - 2048
    for unit in source_units(60):
        timeline.place(unit)
    kept = place_sound(timeline, heard(1, first=3000))
    assert (kept, timeline.sound_dropped) == ([], 3001), "half a minute ahead fits no picture"


def test_sound_of_one_connection_does_not_wait_for_the_next() -> None:
    """What was held belongs to a clock that is gone."""
    timeline = Timeline()
    place_sound(timeline, heard(10))
    timeline.begin_run()
    for unit in source_units(60):
        timeline.place(unit)
    assert [unit.data for unit in place_sound(timeline, heard(1, first=10))] == [b"10"]


@pytest.mark.parametrize("ahead_s", [-15.0, 3.0, 15.0])
def test_sound_that_fits_no_picture_is_dropped_and_counted(ahead_s: float) -> None:
    """It follows a clock that was set; the next frame that fits is placed."""
    timeline = showing()
    assert len(place_sound(timeline, heard(80))) == 80
    assert place_sound(timeline, heard(5, first=80, ahead_s=ahead_s)) == []
    assert timeline.sound_dropped == 5
    assert len(place_sound(timeline, heard(1, first=85))) == 1


def test_sound_goes_on_while_the_picture_stands_still() -> None:
    """Up to ten seconds: each frame follows the one before, so none has leapt."""
    timeline = showing()
    assert len(place_sound(timeline, heard(600))) == 600 - timeline.sound_dropped
    newest_s = 59 / 30
    assert timeline.sound_dropped == pytest.approx(600 - (newest_s + 10) * 48_000 / 1024, abs=1)


def test_sound_that_repeats_itself_is_dropped() -> None:
    """Times on our line rise; a camera that sends its last second again is not heard twice."""
    timeline = showing()
    first = place_sound(timeline, heard(60))
    assert place_sound(timeline, heard(60)) == []
    following = place_sound(timeline, heard(1, first=60))
    assert [unit.sequence for unit in (*first, *following)] == list(range(61))


def test_payloads_name_their_frames() -> None:
    """The builder's own promise, which the tests above lean on."""
    assert payload(7, True).startswith(b"\x00\x00\x00\x01\x65frame 7 ")
