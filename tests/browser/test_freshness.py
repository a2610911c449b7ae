"""What the page may call current, and how long it waits: with clocks that a test winds, in milliseconds."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Complaints

CLOCK = "let t = 0; const now = () => t; const fresh = new m.Freshness(now);"


def test_what_is_silent_for_two_beats_is_stale_and_current_again_at_once(run: Any) -> None:
    """One late beat is nothing: networks and boxes pause for a moment."""
    found = run(
        "freshness.js",
        f"""{CLOCK}
        const at = (ms) => {{ t = ms; return fresh.current; }};
        const quiet = [at(4_999), at(9_999), at(10_000), at(60_000)];
        fresh.heard();
        return [...quiet, at(60_001)];""",
    )
    assert found == [True, True, False, False, True]


def test_the_box_says_how_often_it_speaks(run: Any) -> None:
    """The page has no interval of its own that could differ; messages that name none change nothing."""
    found = run(
        "freshness.js",
        f"""{CLOCK}
        fresh.heard({{ beat_seconds: 0.5 }});
        fresh.heard({{ type: "state" }});
        t = 999; const before = fresh.current;
        t = 1000; return [before, fresh.current, fresh.limit_ms];""",
    )
    assert found == [True, False, 1000]


def test_a_message_that_waited_is_as_old_as_it_is(run: Any) -> None:
    """A hidden page may stand still, and gets what its worker sent meanwhile in one go."""
    found = run(
        "freshness.js",
        f"{CLOCK} t = 50_000; fresh.heard({{}}, 30_000); return [fresh.current, fresh.age_ms];",
    )
    assert found == [False, 30_000]


def test_the_clock_counts_sleep_and_never_goes_back(run: Any) -> None:
    """A laptop's monotonic clock may stop during sleep, and a user may set the wall clock."""
    found = run(
        "freshness.js",
        """let [wall, steady] = [1000, 0];
        const now = m.wakingClock(() => wall, () => steady);
        const step = (by_wall, by_steady) => { wall += by_wall; steady += by_steady; return now(); };
        return [step(500, 500), step(30_000, 0), step(-3_600_000, 500), step(1000, 1000)];""",
    )
    assert found == [500, 30_500, 31_000, 32_000]


def test_of_a_silent_box_nothing_is_live_recording_or_being_copied(run: Any) -> None:
    """What is finished stays what it is, and the state itself keeps what was known."""
    found = run(
        "freshness.js",
        """const state = {
          link: "online",
          cameras: { status: "ready", error: null, items: [{ id: "front", state: "live", reason: "" }] },
          clips: { items: ["pending", "processing", "draft"].map((status) => ({ id: status, status })) },
          openClip: { id: "pending", status: "pending" }, copies: { draft: 0.4 } };
        const shown = (link) => {
          const { cameras, clips, openClip, copies } = m.asKnown({ ...state, link });
          return [cameras.items[0].state, clips.items.map(({ stale }) => Boolean(stale)),
            Boolean(openClip.stale), Object.keys(copies).length];
        };
        const links = ["connecting", "online", "checking", "lost"];
        return { ...Object.fromEntries(links.map((link) => [link, shown(link)])),
          same: m.asKnown(state) === state, kept: state.cameras.items[0].state };""",
    )
    assert found["online"] == found["connecting"] == ["live", [False, False, False], False, 1]
    assert found["lost"] == found["checking"] == ["unknown", [True, True, False], True, 0]
    assert (found["same"], found["kept"]) == (True, "live")


def test_what_a_silent_box_leaves_unchanged_is_the_same_at_each_look(run: Any) -> None:
    """Twice a second all of it would be painted again: focus lost, cards and lists read for nothing."""
    found = run(
        "freshness.js",
        """const openClip = { id: "a", status: "pending" };
        const state = { link: "lost", cameras: { items: [{ id: "front", state: "live" }] },
          clips: { items: [openClip] }, openClip, copies: {} };
        const [one, other] = [m.asKnown(state), m.asKnown({ ...state })];
        return [one.cameras.items === other.cameras.items, one.clips.items === other.clips.items,
          one.openClip === other.openClip, one.clips.items[0] === one.openClip];""",
    )
    assert found == [True] * 4


