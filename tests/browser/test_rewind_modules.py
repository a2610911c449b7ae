"""The pure modules of the look back, run where they will run: in a browser."""

from typing import Any

import pytest

JITTERY = """const t = 1761465600000007;
const offsets = [0, 33333, 40000, 99999, 133333, 10133333];
const f = m.Frames.fromResponse({ start_time: "2025-10-26T08:00:00.000007Z",
  end_time: "2025-10-26T08:00:10.166673Z", frame_offsets_us: offsets });
const from = (values) => values.map((value) => value - t);"""


def test_a_moment_shows_the_frame_whose_label_is_the_last_before_it(run: Any) -> None:
    """Up to the last microsecond before the next one, and the nearest end outside of the stretch."""
    found = run(
        "rewind/frames.js",
        JITTERY
        + """const moments = [-5, 0, 33332, 33333, 39999, 5000000, 10133333, 10166666, 99999999];
        return [from(moments.map((us) => f.at(t + us))), from(moments.map((us) => f.endOf(t + us)))];""",
    )
    assert found == [
        [0, 0, 0, 33333, 33333, 133333, 10133333, 10133333, 10133333],
        [33333, 33333, 33333, 40000, 40000, 10133333, 10166666, 10166666, 10166666],
    ]


def test_a_step_is_one_frame_however_long_it_is(run: Any) -> None:
    """None shown twice, none skipped, no further than the ends."""
    found = run(
        "rewind/frames.js",
        JITTERY
        + """const walk = (us, by) => Array.from({ length: 7 }, () => (us = f.stepped(us, by)));
        return [from(walk(t, 1)), from(walk(f.to_us, -1)), from([f.stepped(t + 50000, -2)])];""",
    )
    assert found == [
        [33333, 40000, 99999, 133333, 10133333, 10133333, 10133333],
        [133333, 99999, 40000, 33333, 0, 0, 0],
        [0],
    ]


def test_a_seek_lands_inside_its_frame_and_what_was_painted_is_recognised(run: Any) -> None:
    """Near its beginning, half-way in a short one; times are rounded to 11 µs, or what was sought."""
    found = run(
        "rewind/frames.js",
        JITTERY
        + """const seeks = offsets.map((us) => f.seekTime(t + us));
        const painted = offsets.map((us) => Math.round(us * 0.09) / 90000).map((s) => f.painted(s) - t);
        const sought = seeks.map((s) => f.painted(Math.round(s * 90000) / 90000) - t);
        const near = from([f.painted(0.0332), f.painted(-0.001), f.painted(99)]);
        return { seeks, painted, sought, near };""",
    )
    assert found["seeks"] == pytest.approx([0.005, 0.036667, 0.045, 0.105, 0.138333, 10.138333], abs=1e-5)
    assert found["painted"] == found["sought"] == [0, 33333, 40000, 99999, 133333, 10133333]
    assert found["near"] == [33333, 0, 10133333]


def test_a_frame_that_plays_is_named_by_the_clock_that_one_at_rest_has_shown(run: Any) -> None:
    """If media begin two frames early, its distance from the position alone may mean either."""
    found = run(
        "clip/frame.js",
        """const [frame, shift] = [1 / 30, 2 / 30];
        const round = (s) => Math.round(s / frame * 10) / 10;
        // The position is 1.2 frames ahead of the frame, or 1.2 behind: frame 30 is on screen.
        const at = (now, media, rest) => round(m.shown(now * frame, media, shift, rest));
        const named = (media, rest) => [31.2, 28.8].map((now) => at(now, media, rest));
        const own = 30 * frame;
        return { own: named(own, [5.1 * frame, 5 * frame]),
          shifted: named(own + shift, [5.1 * frame, 7 * frame]),
          unknown: [named(own, null), named(own + shift, null)],
          far: at(90, own, [0, 0]), none: at(30, null, [0, 0]) };""",
    )
    assert found["own"] == found["shifted"] == [30, 30]
    assert found["unknown"] == [[30, 28], [32, 30]]
    assert (found["far"], found["none"]) == (90, 30)


