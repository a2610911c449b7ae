"""Whatever is shown belongs to what was asked last, in whichever order the answers come; without a daemon."""

from typing import Any

from playwright.sync_api import Page

ASKING = """
const asked = [];
const ask = (...question) => new Promise((answer, fail) => asked.push({ question, answer, fail }));
const api = new Proxy({}, { get: (_, name) => (...values) => ask(name, ...values) });
const soon = () => new Promise((done) => setTimeout(done));
const put = (element) => document.body.appendChild(element);
const { Store } = await import("/store.js");
const services = { api, store: new Store(), say: () => undefined, clock: { now_ms: () => 1.8e12 },
  shown: () => [services.store.state, 1.8e12],
  actions: { watchClips: () => undefined, clipChanged: () => undefined } };
const showing = (query) => {
  services.store.update({ query: new URLSearchParams(query) });
  return services.store.state;
};
const clip = (id, more = {}) => ({ id, number: Number(id), version: 1, title: id, camera: "a",
  status: "draft", media_type: "video", created_at: "2026-01-05T12:00:00Z",
  start_time: "2026-01-05T12:00:00Z", end_time: null, planned_end: null, duration_seconds: 1,
  thumbnail_url: "", gaps: [], location: "local", ...more });
"""


def evaluate(page: Page, body: str) -> Any:
    return page.evaluate(f"async () => {{ {ASKING} {body} }}")


COSTS = """
const { CostLine } = await import("/components/cost_line.js");
const line = put(new CostLine(api));
const around = (before) => ({ before, after: 15 });
const costs = (size_bytes) => ({ cameras: [{ clip: { size_bytes }, snapshot: { size_bytes: 1 } }],
  disk: { refusal: null }, hours_left: null, credits: null });
const words = () => /about (.*?),/.exec(line.textContent)?.[1].replace("\\u00a0", " ") ?? line.textContent;
const said = [];
const say = async () => { await soon(); said.push(words()); };
"""


def test_what_a_clip_costs_is_of_the_camera_on_screen(elements: Page) -> None:
    """From the moment it is another one, nothing of the one before stays or comes late."""
    found = evaluate(
        elements,
        COSTS
        + """line.show("a", around(15), 0); asked[0].answer(costs(5e6)); await say();
        line.show("b", around(15), 0); await say();
        line.show("a", around(15), 0); line.show("b", around(15), 0);
        asked[2].answer(costs(6e6)); await say();
        asked[3].answer(costs(7e6)); await say();
        asked[1].fail(new Error()); await say();
        line.show("b", around(60), 0); await say();
        asked[4].answer(costs(8e6)); await say();
        line.show(null, around(60), 0); await say();
        line.show("b", around(60), 0); await say();
        return said;""",
    )
    assert found == ["5.0 MB", "", "", "7.0 MB", "7.0 MB", "", "8.0 MB", "", ""]


def test_a_new_clip_leaves_what_the_next_one_costs_until_that_is_known(elements: Page) -> None:
    """The same question about the same camera; an older answer does not come back over a newer one."""
    found = evaluate(
        elements,
        COSTS
        + """line.show("a", around(15), 0); asked[0].answer(costs(5e6)); await soon();
        line.show("a", around(15), 1); await say();
        line.show("a", around(15), 2); asked[2].answer(costs(7e6)); await say();
        asked[1].answer(costs(6e6)); await say();
        return said;""",
    )
    assert found == ["5.0 MB", "7.0 MB", "7.0 MB"]


def test_insights_are_of_the_range_that_is_chosen(elements: Page) -> None:
    """Those of another range leave at once; its late answer, or failure, changes nothing."""
    found = evaluate(
        elements,
        """const { InsightsScreen } = await import("/screens/insights.js");
        const screen = put(new InsightsScreen(services));
        const answers = { analytics: { cameras: [], clips: [] }, system: { concerns: [], cameras: [] },
          budget: { disk: { total_bytes: 10, available_bytes: 5, refusal: null } } };
        const all = (of) => of.forEach(({ question: [name], answer }) => answer(answers[name]));
        const seen = [];
        const see = async () => {
          await soon();
          seen.push([screen.figures.childElementCount, screen.failure.hidden]);
        };
        screen.show(showing("range=day")); all(asked.splice(0)); await see();
        screen.show(showing("range=week")); const week = asked.splice(0); await see();
        screen.show(showing("range=month")); const month = asked.splice(0);
        week.forEach(({ fail }) => fail(new Error("late"))); await see();
        all(month); await see();
        return seen;""",
    )
    assert found == [[5, True], [0, True], [0, True], [5, True]]


