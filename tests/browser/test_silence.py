"""What the page says of a daemon that stands still, dies, answers late or is out of reach; that it heals."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.one_daemon.test_page import wait_for_live
from tests.support.daemon import Daemon
from tests.support.line import Line

pytestmark = pytest.mark.slow("a daemon that is silent for some seconds, again and again")

CAMERAS = [
    {"id": name, "name": name, "source": "synthetic?size=320x180&fps=8&gop_s=1"} for name in ("front", "yard")
]
BEAT_S = 1.0
"""Instead of five seconds, so that silence is noticed in two."""
BEATS = {"backend.http.api.events.BEAT_S": BEAT_S, "backend.http.api.live.BEAT_S": BEAT_S}
NOTICED_MS = 8000
"""Far more than two beats, for a busy machine, and far less than any other way to notice: 12 s, 30 s."""
BACK_MS = 30_000
SPEECHLESS = ["net::ERR_", "WebSocket"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("silence"), CAMERAS, constants=BEATS) as started:
        for camera in CAMERAS:
            started.wait_for_buffer(3, camera["id"])
        yield started


@contextmanager
def standing_still(daemon: Daemon) -> Iterator[None]:
    """Stopped as by a debugger, or a machine that swaps: every connection stays open."""
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def opened(page: Page, url: str) -> None:
    page.goto(f"{url}/#/?camera=front")
    wait_for_live(page)
    page.evaluate("window.stillTheSamePage = true")


def expect_lost(page: Page) -> None:
    """Everything that says how things are now says that it is not known."""
    expect(page.locator(".banner")).to_contain_text(
        re.compile(r"Connection to Hindsight lost\. Last heard at \d"), timeout=NOTICED_MS
    )
    expect(page.locator(".panel .state-pill")).to_have_text("No connection")
    expect(page.locator(".live-words")).to_have_text("Connection lost. Trying again…")
    expect(page.locator("hs-live-view[troubled]")).to_be_visible()
    expect(page.locator(".live-latency")).to_be_hidden()
    expect(page.locator(".meter-words")).to_have_text("Not known without a connection")
    expect(page.locator('.tab .state-dot[data-state="unknown"]')).to_have_count(len(CAMERAS))
    expect(page.locator(".record-button")).to_be_disabled()
    expect(page.locator("[data-state=live]")).to_have_count(0)


def expect_found(page: Page) -> None:
    expect(page.locator(".banner")).to_be_hidden(timeout=BACK_MS)
    expect(page.locator(".panel .state-pill")).to_have_text("Live", timeout=BACK_MS)
    expect(page.locator(".live-words")).to_have_text("", timeout=BACK_MS)
    expect(page.locator(".live-latency")).to_be_visible()
    expect(page.locator(".record-button")).to_be_enabled()
    assert page.evaluate("window.stillTheSamePage")


def press_and_expect_asking(page: Page) -> None:
    """While no answer can come: first that the page asks, then that the answer takes long, and no more."""
    page.click(".record-button")
    expect(page.locator(".record-word")).to_have_text("Asking…")
    expect(page.locator(".record-sub")).to_have_text("Hindsight is slow to answer…")
    expect(page.locator('.record-button[data-state="asking"]')).to_be_disabled()
    expect(page.locator(".toast")).to_have_count(0)


def go_and_expect_shapes(page: Page, screen: str, name: str) -> None:
    """While no answer can come: the screen has its name and shapes all the same."""
    page.evaluate("(screen) => { location.hash = `#/${screen}`; }", screen)
    expect(page.locator("h1.screen-title")).to_have_text(name)
    expect(page.locator(".skeleton").first).to_be_visible()


def test_of_a_daemon_that_stands_still_nothing_is_called_live_or_recording(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """Not the picture, the buffer, the cameras or what was being recorded; all of it comes back by itself."""
    complaints.expected += SPEECHLESS
    opened(page, daemon.url)
    page.select_option("#after", "open")
    page.click(".record-button")
    expect(page.locator(".recording-note")).to_have_text("until you stop")
    with standing_still(daemon):
        expect_lost(page)
        expect(page.locator(".recording-note")).to_have_text("at last contact")
        expect(page.locator(".recording button")).to_be_disabled()
        expect(page.locator(".record-sub")).to_have_text("No connection to Hindsight")
        expect(page.locator('.badge[data-status="pending"]')).to_have_count(0)
        stood = page.locator(".recording-time").text_content()
        page.wait_for_timeout(1100)
        assert page.locator(".recording-time").text_content() == stood, (
            "a timer that runs knows that it records"
        )
    expect_found(page)
    expect(page.locator(".recording-note")).to_have_text("until you stop")
    page.click(".record-button")
    expect(page.locator(".recording")).to_have_count(0)


def test_a_press_says_asking_until_it_is_answered_and_is_recorded_once(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """At once; then that the answer takes long. "Recording" comes with the answer and never before."""
    complaints.expected += SPEECHLESS
    opened(page, daemon.url)
    page.select_option("#after", "0")
    before = len(daemon.get("/api/clips").json()["clips"])
    with standing_still(daemon):
        press_and_expect_asking(page)
    expect(page.locator(".toast", has_text="Clip is ready")).to_be_visible()
    expect_found(page)
    expect(page.locator(".record-word")).to_have_text("Record")
    assert len(daemon.get("/api/clips").json()["clips"]) == before + 1


def test_the_wall_of_all_cameras_greys_what_is_not_live_any_more(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """Each picture, and each camera's state."""
    complaints.expected += SPEECHLESS
    page.goto(f"{daemon.url}/#/?grid=1")
    expect(page.locator(".wall .state-pill", has_text="Live")).to_have_count(len(CAMERAS))
    expect(page.locator(".wall-words:empty")).to_have_count(len(CAMERAS))
    with standing_still(daemon):
        expect(page.locator(".wall-words", has_text="Connection lost")).to_have_count(
            len(CAMERAS), timeout=NOTICED_MS
        )
        expect(page.locator(".wall .state-pill", has_text="No connection")).to_have_count(len(CAMERAS))
    expect(page.locator(".wall-words:empty")).to_have_count(len(CAMERAS), timeout=BACK_MS)
    expect(page.locator(".wall .state-pill", has_text="Live")).to_have_count(len(CAMERAS))