def test_frames_that_have_gone_are_no_longer_stepped_to(run: Any) -> None:
    """The rest is as if they had never been; the last one stays."""
    found = run(
        "rewind/frames.js",
        JITTERY
        + """const of = (us) => {
          const rest = f.from(t + us);
          const [second, last] = [rest.stepped(t, 1), rest.stepped(rest.to_us, -1)];
          return [rest.count, ...from([rest.from_us, rest.at(t), rest.to_us, second, last])];
        };
        return [of(0), of(33334), of(40000), of(99999999)];""",
    )
    assert found == [
        [6, 0, 0, 10166666, 33333, 133333],
        [4, 40000, 40000, 10166666, 99999, 133333],
        [4, 40000, 40000, 10166666, 99999, 133333],
        [1, 10133333, 10133333, 10166666, 10133333, 10133333],
    ]


MARKED = """const { Frames } = await import("/rewind/frames.js");
const line = (seconds, fps = 10) => new Frames(seconds * fps, (i) => i * 1e6 / fps, 0, seconds * 1e6);
const of = ({ at_us, start_us, end_us }) => [at_us, start_us, end_us].map((us) => us / 1e6);"""


def test_marks_follow_the_look_until_somebody_sets_one(run: Any) -> None:
    """Ten seconds around what is looked at, inside the line; then only the person moves them."""
    found = run(
        "rewind/marks.js",
        MARKED
        + """let s = m.begin(line(60), 30e6);
        const states = [of(s), of(m.look(s, 59e6)), of(m.look(s, -5)), of(m.begin(line(4), 1e6))];
        s = m.markStart(s, 10e6);
        states.push(of(m.look(s, 50e6)), of(m.markEnd(s, 5e6)), of(m.markStart(s, 99e6)));
        return states;""",
    )
    assert found == [
        [30, 25, 35],
        [59, 50, 60],
        [0, 0, 10],
        [1, 0, 4],
        [50, 10, 35],
        [30, 5, 5.1],
        [30, 59.9, 60],
    ]


def test_marks_are_frames_and_the_frame_on_screen_is_inside_them(run: Any) -> None:
    """Start and end set on the same picture keep that one, at either end of the line as well."""
    found = run(
        "rewind/marks.js",
        MARKED
        + """return [0, 30.05e6, 99e6].map((us) => {
          const s = m.markEnd(m.markStart(m.begin(line(60), us), us), us);
          return [...of(s), m.lastMarked(s) / 1e6];
        });""",
    )
    assert found == [[0, 0, 0.1, 0], [30, 30, 30.1, 30], [59.9, 59.9, 60, 59.9]]


def test_marks_stay_when_the_true_frames_are_known(run: Any) -> None:
    """What was set on guessed frames moves to the true ones, and those that have gone to what is left."""
    found = run(
        "rewind/marks.js",
        MARKED
        + """const s = m.markEnd(m.markStart(m.begin(line(60, 7), 30e6), 20e6), 40e6);
        const on = line(60);
        return [of(m.onto(s, on, 25.03e6)), of(m.onto(s, on.from(30.5e6), 25e6)),
          of(m.onto(m.begin(line(60), 30e6), on.from(50e6), 30e6))];""",
    )
    assert found == [[25, 20, 40.2], [30.5, 30.5, 40.2], [50, 50, 60]]


def test_keys_of_a_slider_step_by_frames_and_by_seconds(run: Any) -> None:
    """The ARIA pattern; any other key is left alone."""
    found = run(
        "rewind/marks.js",
        MARKED
        + """const keys = ["ArrowLeft", "ArrowUp", "PageDown", "PageUp", "Home", "End", "a"];
        return keys.map((key) => m.stepped(key, 30e6, line(60))).map((us) => us === null ? us : us / 1e6);""",
    )
    assert found == [29.9, 30.1, 29, 31, 0, 60, None]
