"""Every screen for everybody: nothing that axe-core finds, in light and dark, on a laptop and on a phone."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import HOUSE
from tests.browser.locked import access_key, by_key, house_url
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("axe reads every screen in two sizes and two schemes")

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENS = {
    "live": ".live-latency",
    "clips": "hs-clip-card",
    "feed": "hs-feed-item",
    "insights": ".figure",
    "schedules": ".schedule",
    "settings": ".facts dd",
}
LONG_TITLE = "Endless " * 20 + "title"
LONG_WORDS = {"title": LONG_TITLE, "caption": "An endless caption. " * 60, "tags": ["x" * 50]}
NARROW: tuple[ViewportSize, ...] = tuple(
    {"width": width, "height": height} for width, height in ((360, 740), (740, 360), (844, 390), (768, 1024))
)
PHONE: ViewportSize = {"width": 390, "height": 844}
LAPTOP: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    cameras = [
        {"id": "front", "name": "Front", "source": "synthetic?size=320x180&fps=8&gop_s=1"},
        {
            "id": "gone",
            "name": "Gone, with the longest name of all: over the gate",
            "source": "rtsp://127.0.0.1:9/nothing",
        },
    ]
    with Daemon(tmp_path_factory.mktemp("access"), cameras, server={"allowed_hosts": [HOUSE]}) as started:
        started.wait_for_buffer(3, "front")
        for n in range(3):
            clip = started.post(
                "/api/clips", {"camera": "front", "before_seconds": 1, "after_seconds": 0}
            ).json()
            if n == 0:
                assert started.request("PATCH", f"/api/clips/{clip['id']}", LONG_WORDS).status == 200
            else:
                assert started.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
        asked = {"name": "Morning", "camera": "front", "cron": "30 7 * * *", "length_seconds": 10}
        assert started.post("/api/schedules", asked).status == 201
        yield started


def _findings(page: Page) -> list[str]:
    page.evaluate(AXE)
    found: Any = page.evaluate(
        """async (rules) => (await axe.run(document, { runOnly: rules })).violations
          .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`)""",
        RULES,
    )
    return list(found)


@pytest.fixture(params=["light", "dark"])
def looked(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(color_scheme=request.param, viewport=LAPTOP, reduced_motion="reduce")
    yield context
    context.close()


def test_axe_finds_nothing_on_any_screen(looked: BrowserContext, daemon: Daemon) -> None:
    """Contrast, names, roles and order; each screen wide and narrow."""
    page = looked.new_page()
    wrong: dict[str, list[str]] = {}
    for screen, there in SCREENS.items():
        page.set_viewport_size(LAPTOP)
        page.goto(f"{daemon.url}/#/{screen}")
        expect(page.locator(there).first).to_be_visible(timeout=20_000)
        for size in (LAPTOP, PHONE):
            page.set_viewport_size(size)
            if found := _findings(page):
                wrong[f"{screen} {size['width']}"] = found
    assert wrong == {}


def test_axe_finds_nothing_where_browsers_are_signed_in(looked: BrowserContext, daemon: Daemon) -> None:
    """By plain http on a foreign name: the form, with what it refuses, and the devices, with a code."""
    page = looked.new_page()
    page.set_viewport_size(PHONE)
    page.goto(f"{house_url(daemon)}/#key=of-an-earlier-version")
    expect(page.locator(".sign-in-notice")).to_be_visible()
    page.keyboard.type("no code")
    page.keyboard.press("Enter")
    expect(page.locator(".field-error")).not_to_be_empty()
    assert _findings(page) == []
    _sign_in(looked, daemon)
    page.goto("about:blank")
    page.goto(f"{house_url(daemon)}/#/settings")
    page.get_by_role("button", name="Sign in another device").click()
    expect(page.locator(".invitation-code")).not_to_be_empty()
    for size in (PHONE, LAPTOP):
        page.set_viewport_size(size)
        assert _findings(page) == []


def _sign_in(context: BrowserContext, daemon: Daemon) -> None:
    """Beside a device that has the longest name there can be."""
    daemon.request("DELETE", "/api/sessions", headers=by_key(daemon))
    daemon.post("/api/session", {"key": access_key(daemon), "device": "Endless" * 14})
    signed_in = daemon.post("/api/session", {"key": access_key(daemon)}, User_Agent="Firefox Linux")
    name, _, token = signed_in.headers["set-cookie"].partition(";")[0].partition("=")
    context.add_cookies([{"name": name, "value": token, "url": house_url(daemon)}])


def test_axe_finds_nothing_in_an_open_clip_and_while_looking_back(
    looked: BrowserContext, daemon: Daemon
) -> None:
    """What lies over a screen belongs to it."""
    page = looked.new_page()
    page.goto(f"{daemon.url}/#/clips")
    page.locator("hs-clip-card a").first.click()
    expect(page.locator(".clip-dialog video")).to_be_visible()
    assert _findings(page) == []
    page.goto(f"{daemon.url}/#/?camera=front")
    line = page.locator("hs-rewind-timeline")
    expect(line).to_be_visible(timeout=20_000)
    box = line.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.95 * box["width"], box["y"] + 20)
    expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    assert _findings(page) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_is_wider_than_the_screen(browser: Browser, daemon: Daemon, language: str) -> None:
    """No screen scrolls sideways: a small phone, upright and on its side, a tablet; words of any length."""
    context = browser.new_context(locale=language, reduced_motion="reduce")
    _sign_in(context, daemon)
    page = context.new_page()
    wrong = []
    for screen, there in SCREENS.items():
        page.goto(f"{house_url(daemon)}/#/{screen}")
        expect(page.locator(there).first).to_be_visible(timeout=20_000)
        for size in NARROW:
            page.set_viewport_size(size)
            if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                wrong.append(f"{screen} {size}")
    context.clear_cookies()
    page.reload()
    expect(page.locator("hs-sign-in")).to_be_visible()
    for size in NARROW:
        page.set_viewport_size(size)
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            wrong.append(f"sign-in {size}")
    assert wrong == []
    context.close()


def test_an_open_clip_is_never_wider_than_a_phone(browser: Browser, daemon: Daemon) -> None:
    """However long its title, its tags and what it says of a failure are."""
    context = browser.new_context(viewport=PHONE, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{daemon.url}/#/clips?q=endless")
    page.locator("hs-clip-card a").first.click()
    expect(page.locator(".clip-dialog video")).to_be_visible()
    expect(page.locator("#clip-title")).to_have_value(LONG_TITLE)
    assert page.evaluate("((d) => d.scrollWidth <= d.clientWidth)(document.querySelector('.clip-dialog'))")
    context.close()
