"""The page's pure modules, run where they will run: in a browser."""

from typing import Any

import pytest

from tests.browser.conftest import BELOW


def test_the_label_on_screen_is_that_of_the_frame_and_not_of_a_later_one(run: Any) -> None:
    """Half-way through a frame it is still that frame; before the first there is none."""
    found = run(
        "live/labels.js",
        """const t = new m.LabelTrack();
        for (let i = 0; i < 90; i += 1) t.add(10 + i / 30, 1_700_000_000_000_000 + i * 33_333);
        return [t.at(9.9), t.at(10), t.at(10 + 29.5 / 30), t.at(10 + 30 / 30 - 0.0005), t.at(99)];""",
    )
    start = 1_700_000_000_000_000
    assert found == [None, start, start + 29 * 33_333, start + 30 * 33_333, start + 89 * 33_333]


def test_labels_that_arrive_in_decoding_order_belong_to_their_own_frames(run: Any) -> None:
    """B-frames: media times run 0 3 1 2."""
    found = run(
        "live/labels.js",
        """const t = new m.LabelTrack();
        for (const i of [0, 3, 1, 2]) t.add(i, i * 10);
        return [0, 1, 2, 3].map((s) => t.at(s));""",
    )
    assert found == [0, 10, 20, 30]


def test_forgetting_old_labels_keeps_the_frame_on_screen(run: Any) -> None:
    """A stream of days must not grow the page, and `at` must still be exact."""
    found = run(
        "live/labels.js",
        """const t = new m.LabelTrack();
        for (let i = 0; i < 1000; i += 1) t.add(i, i * 10);
        t.forgetBefore(900.5);
        return [t.at(899), t.at(900.7), t.at(950)];""",
    )
    assert found == [None, 9000, 9500]


def test_the_first_seek_lands_close_behind_the_newest_picture(run: Any) -> None:
    """A new viewer starts at the end of what is buffered, not at its keyframe."""
    decision = run(
        "live/playhead.js",
        "return new m.Playhead().decide({ at_s: 5, now_s: 0, ranges: [[100, 108]], started: false });",
    )
    assert decision == {"seek_s": pytest.approx(107.8), "rate": 1}


def test_a_small_lag_is_made_up_gently_and_a_large_one_by_one_jump(run: Any) -> None:
    """Rates stay within 0.95 and 1.10; more than two seconds behind is a jump."""
    rates = run(
        "live/playhead.js",
        """const p = new m.Playhead();
        return [0.2, 0.35, 1.9, 0.05].map((behind) => p.decide(
          { at_s: 5, now_s: 108 - behind, ranges: [[100, 108]], started: true }).rate);""",
    )
    assert rates[0] == 1
    assert 1 < rates[1] < rates[2] == 1.1
    assert 0.95 <= rates[3] < 1
    jump = run(
        "live/playhead.js",
        "return new m.Playhead().decide({ at_s: 5, now_s: 105.5, ranges: [[100, 108]], started: true });",
    )
    assert jump["seek_s"] == pytest.approx(107.8)


def test_a_hole_in_what_is_buffered_is_jumped_over(run: Any) -> None:
    """A slow viewer loses pictures up to a keyframe; playing alone would wait there for ever."""
    decision = run(
        "live/playhead.js",
        """const ranges = [[100, 101], [101.5, 102]];
        return new m.Playhead().decide({ at_s: 5, now_s: 101, ranges, started: true });""",
    )
    assert decision["seek_s"] == pytest.approx(101.8)


def test_running_dry_widens_the_margin_up_to_a_second_and_calm_narrows_it(run: Any) -> None:
    """The margin pays for what the machine needs only while it needs it."""
    wide, calm = run(
        "live/playhead.js",
        """const p = new m.Playhead();
        for (let i = 0; i < 50; i += 1) p.starved();
        const wide = p.margin_s;
        for (let s = 0; s < 600; s += 1) { p.arrived(s, s); p.steady(1); }
        return [wide, p.margin_s];""",
    )
    assert (wide, calm) == (1, pytest.approx(0.075))


