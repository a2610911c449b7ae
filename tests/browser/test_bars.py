"""What bars and the strip look like, by their pixels; without a daemon."""

import io
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Page

RED = "rgb(255, 0, 0)"
FURNISH = """async () => {
  for (const name of ["tokens", "base", "controls", "rewind", "insights"])
    await new Promise((done) => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", onload: done });
      document.head.append(Object.assign(link, { href: `/styles/${name}.css` }));
    });
  document.documentElement.style.setProperty("--record", "rgb(255, 0, 0)");
  document.documentElement.style.setProperty("--good", "rgb(255, 0, 0)");
  document.documentElement.style.setProperty("background", "#fff");
}"""


@pytest.fixture
def furnished(elements: Page) -> Page:
    elements.evaluate(FURNISH)
    return elements


def pixels(page: Page, box: Any) -> Any:
    """Rows of columns of red, green and blue."""
    with av.open(io.BytesIO(page.screenshot(clip=box)), "r") as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24").astype(int)


def red_share(page: Page, selector: str) -> float:
    """How much of an element is red, along its middle."""
    seen = pixels(page, page.locator(selector).bounding_box())
    row = seen[len(seen) // 2]
    return float(np.mean((row[:, 0] > 200) & (row[:, 1] < 90)))


@pytest.mark.parametrize(
    ("value", "least", "most"), [("0", 0, 0.01), ("0.5", 0.45, 0.55), ("1", 0.95, 1), (None, 0.1, 0.6)]
)
def test_a_bar_is_as_full_as_its_value(furnished: Page, value: str | None, least: float, most: float) -> None:
    """Of nothing, nothing; and one whose value is not known is not full, as browsers draw it, but striped."""
    furnished.evaluate(
        """(value) => {
          const bar = document.body.appendChild(document.createElement("progress"));
          Object.assign(bar, { className: "bar", max: 1 });
          if (value !== null) bar.value = value;
          bar.style.setProperty("block-size", "12px");
        }""",
        value,
    )
    assert least <= red_share(furnished, ".bar") <= most


@pytest.mark.parametrize(("seconds", "capacity"), [(0, 60), (0, 0.4), (0, 0)])
def test_an_empty_buffer_is_never_shown_as_full(furnished: Page, seconds: float, capacity: float) -> None:
    """However short it is."""
    found = furnished.evaluate(
        """async ([seconds, capacity]) => {
          const { BufferMeter } = await import("/components/buffer_meter.js");
          const meter = document.body.appendChild(new BufferMeter());
          meter.setAttribute("capacity", capacity); meter.setAttribute("seconds", seconds);
          return [meter.hasAttribute("full"), meter.bar.value, meter.words.textContent];
        }""",
        [seconds, capacity],
    )
    assert found == [False, 0, "Nothing in the buffer yet"]


def test_a_camera_that_was_never_live_has_an_empty_bar(furnished: Page) -> None:
    """0 % beside a bar that other states fill would be read as all: a thin line and a legend say why."""
    furnished.evaluate(
        """async () => {
          const { shareChart } = await import("/charts.js");
          const kinds = (live) => (
            [["Live", "live", live], ["Stopped", "stopped", 1 - live], ["Stalled", "stalled", 0]]);
          const parts = (live) => kinds(live).map(([label, kind, share]) => ({ label, kind, share }));
          const rows = [["a", 0], ["b", 0.5], ["c", 1]].map(([name, live]) => ({ name, parts: parts(live) }));
          document.body.append(shareChart("Uptime", rows));
        }"""
    )
    shares = [red_share(furnished, f".share-row:nth-of-type({n}) .share-bar") for n in (1, 2, 3)]
    assert shares == pytest.approx([0, 0.5, 1], abs=0.06)
    assert furnished.locator(".share-value").all_text_contents() == ["0 %", "50 %", "100 %"]
    assert furnished.locator(".legend").inner_text().split() == ["Live", "Stopped"]


def test_bars_of_several_series_stand_beside_each_other(furnished: Page) -> None:
    """Equal values hide nothing, and one of nothing is no bar."""
    found = furnished.evaluate(
        """async () => {
          const { timeChart } = await import("/charts.js");
          const series = ["a", "b"].map((name) => ({ name, points: [[0, 3], [50, 0]] }));
          const options = { from_ms: 0, to_ms: 100, top: 4, unit: String };
          const figure = timeChart("Clips", series, { ...options, bars: true });
          const [first, ...rest] = [...figure.querySelectorAll("rect")].map((bar) => bar.getAttribute("x"));
          const labels = figure.querySelector("svg").getAttribute("aria-label");
          const nothing = [{ name: "a", points: [[0, 0]] }];
          const empty = timeChart("None", nothing, { ...options, to_ms: 0, top: 0 });
          return [rest.length, Number(rest[0]) > Number(first), labels, empty.outerHTML.includes("NaN")];
        }"""
    )
    assert found == [1, True, "Clips: a, b", False]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("seconds", [5, 60])
@pytest.mark.parametrize("place", ["live", "left", "right", "left behind"])
def test_nothing_of_the_strip_stands_beyond_its_ends(
    furnished: Page, width: int, seconds: int, place: str
) -> None:
    """Neither its cursor, nor its handles, nor the outline of the focus; and all of each handle is on it."""
    furnished.set_viewport_size({"width": width, "height": 300})
    furnished.evaluate(
        """async ([seconds, place]) => {
          const { RewindTimeline } = await import("/components/rewind_timeline.js");
          const { Frames } = await import("/rewind/frames.js");
          const line = new RewindTimeline();
          line.style.setProperty("margin", "40px");
          document.body.replaceChildren(line);
          const frames = Frames.estimated(0, seconds * 1e6);
          const at_us = { live: frames.to_us, left: 0, right: frames.to_us, "left behind": -3e6 }[place];
          const [start_us, end_us] = place.startsWith("left") ? [at_us, at_us + 1e5] : [at_us - 1e5, at_us];
          line.show(frames, place === "live" ? null : { frames, at_us, start_us, end_us, marked: true });
          line.cursor.focus();
        }""",
        [seconds, place],
    )
    box = furnished.locator("hs-rewind-timeline").bounding_box()
    assert box is not None
    around = {key: box[key] - 30 for key in ("x", "y")} | {key: box[key] + 60 for key in ("width", "height")}
    seen = pixels(furnished, around)
    sides = (seen[:29], seen[-29:], seen[:, :29], seen[:, -29:])
    assert all((side == 255).all() for side in sides)
    if place != "live":
        middle = seen[len(seen) // 2]
        assert int(((middle[:, 0] > 200) & (middle[:, 1] < 90)).sum()) >= 3, "the handle is there"
