"""Several cameras beside each other, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.test_access import AXE, LAPTOP, PHONE, RULES
from tests.support.daemon import Daemon

PAINTED = Path(__file__).with_name("painted.js")
NAMES = ("one", "two", "three", "four")
NARROW: ViewportSize = {"width": 390, "height": 400}
COUNTERS = """async () => {
  const m = await import("/painted.js");
  return [...document.querySelectorAll("hs-wall-cell video")].map((video) =>
    video.videoWidth ? m.counterOf(video, video.videoWidth, video.videoHeight) : null);
}"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    cameras = [
        {"id": name, "name": name.title(), "source": "synthetic?size=320x180&fps=10&gop_s=1"}
        for name in NAMES
    ]
    with Daemon(tmp_path_factory.mktemp("wall"), cameras) as started:
        for name in NAMES:
            started.wait_for_buffer(2, name)
        yield started


def _until(page: Page, script: str, holds: Any) -> Any:
    seen = None
    for _ in range(200):
        if holds(seen := page.evaluate(script)):
            return seen
        page.wait_for_timeout(100)
    raise AssertionError(f"still {seen}")


def test_every_cell_is_live_and_leads_to_its_camera(page: Page, daemon: Daemon) -> None:
    """Counters move in all four; axe finds nothing; the address keeps the choice; a cell is a link."""
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(f"{daemon.url}/")
    page.get_by_role("button", name="All cameras").click()
    expect(page.locator("hs-wall-cell")).to_have_count(4)
    assert "grid=1" in page.url
    first = _until(page, COUNTERS, lambda seen: len(seen) == 4 and None not in seen)
    _until(
        page,
        COUNTERS,
        lambda seen: all(now not in (None, then) for now, then in zip(seen, first, strict=True)),
    )
    page.evaluate(AXE)
    violations = (
        "async (rules) => (await axe.run(document, { runOnly: rules })).violations.map(({ id }) => id)"
    )
    assert page.evaluate(violations, RULES) == []
    expect(page.locator("hs-live-view")).to_be_hidden()
    page.get_by_role("link", name="Three").click()
    expect(page.locator(".camera-name")).to_have_text("Three")
    expect(page.locator(".live-latency")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('hs-wall-cell video[src]').length") == 0


def test_a_long_name_leaves_every_cell_as_wide_as_the_others(page: Page, daemon: Daemon) -> None:
    """It ends in dots; nothing lies over its neighbour, and a phone does not scroll sideways."""
    page.set_viewport_size(PHONE)
    page.goto(f"{daemon.url}/#/?grid=1")
    expect(page.locator("hs-wall-cell")).to_have_count(4)
    widths = """() => {
      document.querySelectorAll(".wall-name")[1].textContent = "The camera over the gate ".repeat(5);
      return [
        new Set([...document.querySelectorAll("hs-wall-cell")].map((cell) => cell.clientWidth)).size,
        document.documentElement.scrollWidth <= innerWidth];
    }"""
    for size in (PHONE, LAPTOP):
        page.set_viewport_size(size)
        assert page.evaluate(widths) == [1, True]


def test_the_row_of_cameras_is_scrolled_to_the_one_that_is_looked_at(page: Page, daemon: Daemon) -> None:
    """Also when a link opened it; the page itself stays at its top."""
    page.set_viewport_size(PHONE)
    page.goto(f"{daemon.url}/#/?camera=four")
    expect(page.get_by_role("button", name="Four")).to_be_in_viewport(ratio=1)
    page.goto(f"{daemon.url}/#/?camera=one")
    expect(page.get_by_role("button", name="One")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Four")).not_to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


def test_cells_that_are_out_of_view_hold_no_stream(page: Page, daemon: Daemon) -> None:
    """On a small screen only what can be seen is fetched, and scrolling changes which."""
    page.set_viewport_size(NARROW)
    page.goto(f"{daemon.url}/#/?grid=1")
    fed = "[...document.querySelectorAll('hs-wall-cell')].map((cell) => cell.labelOnScreen !== null)"
    _until(page, fed, lambda seen: seen[:1] == [True] and seen[-1] is False)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("hs-wall-cell").last.scroll_into_view_if_needed()
    _until(page, fed, lambda seen: seen[-1] is True and seen[0] is False)