def test_the_margin_follows_the_lines_jitter_before_the_picture_runs_dry(run: Any) -> None:
    """And forgives one hiccup in a minute, and the past that comes at once when a viewer begins."""
    margins = run(
        "live/playhead.js",
        """const p = new m.Playhead(), margins = [];
        for (let i = 0; i < 30; i += 1) p.arrived(i / 30, 1 + i / 1000);
        const second = (s, late_s) => {
          for (let i = 0; i < 30; i += 1) p.arrived(s + i / 30, s + i / 30 + (i === 9 ? late_s : 0));
          margins.push(p.margin_s);
        };
        for (let s = 1; s < 5; s += 1) second(s, 0);
        for (const late_s of [0.4, 0, 0.15, 0.15]) second(5 + margins.length, late_s);
        for (let s = 13; s < 80; s += 1) second(s, 0);
        return margins;""",
    )
    assert margins[:2] == [0.2, 0.2], "nothing is known yet"
    assert margins[3:6] == pytest.approx([0.075, 0.075, 0.075])
    assert margins[6:8] == pytest.approx([0.225, 0.225])
    assert margins[-1] == pytest.approx(0.075)


def test_what_was_too_little_once_is_not_tried_again_for_ten_minutes(run: Any) -> None:
    """A machine that needs 120 ms to show a picture stalls twice or three times, not once a minute."""
    dry = run(
        "live/playhead.js",
        """const p = new m.Playhead(), dry = [];
        for (let s = 0; s < 1800; s += 1) {
          p.arrived(s, s); p.steady(1);
          if (s > 3 && p.margin_s < 0.12) { dry.push(s); p.starved(); }
        }
        return dry;""",
    )
    assert len([at_s for at_s in dry if at_s < 600]) <= 3
    assert len(dry) <= 7


def test_a_stream_whose_time_was_set_never_sends_the_play_head_ahead_of_it(run: Any) -> None:
    """Where the line promises more than there is, what there is decides."""
    found = run(
        "live/playhead.js",
        """const p = new m.Playhead();
        for (let i = 0; i < 300; i += 1) p.arrived(i / 30, i / 30);
        return p.decide({ at_s: 14, now_s: 9.9, ranges: [[0, 10]], started: true });""",
    )
    assert found["seek_s"] is None
    assert 0.95 <= found["rate"] < 1.05


def test_the_past_that_comes_first_is_left_by_one_jump(run: Any) -> None:
    """At 1.10 a second of it would be with the viewer for ten."""
    found = run(
        "live/playhead.js",
        """const p = new m.Playhead(), seeks = [];
        let now_s = 0, started = false;
        for (let i = 0; i < 90; i += 1) {
          const at_s = 1 + Math.max(0, i - 30) / 30;
          p.arrived(i / 30, at_s);
          const { seek_s } = p.decide({ at_s, now_s, ranges: [[0, (i + 1) / 30]], started });
          if (seek_s !== null) { seeks.push(at_s); now_s = seek_s; started = true; }
          if (i > 30) now_s += 1 / 30;
        }
        return seeks;""",
    )
    assert found == [1, pytest.approx(2, abs=0.04)]


def test_an_older_word_about_a_clip_never_replaces_a_newer_one(run: Any) -> None:
    """An answer and an event may cross on their way."""
    found = run(
        "store.js",
        """const clip = (id, version, status) => ({ id, version, status, number: Number(id) });
        const known = m.mergeClips([], [clip("1", 1, "draft"), clip("2", 5, "draft")]);
        const merged = m.mergeClips(known, [clip("2", 4, "pending"), clip("3", 1, "pending")]);
        return merged.map((c) => c.id + c.status);""",
    )
    assert found == ["3pending", "2draft", "1draft"]


def test_an_answer_that_an_event_overtook_changes_nothing(run: Any) -> None:
    """Of the open clip, listed or not, and of a whole list; clips that are no longer listed go."""
    found = run(
        "store.js",
        """const clip = (id, version, status) => ({ id, version, status, number: Number(id) });
        const store = new m.Store({ ...m.INITIAL, openId: "1" });
        const seen = [];
        for (const told of [clip("1", 7, "failed"), clip("1", 6, "processing"), clip("2", 1, "draft")]) {
          store.update((state) => m.withOpenClip(state, told));
          seen.push(store.state.openClip.status);
        }
        store.update((state) => m.withClip(state, clip("1", 6, "processing")));
        const listed = m.refreshed([clip("1", 7, "failed"), clip("3", 1, "draft")],
          [clip("1", 6, "processing"), clip("2", 1, "draft")]);
        return [seen, store.state.openClip.status, listed.map((c) => c.id + c.status)];""",
    )
    assert found == [["failed", "failed", "failed"], "failed", ["1failed", "2draft"]]