def test_the_big_button_says_recording_only_of_what_the_server_has_confirmed(run: Any) -> None:
    """Ready, asking (at once; slow after two seconds; once more), recording, and cannot."""
    found = run(
        "components/record_panel.js",
        """const ready = { open: false, asking: 0, asked_ms: 0, cannot: null };
        const of = (view) => {
          const { state, note } = m.recordState({ ...ready, ...view });
          return `${state} ${note}`;
        };
        return [of({}), of({ asking: 1 }), of({ asking: 1, asked_ms: 2001 }), of({ asking: 2, asked_ms: 9 }),
          of({ open: true }), of({ cannot: "why" }), of({ asking: 1, cannot: "why" })];""",
    )
    assert found == [
        "ready null",
        "asking null",
        "asking slow",
        "asking again",
        "recording null",
        "cannot null",
        "asking null",
    ]


def test_a_wait_ends_by_its_time_or_by_the_caller_and_leaves_nothing_behind(run: Any) -> None:
    """By hand: `AbortSignal.any` is younger than the browsers that are served."""
    found = run(
        "patience.js",
        """const reasons = [];
        const why = (signal) => new Promise((resolve) => signal.aborted ? resolve(signal.reason)
          : signal.addEventListener("abort", () => resolve(signal.reason)));
        reasons.push((await why(m.limit(1).signal)).name);
        const caller = new AbortController();
        const { signal } = m.limit(60_000, caller.signal);
        caller.abort("changed my mind");
        reasons.push(await why(signal), await why(m.limit(60_000, caller.signal).signal));
        const over = m.limit(1);
        over.end();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return [...reasons, over.signal.aborted];""",
    )
    assert found == ["TimeoutError", "changed my mind", "changed my mind", False]


def test_a_module_that_never_comes_is_given_up(run: Any) -> None:
    """An import cannot be aborted, and one from a daemon that stands still never ends."""
    found = run(
        "patience.js",
        """const same = (value) => value;
        const outcome = (promise) => m.inTime(promise, 5).then(same, (error) => error.name ?? error);
        return [await outcome(new Promise(() => undefined)), await outcome(Promise.resolve("there")),
          await outcome(Promise.reject("refused"))];""",
    )
    assert found == ["TimeoutError", "there", "refused"]


def test_a_page_that_does_not_come_says_so(elements: Page, complaints: Complaints) -> None:
    """The box may stop between the page's two halves; an empty window would say nothing."""
    complaints.expected += ["net::ERR_FAILED"]
    elements.route("**/app.js", lambda route: route.abort())
    found = elements.evaluate(
        """async () => {
        const root = document.body.appendChild(Object.assign(document.createElement("div"), { id: "root" }));
        const said = new Promise((done) => new MutationObserver(done).observe(root, { childList: true }));
        await import("/start.js");
        await said;
        return root.textContent; }"""
    )
    elements.unroute("**/app.js")
    assert found.startswith("This part of the page could not be loaded.")


API = """
const { Api } = await import("/api.js");
const api = new Api({ clock: { learn() {} }, onUnauthorised() {} });
const sent = [];
const answer = (status, body) => new Response(JSON.stringify(body), { status });
const hang = (signal) => new Promise((_, reject) => {
  signal.addEventListener("abort", () => reject(signal.reason));
});
const words = ({ name, status, message }) => `${name} ${status}: ${message}`;
const said = (promise) => promise.then((value) => value, words);
"""
"""Until the test sets `fetch` there is none; `hang` is a box that stands still."""


@pytest.fixture
def hurried(modules_page: Page) -> None:
    """Timers run a thousand times as fast: a request that may take ten seconds is given up after ten ms."""
    modules_page.evaluate(
        """() => { window.slowly = window.setTimeout;
        window.setTimeout = (call, ms = 0, ...rest) => window.slowly(call, ms / 1000, ...rest); }"""
    )


