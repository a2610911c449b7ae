"""Makes the pictures of every screen that README and guide show: `python -m tests.browser.pictures`.

A real daemon with synthetic cameras and a few clips, a real Chromium; light and dark wide, dark on a phone.
Writes docs/guide/pictures/, in about three minutes.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.conftest import CHROMIUM_ARGUMENTS, CHROMIUM_INSTALL_LINE, installed_chromium
from tests.browser.locked import access_key, locked_daemon
from tests.browser.small_png import smaller
from tests.support.daemon import ROOT, Daemon

PICTURES = ROOT / "docs" / "guide" / "pictures"
LAPTOP: ViewportSize = {"width": 1120, "height": 760}
PHONE: ViewportSize = {"width": 390, "height": 780}
CAMERAS = (
    {"id": "front", "name": "Front door", "source": "synthetic?size=960x540&fps=15&gop_s=1"},
    {"id": "garden", "name": "Garden", "source": "synthetic?size=640x360&fps=10&gop_s=2"},
)
CLIPS = (
    ("front", "Parcel at the door", True),
    ("garden", "Hedgehog, second visit", True),
    ("front", "The neighbour's cat", False),
    ("garden", "First snow", True),
    ("garden", "Somebody was at the shed", False),
    ("front", "", False),
)
AGENTS = ("Firefox/140.0 Windows", "Safari/604.1 iPhone", "Chrome/140.0 Linux")
"""Of the devices that are signed in; the pages use the last."""
LONGEST_WAIT_MS = 30_000
Screens = dict[str, tuple[str, Callable[[Page], None]]]
"""By name: its address, and what to wait for or do there."""


@dataclass(frozen=True, slots=True)
class Look:
    """One way of looking at every screen."""

    name: str
    scheme: Literal["light", "dark"]
    size: ViewportSize


LOOKS = (Look("light", "light", LAPTOP), Look("dark", "dark", LAPTOP), Look("phone", "dark", PHONE))


def _live(page: Page) -> None:
    expect(page.locator(".live-latency")).to_be_visible()
    expect(page.locator("hs-rewind-timeline")).to_be_visible()
    page.wait_for_timeout(2500)  # the strip's small pictures come one after the other


def _back(page: Page) -> None:
    _live(page)
    line = page.locator("hs-rewind-timeline")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + box["height"] / 2)
    expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    page.wait_for_timeout(1000)


def _clip(page: Page) -> None:
    page.locator("hs-clip-card a", has_text="Parcel at the door").first.click()
    expect(page.locator(".clip-dialog video")).to_have_js_property("readyState", 4)
    page.locator(".clip-dialog video").evaluate("(video) => { video.pause(); video.currentTime = 2; }")
    page.wait_for_timeout(800)


def _chosen(page: Page) -> None:
    _pictured(page)
    for box in page.locator(".card-choose").all()[:3]:
        box.check()
    page.mouse.move(0, 0)


def _pictured(page: Page) -> None:
    expect(page.locator("hs-clip-card[pictured]").nth(2)).to_be_visible()
    page.wait_for_timeout(500)


def _there(selector: str) -> Callable[[Page], None]:
    def wait(page: Page) -> None:
        expect(page.locator(selector).first).to_be_visible()
        page.wait_for_timeout(700)

    return wait


def _help(page: Page) -> None:
    expect(page.locator(".live-latency")).to_be_visible()
    page.keyboard.press("?")
    _there(".help[open]")(page)


SCREENS: Screens = {
    "live": ("#/?camera=front", _live),
    "looking-back": ("#/?camera=front", _back),
    "clips": ("#/clips", _chosen),
    "clip": ("#/clips", _clip),
    "feed": ("#/feed", _there("hs-feed-item")),
    "insights": ("#/insights", _there(".figure")),
    "schedules": ("#/schedules", _there(".schedule")),
    "settings": ("#/settings", _there(".device")),
    "help": ("#/?camera=front", _help),
}
LOCKED: Screens = {"sign-in": ("", _there(".sign-in"))}
LOST = "connection-lost"


def names() -> list[str]:
    """Every file there is to make."""
    return [f"{screen}-{look.name}.png" for screen in (*SCREENS, *LOCKED, LOST) for look in LOOKS]


def _furnish(daemon: Daemon) -> str:
    """Cameras, clips, schedules and devices; returns the cookie of one more device, for the pages."""
    for source in CAMERAS:
        daemon.wait_for_buffer(58, source["id"], 90)
    for number, (camera, title, is_published) in enumerate(CLIPS):
        asked = {"camera": camera, "before_seconds": 6 + 2 * number, "after_seconds": 0, "title": title}
        clip = daemon.post("/api/clips", asked).json()
        daemon.wait_for_clip(clip["id"])
        if is_published:
            assert daemon.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
    for name, cron in (("Morning at the gate", "30 7 * * *"), ("Every full hour", "0 * * * *")):
        wanted = {"name": name, "camera": "garden", "cron": cron, "length_seconds": 20}
        assert daemon.post("/api/schedules", wanted).status == 201
    return [_signed_in(daemon, agent) for agent in AGENTS][-1]


def _signed_in(daemon: Daemon, agent: str) -> str:
    answer = daemon.post("/api/session", {"key": access_key(daemon)}, User_Agent=agent)
    return answer.headers["set-cookie"].partition(";")[0]


def _opened(browser: Browser, look: Look, address: str, cookie: str = "") -> Page:
    context = browser.new_context(
        viewport=look.size,
        color_scheme=look.scheme,
        timezone_id="Europe/Berlin",
        locale="en-GB",
        reduced_motion="reduce",
    )
    if cookie:
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address}])
    page = context.new_page()
    page.goto(address)
    return page


def _keep(page: Page, screen: str, look: Look) -> None:
    file = PICTURES / f"{screen}-{look.name}.png"
    file.write_bytes(smaller(page.screenshot()))
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB", flush=True)
    page.context.close()


def _take(browser: Browser, daemon: Daemon, screens: Screens, cookie: str = "") -> None:
    for look in LOOKS:
        for screen, (address, ready) in screens.items():
            page = _opened(browser, look, f"{daemon.url}/{address}", cookie)
            ready(page)
            _keep(page, screen, look)


def _take_lost(browser: Browser, daemon: Daemon) -> None:
    """Ends the daemon under pages that are open."""
    pages = [(look, _opened(browser, look, f"{daemon.url}/#/?camera=front")) for look in LOOKS]
    for _, page in pages:
        _live(page)
    daemon.kill()
    for look, page in pages:
        expect(page.locator(".banner")).to_be_visible()
        expect(page.locator("hs-live-view[troubled]")).to_be_visible()
        _keep(page, LOST, look)


def main() -> int:
    """Make them all; 1 when there is no Chromium."""
    chromium = installed_chromium()
    if chromium is None:
        print(f"Chromium is missing; to install it: {CHROMIUM_INSTALL_LINE}", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        Daemon(Path(directory), CAMERAS) as daemon,
        sync_playwright() as playwright,
    ):
        cookie = _furnish(daemon)
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*CHROMIUM_ARGUMENTS, "--lang=en-GB"]
        )
        expect.set_options(timeout=LONGEST_WAIT_MS)
        _take(browser, daemon, SCREENS, cookie)
        _take_lost(browser, daemon)
        (Path(directory) / "locked").mkdir()
        with locked_daemon(Path(directory) / "locked", CAMERAS) as locked:
            _take(browser, locked, LOCKED)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