def test_a_copy_on_its_way_is_told_until_the_clip_says_where_it_is(run: Any) -> None:
    """Each clip its own share; the next word about a clip ends it, and nothing of it is left."""
    found = run(
        "store.js",
        """const store = new m.Store();
        store.update((s) => m.withCopy(s, "a", 0.25));
        store.update((s) => m.withCopy(s, "b", 0.5));
        const both = store.state.copies;
        store.update((s) => m.withClip(s, { id: "a", version: 2, number: 1 }));
        return [both, store.state.copies];""",
    )
    assert found == [{"a": 0.25, "b": 0.5}, {"b": 0.5}]


def test_only_a_finished_clip_waits_for_the_store(run: Any) -> None:
    """While it is being copied its share is told, and nothing while all is well with the store."""
    found = run(
        "store.js",
        """const state = (why) => ({ copies: { b: 0.5 }, warnings: why ? { storage: why } : {} });
        const clips = [["a", "draft", "local"], ["b", "draft", "local"], ["c", "pending", "local"],
          ["d", "published", "both"]].map(([id, status, location]) => ({ id, status, location }));
        return ["away", ""].map((why) => clips.map((one) => m.copyOf(state(why), one) ?? null));""",
    )
    assert found == [["away", 0.5, None, None], [None, 0.5, None, None]]


def test_what_needs_somebody_is_known_by_subject(run: Any) -> None:
    """A newer sentence replaces the older one, and all being well ends it."""
    found = run(
        "warnings.js",
        """const told = [["disk", "full"], ["storage", "away"], ["disk", "fuller"], ["storage", null]];
        return told.reduce((all, [subject, detail]) => m.withWarning(all, { subject, detail }), {});""",
    )
    assert found == {"disk": "fuller"}


def test_listeners_end_with_their_signal(run: Any) -> None:
    """An element that left the page hears nothing more."""
    heard = run(
        "store.js",
        """const store = new m.Store(); const heard = []; const stop = new AbortController();
        store.subscribe((s) => heard.push(s.camera), { signal: stop.signal });
        store.update({ camera: "a" }); stop.abort(); store.update({ camera: "b" });
        return [heard, Object.isFrozen(store.state)];""",
    )
    assert heard == [[None, "a"], True]


def test_microseconds_survive_on_their_way_to_the_server(run: Any) -> None:
    """`at` names one frame; a Date alone would cut it to milliseconds."""
    assert run("timestamps.js", "return m.formatLabel(1761465600123456);") == "2025-10-26T08:00:00.123456Z"


def test_lengths_are_said_as_people_say_them(run: Any) -> None:
    """A running clock, and words."""
    found = run(
        "format.js",
        """return [m.formatTimer(12.9), m.formatTimer(3849), m.formatDuration(60), m.formatDuration(150),
          m.formatBytes(15023423)];""",
    )
    assert found == ["00:12", "1:04:09", "60 s", "2 min 30 s", "15\xa0MB"]


def test_a_box_with_another_time_is_not_believed_to_lag(run: Any) -> None:
    """Answers' Date headers bound the difference of the clocks; equal clocks count as exactly equal."""
    same, ahead, after_step = run(
        "server_clock.js",
        """const date = (ms) => new Date(ms).toUTCString(); const now = 1_761_465_600_500;
        const same = new m.ServerClock(); same.learn(date(now), now - 20, now);
        const other = new m.ServerClock();
        for (let t = now; t < now + 27_400; t += 1370) other.learn(date(t + 90_000), t - 20, t);
        const ahead = other.offset_ms;
        other.learn(date(now + 50_000), now + 49_980, now + 50_000);
        return [same.offset_ms, ahead, other.offset_ms];""",
    )
    assert same == 0
    assert ahead == pytest.approx(90_000, abs=100)
    assert after_step == 0


def test_waits_grow_to_a_cap_and_are_never_all_alike(run: Any) -> None:
    """Between half and all of the doubled wait."""
    found = run(
        "backoff.js",
        """const wait = (attempt, random) => m.backoff(attempt, { random: () => random });
        return [wait(0, 0), wait(0, 1), wait(3, 1), wait(50, 1), wait(50, 0)];""",
    )
    assert found == [250, 500, 4000, 8000, 4000]


def test_addresses_name_what_is_open_and_what_is_chosen(run: Any) -> None:
    """Round trip, odd characters included."""
    found = run(
        "router.js",
        """const built = m.routeHref({ clip: "a/ b", query: new URLSearchParams({ camera: "yard" }) });
        const { clip, query } = m.parseRoute(built);
        return [clip, query.get("camera"), m.parseRoute("#/").clip, m.parseRoute("#/clips/%E0").clip];""",
    )
    assert found == ["a/ b", "yard", None, "%E0"]