@pytest.mark.usefixtures("hurried")
def test_a_box_that_stands_still_is_given_up_in_words(run: Any) -> None:
    """A question says to try again; a change says that it may have been made; the body counts, too."""
    found = run(
        "api.js",
        f"""{API}
        window.fetch = (path, {{ signal }}) => hang(signal);
        const asked = [await said(api.system()), await said(api.change("c", {{}}))];
        window.fetch = async (path, {{ signal }}) => ({{ ok: true, status: 200, headers: new Headers(),
          text: () => hang(signal) }});
        asked.push(await said(api.clip("c")));
        window.fetch = async () => {{ throw new TypeError("Failed to fetch"); }};
        return [...asked, await said(api.system())];""",
    )
    question, change, body, refused = found
    assert question == body
    assert question.startswith("ApiError 0: Hindsight has not answered.")
    assert change == "ApiError 0: No answer. It may have been done all the same: check before you try again."
    assert refused.startswith("ApiError 0: Hindsight did not answer. Is it running")


@pytest.mark.usefixtures("hurried")
def test_a_press_without_an_answer_is_sent_again_with_its_own_key(run: Any) -> None:
    """Whatever has arrived, one clip is made, of the moment of the press; also while it is being made."""
    found = run(
        "api.js",
        f"""{API}
        const answers = [(signal) => hang(signal),
          () => answer(409, {{ code: "same_request_under_way", detail: "Wait" }}),
          () => answer(201, {{ id: "the one" }})];
        window.fetch = async (path, {{ headers, body, signal }}) => {{
          sent.push([headers["Idempotency-Key"], body]);
          return answers.shift()(signal);
        }};
        let again = 0;
        const clip = await said(api.record({{ at: "then" }}, () => {{ again += 1; }}));
        return {{ clip, again, sent: new Set(sent.map(String)).size, times: sent.length }};""",
    )
    assert found == {"clip": {"id": "the one"}, "again": 2, "sent": 1, "times": 3}


@pytest.mark.usefixtures("hurried")
def test_a_press_is_sent_again_while_a_proxy_answers_for_a_box_that_restarts(run: Any) -> None:
    """The box itself gives its refusals a code; those are final."""
    found = run(
        "api.js",
        f"""{API}
        const answers = [new Response("<h1>Bad Gateway</h1>", {{ status: 502 }}),
          answer(201, {{ id: "the one" }}), answer(503, {{ code: "disk_full", detail: "No room." }})];
        window.fetch = async () => answers.shift();
        return [await said(api.record({{}})), await said(api.record({{}}))];""",
    )
    assert found == [{"id": "the one"}, "ApiError 503: No room."]


@pytest.mark.usefixtures("hurried")
def test_a_press_is_asked_for_no_longer_than_its_moment_is_worth(run: Any) -> None:
    """Then the words say that it may have been recorded, and where to look; a refusal is final at once."""
    found = run(
        "api.js",
        f"""{API}
        let now = 0;
        performance.now = () => now;
        window.fetch = async () => {{
          sent.push(now);
          now += 10_000;
          throw new TypeError("Failed to fetch");
        }};
        const given_up = await said(api.record({{}}));
        window.fetch = async () => answer(409, {{ code: "buffer_empty", detail: "Nothing is buffered." }});
        return [given_up, sent, await said(api.record({{}}))];""",
    )
    given_up, sent, refused = found
    assert given_up.startswith("ApiError 0: No answer. It may have been recorded all the same: check Clips")
    assert sent == [0, 10_000, 20_000]
    assert refused == "ApiError 409: Nothing is buffered."


STREAM = """
const { EventLink } = await import("/events.js");
class Stream extends EventTarget {
  static all = [];
  constructor(url) { super(); Stream.all.push(this); this.url = url; this.closed = false; }
  close() { this.closed = true; }
  say(name, data = {}, lastEventId = "") {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data), lastEventId }));
  }
}
window.EventSource = Stream;
let looks = [];
window.setInterval = (look) => looks.push(look);
window.setTimeout = (call) => { call(); return 0; };
let now = 1000;
performance.now = () => now;
Date.now = () => now;
const heard = [];
const stop = new AbortController();
const link = new EventLink("/api/events", {
  onOpen: (again) => heard.push(again ? "open again" : "open"), onLost: () => heard.push("lost"),
  on: { hello() {}, beat() { heard.push("beat"); } } }, stop.signal);
const wait = (ms) => { now += ms; for (const look of looks) look(); };
const newest = () => Stream.all.at(-1);
"""
"""An event link whose stream, timers and clocks are the test's. What is scheduled happens at once."""


