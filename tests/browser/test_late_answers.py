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
          seen.push([screen.figures.childElementCount, screen.error.hidden]);
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