def test_a_clip_whose_deletion_takes_its_time_does_not_close_the_next_one(run: Any) -> None:
    """Closing by hand closes whichever is open."""
    found = run(
        "router.js",
        """const at = (hash) => { location.hash = hash; };
        const leave = (clip) => { m.leaveClip(clip); return location.hash; };
        at("#/clips/second?q=fox");
        const found = [leave("first"), leave("second")];
        at("#/clips/third");
        found.push(leave());
        at("");
        return found;""",
    )
    assert found == ["#/clips/second?q=fox", "#/clips?q=fox", "#/clips"]


def test_a_label_is_read_to_the_microsecond_and_written_as_it_was(run: Any) -> None:
    """A Date would cut it to milliseconds, and a frame's own label would then name the frame before."""
    found = run(
        "timestamps.js",
        """const labels = ["2025-10-26T08:00:00.000000Z", "2025-10-26T08:00:00.123456Z",
          "2026-02-28T23:59:59.999999Z"];
        return labels.map((label) => [m.parseLabel(label), m.formatLabel(m.parseLabel(label)) === label]);""",
    )
    assert found == [[1761465600000000, True], [1761465600123456, True], [1772323199999999, True]]


def test_every_language_says_all_that_english_says(run: Any) -> None:
    """The same names, and functions where English has functions of as many values."""
    found = run(
        "all_messages.js",
        """const { de } = await import("/messages/de.js");
        const { en: first } = await import("/messages/en.js");
        const { en: later } = await import("/messages/later/en.js");
        const shape = (part, path = "") => Object.entries(part).flatMap(([name, value]) =>
          typeof value === "object" ? shape(value, `${path}${name}.`)
            : [`${path}${name} ${typeof value} ${value instanceof Function ? value.length : ""}`]);
        return [m.text, de, first, later].map((texts) => shape(texts).sort());""",
    )
    english, german, first, later = found
    assert german == english
    assert sorted([*first, *later]) == english, "a text stands in both files"