def test_a_stream_that_goes_silent_is_closed_reported_and_opened_again_after_the_last_event(run: Any) -> None:
    """A frozen daemon and a cable that is out close no connection."""
    found = run(
        "events.js",
        f"""{STREAM}
        newest().say("open"); newest().say("hello", {{ beat_seconds: 5 }}, "boot-7");
        wait(5000); newest().say("beat"); wait(9000);
        const before = [...heard, Stream.all.length];
        wait(1000);
        const [{{ closed }}] = Stream.all;
        return {{ before, heard, closed, url: newest().url, streams: Stream.all.length }};""",
    )
    assert found["before"] == ["open", "beat", 1]
    assert found["heard"] == ["open", "beat", "lost"]
    assert (found["closed"], found["streams"]) == (True, 2)
    assert found["url"] == "/api/events?last_event_id=boot-7"


def test_a_stream_that_nobody_answers_is_given_up_and_a_slow_answer_is_not(run: Any) -> None:
    """Whatever the beat: a box that needs two seconds for an answer still gets a stream."""
    found = run(
        "events.js",
        f"""{STREAM}
        newest().say("open"); newest().say("hello", {{ beat_seconds: 0.5 }});
        wait(1000); const one = Stream.all.length;
        wait(2000); const slow = Stream.all.length;
        for (let i = 0; i < 21; i += 1) wait(1000);
        return [one, slow, Stream.all.length, heard];""",
    )
    # Given up after 3, 6 and 12 s: the first may be asked for on a connection that has died.
    assert found == [2, 2, 5, ["open", *["lost"] * 4]]


def test_a_page_that_comes_while_the_stream_opens_is_not_told_that_it_was_lost(run: Any) -> None:
    """Several come at once when a browser starts with its pages of before. Lost is what has failed."""
    found = run(
        "events_worker.js",
        """const streams = [];
        window.EventSource = class extends EventTarget {
          constructor() { super(); streams.push(this); }
          close() {}
        };
        window.setTimeout = () => 0;
        const said = [];
        const come = () => {
          const port = { postMessage: ({ type, name }) => said.push(name ?? type) };
          const connect = Object.assign(new Event("connect"), { ports: [port] });
          dispatchEvent(connect);
        };
        const heard = (act) => { said.length = 0; act(); return [...said]; };
        come();
        return [heard(come), heard(() => streams[0].dispatchEvent(new Event("open"))), heard(come),
          heard(() => streams[0].dispatchEvent(new Event("error"))), heard(come)];""",
    )
    opening, opened, late, failed, lost = found
    assert (opening, late, lost) == (["hello"], ["open", "hello"], ["lost", "hello"])
    assert (opened, failed) == (["open"] * 2, ["lost"] * 3)


def test_timers_that_come_late_are_no_silence(run: Any) -> None:
    """A hidden page's timers come once a minute; its events come when they come."""
    found = run(
        "events.js",
        f"""{STREAM}
        newest().say("open"); newest().say("hello", {{ beat_seconds: 5 }});
        for (let i = 0; i < 12; i += 1) {{ now += 5000; newest().say("beat"); }}
        wait(100);
        return [Stream.all.length, heard.includes("lost")];""",
    )
    assert found == [1, False]


def test_a_viewer_who_looks_ends_the_wait_and_a_stream_that_missed_a_beat(run: Any) -> None:
    """After a device slept, its connections may be dead although nobody said so."""
    found = run(
        "events.js",
        f"""{STREAM}
        newest().say("open"); newest().say("hello", {{ beat_seconds: 5 }});
        now += 4000; link.hurry(); const trusted = Stream.all.length;
        now += 4000; link.hurry(); const doubted = Stream.all.length;
        newest().say("open"); stop.abort();
        return [trusted, doubted, Stream.all.every(({{ closed }}) => closed)];""",
    )
    assert found == [1, 2, True]