def test_the_gallery_shows_nothing_that_the_new_filter_leaves_out(elements: Page) -> None:
    """While the server is asked: what surely fits stays, marked as busy; only the newest answer counts."""
    found = evaluate(
        elements,
        """const { ClipsScreen } = await import("/screens/clips.js");
        const screen = put(new ClipsScreen(services));
        const seen = [];
        const see = async () => {
          await soon();
          const cards = [...screen.querySelectorAll("hs-clip-card")].filter((card) => card.checkVisibility());
          const busy = screen.querySelector("[aria-busy]") ? "…" : "";
          seen.push(cards.map(({ dataset }) => dataset.id).join("") + busy);
        };
        const list = async (query) => { screen.show(showing(query), 1.8e12); await see(); };
        await list("");
        const all = [clip("3"), clip("2", { camera: "b" }), clip("1")];
        asked[0].answer({ items: all, cursor: null }); await see();
        await list("camera=a"); await list("camera=a&q=1");
        asked[1].answer({ items: [clip("3"), clip("1")], cursor: "more" }); await see();
        asked[2].answer({ items: [clip("1")], cursor: null }); await see();
        await list("camera=b");
        asked[3].fail(new Error("away")); await see();
        return seen;""",
    )
    assert found == ["…", "321", "31…", "31…", "31…", "1", "…", ""]


def test_many_at_once_are_those_that_are_shown(elements: Page) -> None:
    """What was chosen under another filter is not deleted unseen."""
    found = evaluate(
        elements,
        """const { ClipsScreen } = await import("/screens/clips.js");
        const screen = put(new ClipsScreen(services));
        screen.show(showing(""), 1.8e12);
        asked[0].answer({ items: [clip("3"), clip("2", { camera: "b" })], cursor: null }); await soon();
        screen.grid.emit("chosen", { id: "2", on: true }); screen.grid.emit("chosen", { id: "3", on: true });
        screen.show(showing("camera=a"), 1.8e12);
        asked[1].answer({ items: [clip("3")], cursor: null }); await soon();
        screen.bar.emit("batch", { action: "publish" }); await soon();
        return asked[2].question;""",
    )
    assert found == ["batch", "publish", ["3"]]


def test_a_heart_shows_the_last_word_about_its_own_clip(elements: Page) -> None:
    """A press outruns the question from before, and what a press failed to do is not shown."""
    found = evaluate(
        elements,
        """const { FeedItem } = await import("/components/feed_item.js");
        const item = put(new FeedItem(api));
        const pressed = () => item.heart.getAttribute("aria-pressed");
        let [early, press] = [Promise.withResolvers(), Promise.withResolvers()];
        item.liked(early.promise); item.liked(press.promise);
        press.resolve(true); await soon();
        early.resolve(false); await soon();
        const seen = [pressed()];
        item.liked(Promise.reject(new Error())); await soon();
        return [...seen, pressed()];""",
    )
    assert found == ["true", "true"]


def test_a_clip_of_the_feed_is_asked_for_once_however_long_the_answer_takes(elements: Page) -> None:
    """It is painted twice a second; a clean form takes a minute, and a refusal is none to repeat at once."""
    found = evaluate(
        elements,
        """const { FeedItem } = await import("/components/feed_item.js");
        localStorage.setItem("hindsight.editLists", `ignored @ ${navigator.userAgent}`);
        const item = put(new FeedItem(api));
        const sources = [];
        const src = { get: () => sources.at(-1) ?? "", set: (address) => sources.push(address) };
        Object.defineProperty(item.video, "src", src);
        let now = 1e6;
        performance.now = () => now;
        item.show(clip("1", { tags: [], caption: "", lead_in_seconds: 0 }), [], 1.8e12);
        const counts = [];
        const look = async () => {
          item.play(); item.play();
          for (let i = 0; i < 5; i += 1) await soon();
          counts.push(asked.length);
        };
        while (asked.length === 0) { item.play(); await soon(); }
        await look(); await look();
        asked[0].fail(new Error("refused")); await soon();
        await look();
        now += 10_000;
        await look();
        asked[1].answer({ playback_url: "/it" }); await soon();
        return [counts, sources];""",
    )
    assert found == [[1, 1, 1, 2], ["/it"]]