def test_a_window_on_a_long_list_has_room_for_all_that_is_not_in_it(run: Any) -> None:
    """Rows shown and rows left out add up: at the top, in the middle, at the end, and of nothing."""
    found = run(
        "gallery/window.js",
        """const seen = { height_px: 800, row_px: 200, columns: 4 };
        return [[-100, 1000], [20000, 1000], [49600, 1000], [0, 0], [0, 3]].map(([above_px, count]) =>
          m.windowOf({ ...seen, above_px, count }));""",
    )
    for window, count in zip(found, (1000, 1000, 1000, 0, 3), strict=True):
        rows = -(-(window["last"] - window["first"]) // 4)
        assert window["before_px"] + rows * 200 + window["after_px"] == -(-count // 4) * 200
        assert window["last"] - window["first"] <= 14 * 4
    assert (found[0]["first"], found[1]["first"], found[2]["last"]) == (0, 384, 1000)


def test_the_gallery_takes_in_what_fits_and_lets_go_what_does_not(run: Any) -> None:
    """State, kind, camera and day are judged here; words only by the server."""
    found = run(
        "gallery/list.js",
        """const clip = (id, more = {}) => ({ id, version: 1, status: "draft", camera: "a",
          media_type: "video", number: Number(id),
          start_time: `2026-01-0${id}T00:00:00Z`, ...more });
        const ids = (items) => items.map(({ id }) => id).join("");
        const list = [clip("5"), clip("3")];
        const drafts = { status: "draft" };
        return [
          ids(m.withChange(list, clip("4"), drafts, false)),
          ids(m.withChange(list, clip("3", { status: "published", version: 2 }), drafts, false)),
          ids(m.withChange(list, clip("1"), drafts, false)),
          ids(m.withChange(list, clip("1"), drafts, true)),
          ids(m.withChange(list, clip("9"), { q: "fox" }, true)),
          ids(m.withChange(list, clip("5", { version: 2 }), { q: "fox" }, true)),
          ids(m.withChange(list, clip("9", { camera: "b" }), { camera: "a" }, true)),
          JSON.stringify(m.filterOf(new URLSearchParams("show=drafts&camera=x&q=y&other=1"))),
        ];""",
    )
    assert found[:-1] == ["543", "5", "53", "531", "53", "53", "53"]
    assert found[-1] == '{"status":"pending,processing,draft,failed","camera":"x","q":"y"}'


def test_a_picture_held_for_its_sound_slows_down_and_catches_up_again(run: Any) -> None:
    """No seek, which could mean decoding a long GOP anew; a player that must not be slowed jumps once."""
    found = run(
        "live/playhead.js",
        """const ranges = [[0, 100]];
        const at = (p, behind) => p.decide({ at_s: 5, now_s: 100 - behind, ranges, started: true });
        const p = new m.Playhead();
        p.hold(0.3);
        const slow = at(p, 0.05);
        const early = p.settled;
        at(p, 0.29);
        const late = p.settled;
        for (let i = 0; i < 150; i += 1) p.arrived(95 + i / 30, i / 30);
        const margin = p.margin_s;
        p.hold(0);
        const jumping = new m.Playhead({ gentle: false });
        jumping.hold(0.3);
        const [jump, then] = [at(jumping, 0.05), at(jumping, 0.3)];
        return { slow, early, late, margin, after: at(p, 0.3), jump, then };""",
    )
    assert found["slow"]["seek_s"] is None
    assert 0.8 <= found["slow"]["rate"] < 0.95
    assert (found["early"], found["late"], found["margin"]) == (False, True, 0.3)
    assert found["after"]["rate"] > 1
    assert found["jump"]["seek_s"] == pytest.approx(99.7)
    assert found["then"] == {"seek_s": None, "rate": 1}


def test_cron_lines_of_the_form_come_back_as_they_went(run: Any) -> None:
    """And what the form could not have made is shown as it is."""
    found = run(
        "cron.js",
        """return [m.toCron("07:05", ["fri", "mon"]), m.toCron("00:00", []), m.parseCron("5 7 * * mon,fri"),
          m.parseCron("5 7 * * mon-fri")?.days.length, m.parseCron("0 6 * * *")?.days.length,
          m.parseCron("*/5 * * * *"), m.parseCron("0 6 1 * *"), m.parseCron("0 6 * * 1")];""",
    )
    assert found == [
        "5 7 * * mon,fri",
        "0 0 * * *",
        {"time": "07:05", "days": ["mon", "fri"]},
        5,
        7,
        None,
        None,
        None,
    ]


def test_a_forecast_needs_a_week_and_clips_fall_into_the_viewers_days(run: Any) -> None:
    """A hundred bytes a day and seven hundred left: a week."""
    found = run(
        "insights.js",
        """const day = (n) => (
          { camera: "a", at: new Date(2026, 0, n, 12).toISOString(), clips: 1, size_bytes: 100 });
        const tallies = [1, 2, 3, 4, 5, 6, 7, 8].map(day);
        const days = m.clipsByDay(tallies, new Date(2026, 0, 8, 23, 59).getTime(), 3);
        const left = [m.daysLeft(tallies, 700), m.daysLeft([], 700)];
        return [days.map(({ clips }) => clips), ...left];""",
    )
    assert found == [[1, 1, 1], 7, None]


def test_a_warning_is_in_the_pages_own_words_where_it_has_some(run: Any) -> None:
    """The server's sentences are English."""
    found = run(
        "insights.js",
        """const concerns = [{ subject: "disk", detail: "full" }, { subject: "descriptors", detail: "few" }];
        const away = { id: "a", name: "Tür", state: "stalled", last_error: "silent" };
        return m.warningsOf({ concerns }, [away], { descriptors: "wenige" });""",
    )
    assert found == ["full", "wenige", "Tür: silent"]


def test_addresses_of_the_daemon_lie_below_the_prefix_under_which_the_page_came(run: Any) -> None:
    """Whether or not the daemon knows it: one that it has put there is not put there twice."""
    paths = ["/api/clips", "/hindsight/api/clips", "/hindsight-2/api", "/", "https://store.example.org/a", ""]
    body = "return args[0].map(m.here);"
    assert run("base.js", body, paths) == paths
    below = ["/hindsight/api/clips", "/hindsight/api/clips", "/hindsight/hindsight-2/api", "/hindsight/"]
    assert run(f"{BELOW}/base.js", body, paths) == [*below, *paths[4:]]


def test_of_an_answer_only_addresses_get_the_prefix(run: Any) -> None:
    """Titles are other people's words, and paths of files are no addresses."""
    answer = {
        "thumbnail_url": "/api/a",
        "playback_url": None,
        "public_url": "https://store.example.org/a",
        "previews": [{"url": "/api/b"}],
        "title": "/api/c",
        "path": "/data/d",
    }
    body = "return m.parse(JSON.stringify(args[0]));"
    assert run("base.js", body, answer) == answer
    below = answer | {"thumbnail_url": "/hindsight/api/a", "previews": [{"url": "/hindsight/api/b"}]}
    assert run(f"{BELOW}/base.js", body, answer) == below
