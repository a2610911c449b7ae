"""Whole ways through the page: by keyboard alone, and with camera, server or network lost on the way."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.one_daemon.test_page import card_of, record, wait_for_live
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("whole ways of a person through the page, with recordings in real time")

BACK_MS = 40_000
CAMERA = {"id": "front", "name": "Front door", "source": "synthetic?size=320x180&fps=8&gop_s=1"}
MOST_TABS = 80


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """In another time zone than the browser."""
    directory = tmp_path_factory.mktemp("journeys")
    with Daemon(directory, [CAMERA], environment={"TZ": "Asia/Kolkata"}) as started:
        started.wait_for_buffer(3)
        yield started


def _tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until what `selector` names has the focus, and the focus can be seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press(key)
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    pytest.fail(f"{MOST_TABS} times {key} never reached {selector}")


def test_by_keyboard_alone_from_record_to_the_feed(page: Page, daemon: Daemon) -> None:
    """Load, record, open, close, gallery, choose, publish, feed: the pointer is never touched."""
    page.goto(daemon.url)
    wait_for_live(page)
    _tab_to(page, "#after")
    page.keyboard.press("Home")
    expect(page.locator("#after")).to_have_value("0")
    _tab_to(page, ".record-button", "Shift+Tab")
    with page.expect_response(lambda r: r.url.endswith("/api/clips") and r.status == 201) as made:
        page.keyboard.press("Enter")
    clip: Any = made.value.json()
    card = f'hs-clip-card[data-id="{clip["id"]}"] a'
    expect(page.locator(card)).to_be_visible()
    _tab_to(page, card)
    page.keyboard.press("Enter")
    expect(page.locator(".clip-dialog")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('.clip-dialog') !== null")
    page.keyboard.press("Escape")
    expect(page.locator(".clip-dialog")).to_be_hidden()
    expect(page.locator(card)).to_be_focused()
    _tab_to(page, 'hs-navigation a[href="#/clips"]', "Shift+Tab")
    page.keyboard.press("Enter")
    box = f'.card-choose[value="{clip["id"]}"]'
    expect(page.locator(box)).to_be_visible()
    _tab_to(page, box)
    page.keyboard.press("Space")
    expect(page.locator(".bar-count")).to_have_text("1 chosen")
    _tab_to(page, "hs-gallery-bar button")
    page.keyboard.press("Enter")
    expect(page.locator(f'hs-clip-card[data-id="{clip["id"]}"] .badge')).to_have_text("Published")
    _tab_to(page, 'hs-navigation a[href="#/feed"]', "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f'hs-feed-item[data-id="{clip["id"]}"]')).to_be_visible()


def test_space_scrolls_where_it_plays_nothing(page: Page, daemon: Daemon) -> None:
    """A shortcut takes a key only from a page that has use for it."""
    page.set_viewport_size({"width": 900, "height": 400})
    page.goto(f"{daemon.url}/#/settings")
    expect(page.locator(".facts dd").first).to_be_attached()
    page.keyboard.press("Space")
    for _ in range(100):
        if page.evaluate("scrollY") > 0:
            return
        page.wait_for_timeout(50)
    pytest.fail("the page stood still")


def test_times_are_those_of_whoever_looks(page: Page, daemon: Daemon) -> None:
    """The daemon lives in Kolkata, the browser in Newfoundland: cards go by the clock on that wall."""
    page.goto(daemon.url)
    wait_for_live(page)
    clip = daemon.post("/api/clips", {"camera": "front", "before_seconds": 1, "after_seconds": 0}).json()
    started = datetime.fromisoformat(clip["start_time"]).astimezone(ZoneInfo("America/St_Johns"))
    expect(card_of(page, clip).locator(".card-time")).to_contain_text(f"{started:%H:%M:%S}")


def test_a_page_without_network_says_so_and_comes_back_by_itself(
    page: Page, context: BrowserContext, complaints: Complaints, daemon: Daemon
) -> None:
    """In words that tell the device's trouble from the server's; what happened meanwhile is there at once."""
    complaints.expected += ["net::ERR_", "WebSocket connection to"]
    page.goto(daemon.url)
    wait_for_live(page)
    context.set_offline(True)
    expect(page.locator(".banner")).to_contain_text("This device is offline")
    clip = daemon.post("/api/clips", {"camera": "front", "before_seconds": 1, "after_seconds": 0}).json()
    context.set_offline(False)
    expect(page.locator(".banner")).to_be_hidden(timeout=BACK_MS)
    expect(card_of(page, clip)).to_be_visible(timeout=BACK_MS)
    wait_for_live(page)


def test_a_camera_that_is_cut_off_comes_back_under_the_open_page(page: Page, tmp_path: Path) -> None:
    """Words while it is away, then its picture and Record again, without a reload."""
    require_rtsp_server()
    with RtspCamera(Material(gop=30)) as camera:
        source = {"id": "front", "name": "Front door", "source": camera.url()}
        with Daemon(tmp_path, [source]) as daemon:
            page.goto(daemon.url)
            wait_for_live(page)
            page.evaluate("window.stillTheSamePage = true")
            camera.kill()
            away = re.compile("cannot be reached|Next try|Trying again|Connecting|gone quiet")
            expect(page.locator(".live-words")).to_contain_text(away, timeout=BACK_MS)
            expect(page.locator(".live-latency")).to_be_hidden()
            camera.start()
            expect(page.locator(".live-latency")).to_be_visible(timeout=BACK_MS)
            expect(page.locator(".live-words")).to_have_text("")
            clip = record(page)
            expect(card_of(page, clip)).to_be_visible()
            assert page.evaluate("window.stillTheSamePage")


def test_a_restart_of_the_daemon_leaves_the_gallery_true(
    page: Page, complaints: Complaints, tmp_path: Path
) -> None:
    """Another daemon numbers its events anew: what it tells must arrive all the same, and old cards stay."""
    complaints.expected += ["net::ERR_", "WebSocket connection to"]
    with Daemon(tmp_path, [CAMERA]) as daemon:
        daemon.wait_for_buffer(2)
        old = daemon.post("/api/clips", {"camera": "front", "before_seconds": 1, "after_seconds": 0}).json()
        page.goto(f"{daemon.url}/#/clips")
        expect(card_of(page, old)).to_be_visible()
        page.evaluate("window.stillTheSamePage = true")
        daemon.stop()
        expect(page.locator(".banner")).to_contain_text("Connection to Hindsight lost")
        daemon.start()
        daemon.wait_for_buffer(2)
        missed = daemon.post(
            "/api/clips", {"camera": "front", "before_seconds": 1, "after_seconds": 0}
        ).json()
        expect(card_of(page, missed)).to_be_visible(timeout=BACK_MS)
        expect(page.locator(".banner")).to_be_hidden()
        assert daemon.request("DELETE", f"/api/clips/{old['id']}").status == 204
        expect(card_of(page, old)).to_have_count(0)
        assert page.evaluate("window.stillTheSamePage")