def test_lists_that_are_asked_for_twice_show_the_second_answer(elements: Page) -> None:
    """Schedules and settings: the first may come last."""
    found = evaluate(
        elements,
        """const { SchedulesScreen } = await import("/screens/schedules.js");
        const screen = put(new SchedulesScreen(services));
        const schedule = (name) => ({ id: name, name, kind: "recording", camera: "a", origin: "config",
          enabled: true, next: [], last_run: null, cron: null, every_seconds: 60, length_seconds: 1,
          timezone: "UTC" });
        screen.remove(); put(screen);
        asked[1].answer({ schedules: [schedule("new")] }); await soon();
        asked[0].answer({ schedules: [schedule("old")] }); await soon();
        return screen.list.textContent;""",
    )
    assert "new" in found
    assert "old" not in found


def test_what_could_not_be_read_comes_by_itself_with_the_box(elements: Page) -> None:
    """Where it is on screen and missing, and there once; a screen that is not shown asks for nothing."""
    found = evaluate(
        elements,
        """const { Failure } = await import("/components/failure.js");
        let tries = 0;
        const failure = put(new Failure(() => { tries += 1; }));
        const back = () => document.dispatchEvent(new CustomEvent("box-back"));
        const seen = [];
        const words = () => failure.checkVisibility() ? failure.words.textContent : "-";
        const see = () => seen.push(`${words()} ${tries}`);
        back(); see();
        failure.show(new Error("away")); back(); see();
        failure.querySelector("button").click(); see();
        failure.remove(); back(); put(failure); back(); see();
        failure.show(null); back(); see();
        return seen;""",
    )
    assert found == ["- 0", "away 1", "away 2", "away 3", "- 3"]


def test_a_silent_box_takes_no_focus_from_the_list_of_schedules(elements: Page) -> None:
    """Nor does each answer: rows are made again only if what they say has changed."""
    found = evaluate(
        elements,
        """const { SchedulesScreen } = await import("/screens/schedules.js");
        const { asKnown } = await import("/freshness.js");
        const screen = put(new SchedulesScreen(services));
        const schedule = (name) => ({ id: name, name, kind: "recording", camera: "a", origin: "api",
          enabled: true, next: [], last_run: null, cron: null, every_seconds: 60, length_seconds: 1,
          timezone: "UTC" });
        asked[0].answer({ schedules: [schedule("dawn")] }); await soon();
        const cameras = { status: "ready", error: null, items: [{ id: "a", name: "Front", state: "live" }] };
        services.store.update({ cameras, link: "lost" });
        screen.show(asKnown(services.store.state));
        const row = screen.querySelector("li");
        const steps = [row.textContent.includes("Front")];
        const same = () => steps.push(screen.querySelector("li") === row);
        screen.show(asKnown(services.store.state)); same();
        screen.remove(); put(screen);
        asked[1].answer({ schedules: [schedule("dawn")] }); await soon(); same();
        screen.remove(); put(screen);
        asked[2].answer({ schedules: [schedule("dusk")] }); await soon(); same();
        return steps;""",
    )
    assert found == [True, True, True, False]


def test_more_of_the_feed_that_does_not_come_is_said(elements: Page) -> None:
    """What is there stays."""
    found = evaluate(
        elements,
        """const { FeedScreen } = await import("/screens/feed.js");
        const said = [];
        const screen = put(new FeedScreen({ ...services, say: (words) => said.push(words) }));
        const published = { published_at: "2026-01-05T12:00:00Z", status: "published", caption: "" };
        asked[0].answer({ items: [clip("1", published)], cursor: "more" }); await soon();
        screen.clipList("1");
        asked.find(({ question }) => question[1]?.cursor === "more").fail(new Error("away")); await soon();
        return [said, screen.list.childElementCount, screen.failure.hidden];""",
    )
    assert found == [["away"], 1, True]


def test_a_picture_of_a_clip_is_not_shown_under_the_name_of_another(elements: Page) -> None:
    """Until it is loaded there is none: a browser would go on showing the one before."""
    found = evaluate(
        elements,
        """const { ClipPreviews } = await import("/components/clip_previews.js");
        const svg = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'";
        const picture = (colour) => `${svg} fill='${colour}'/>`;
        const previews = put(new ClipPreviews());
        put(previews.still);
        const { still } = previews;
        const loaded = () => new Promise((done) => still.addEventListener("load", done, { once: true }));
        const [manual, middle] = ["red", "blue"].map((colour) => ({ url: picture(colour) }));
        previews.show(clip("1", { previews: { manual, middle, current: null } }), false);
        let load = loaded(); previews.look("manual"); await load;
        const seen = [previews.still.hasAttribute("pictured")];
        load = loaded(); previews.look("middle");
        seen.push(previews.still.hasAttribute("pictured"));
        await load;
        return [...seen, previews.still.hasAttribute("pictured")];""",
    )
    assert found == [True, False, True]