SOCKET = """
const { LiveSocket } = await import("/live/socket.js");
class Socket extends EventTarget {
  static CONNECTING = 0;
  static all = [];
  readyState = 0;
  constructor(url) { super(); Socket.all.push(this); }
  open() { this.readyState = 1; this.dispatchEvent(new Event("open")); }
  say(message) { this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(message) })); }
  close() { this.readyState = 3; }
}
window.WebSocket = Socket;
let looks = [];
window.setInterval = (look) => looks.push(look);
window.setTimeout = () => 0;
let now = 1000;
performance.now = () => now;
Date.now = () => now;
const links = [];
const handlers = { onLink: (up) => links.push(up), onState() {}, onInit() {} };
const live = new LiveSocket("ws://box/live/front", handlers);
const wait = (ms) => { now += ms; for (const look of looks) look(); };
"""
"""A live socket whose connection, timers and clocks are the test's. Nothing that is scheduled happens."""


def test_a_live_socket_without_a_word_for_two_beats_is_lost_whatever_its_camera_does(run: Any) -> None:
    """A camera that is away sends no picture, and the box still beats; then it is the box that is silent."""
    found = run(
        "live/socket.js",
        f"""{SOCKET}
        const [socket] = Socket.all;
        socket.open(); socket.say({{ type: "state", state: "stalled", reason: "" }});
        for (let i = 0; i < 6; i += 1) {{ socket.say({{ type: "beat", beat_seconds: 5 }}); wait(5000); }}
        const quiet = [...links, live.current];
        wait(5000);
        return [quiet, links, live.current, socket.readyState];""",
    )
    assert found == [[True, True], [True, False], False, 3]


def test_a_live_socket_comes_again_at_once_when_the_page_has_found_the_box(run: Any) -> None:
    """The wait for its own next attempt may be eight seconds."""
    found = run(
        "live/socket.js",
        f"""{SOCKET}
        Socket.all[0].open(); wait(10_000);
        const waiting = Socket.all.length;
        document.dispatchEvent(new CustomEvent("box-back"));
        document.dispatchEvent(new CustomEvent("box-back"));
        const back = Socket.all.length;
        live.close();
        document.dispatchEvent(new CustomEvent("box-back"));
        return [waiting, back, Socket.all.length];""",
    )
    assert found == [1, 2, 2]


def test_a_screen_that_does_not_come_is_given_up_and_shown_when_it_comes_after_all(
    run: Any, complaints: Complaints
) -> None:
    """At once its name and shapes; words and a button in time; nothing to press when the box is back."""
    found = run(
        "screens/screen_switcher.js",
        """let late, come, tries = 0;
        window.setTimeout = (call) => { late = call; return 0; };
        class Screen extends HTMLElement { show() {} }
        customElements.define("x-screen", Screen);
        const slow = () => new Promise((resolve) => { come = resolve; tries += 1; });
        const makers = { live: () => new Screen(), clips: slow };
        const switcher = new m.ScreenSwitcher(makers, () => undefined);
        document.documentElement.append(switcher);
        const find = (selector) => switcher.querySelectorAll(selector);
        const waiting = () => `${find("h1")[0].textContent} ${find(".skeleton").length}`;
        const seen = () =>
          find("x-screen").length ? "screen" : find("[role=alert]").length ? "failed" : waiting();
        const steps = [];
        const note = async () => { await null; await null; await null; steps.push(seen()); };
        switcher.go("live"); await note();
        switcher.go("clips"); steps.push(seen());
        late(); await note();
        document.dispatchEvent(new CustomEvent("box-back")); await note();
        late(); await note();
        come(new Screen()); await note();
        switcher.remove();
        return { steps, tries };""",
    )
    assert found == {"steps": ["screen", "Clips 4", "failed", "Clips 4", "failed", "screen"], "tries": 2}
    assert json.dumps(list(complaints)) == "[]"