def test_a_dead_network_is_noticed_although_no_connection_is_closed(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """A cable that is out; another screen says at once what it is, and comes when the network does."""
    complaints.expected += SPEECHLESS
    with Line(daemon.port) as line:
        opened(page, f"http://127.0.0.1:{line.port}")
        line.is_dead = True
        expect_lost(page)
        go_and_expect_shapes(page, "insights", "Insights")
        line.is_dead = False
        expect(page.locator(".figure").first).to_be_visible(timeout=BACK_MS)
        page.evaluate("location.hash = '#/?camera=front'")
        expect_found(page)


def test_late_answers_are_waited_for_with_shapes_and_words(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """Nothing is called lost, "Recording" comes with the answer, and no screen is empty meanwhile."""
    with Line(daemon.port) as line:
        opened(page, f"http://127.0.0.1:{line.port}")
        page.select_option("#after", "0")
        with line.slow():
            press_and_expect_asking(page)
        expect(page.locator(".toast", has_text="Clip is ready")).to_be_visible()
        with line.slow():
            go_and_expect_shapes(page, "schedules", "Schedules")
        expect(page.locator(".skeleton:visible")).to_have_count(0, timeout=BACK_MS)
        expect(page.get_by_role("heading", name="No schedules yet")).to_be_visible()
        expect(page.locator(".banner")).to_be_hidden()


def test_a_device_without_a_network_says_so_in_every_place(
    page: Page, context: BrowserContext, complaints: Complaints, daemon: Daemon
) -> None:
    """And Record cannot be pressed in vain."""
    complaints.expected += SPEECHLESS
    opened(page, daemon.url)
    context.set_offline(True)
    expect(page.locator(".banner")).to_contain_text("This device is offline")
    expect(page.locator(".panel .state-pill")).to_have_text("No connection")
    expect(page.locator(".record-button")).to_be_disabled()
    context.set_offline(False)
    expect_found(page)


def test_a_daemon_that_was_killed_is_found_again_with_what_it_has_now(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """Its buffer is empty, and the page does not offer the old one."""
    complaints.expected += SPEECHLESS
    daemon.wait_for_buffer(12, "front")
    opened(page, daemon.url)
    expect(page.locator(".meter-words")).to_contain_text(re.compile(r"Last (1[2-9]|[2-9]\d) s ready"))
    daemon.kill()
    expect_lost(page)
    daemon.start()
    expect(page.locator(".banner")).to_be_hidden(timeout=BACK_MS)
    words = str(page.locator(".meter-words").text_content())
    held = daemon.get("/video/buffer/status?camera=front").json()["duration_seconds"]
    said = float((re.search(r"\d+", words) or ["0"])[0]) if "ready" in words else 0
    assert said <= held + 1, words
    expect_found(page)
