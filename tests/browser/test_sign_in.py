"""Signing browsers in and out, against a daemon that knows nobody."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from backend.access.access_key import AccessKey
from tests.browser.conftest import Complaints
from tests.browser.locked import access_key, by_key, house_url, invitation, locked_daemon
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("browsers are signed in and thrown out, one after another")

CAMERA = {"id": "front", "name": "Front door", "source": "synthetic?size=320x180&fps=8&gop_s=1"}
LOCKED_WITHIN_MS = 10_000
"""What is taken away ends within five seconds; then the page is loaded again."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with locked_daemon(tmp_path_factory.mktemp("locked"), [CAMERA]) as started:
        yield started


@pytest.fixture(autouse=True)
def _nobody_is_signed_in(daemon: Daemon) -> None:
    assert daemon.request("DELETE", "/api/sessions", headers=by_key(daemon)).status == 204


@pytest.fixture
def page(page: Page, complaints: Complaints) -> Page:
    """A stranger's page: that it is refused belongs to these tests."""
    complaints.expected += ["401 (Unauthorized)", "WebSocket connection to"]
    return page


@pytest.fixture
def another(browser: Browser, complaints: Complaints) -> Iterator[Callable[[], Page]]:
    """Makes pages of browsers that share nothing with the first."""
    contexts: list[BrowserContext] = []

    def opened() -> Page:
        contexts.append(browser.new_context(locale="en-GB"))
        page = contexts[-1].new_page()
        complaints.listen(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def _wait_for_live(page: Page) -> None:
    expect(page.locator(".live-latency")).to_be_visible()


def _history(page: Page) -> list[str]:
    """Every address that this tab can go back or forward to."""
    found: Any = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    return [entry["url"] for entry in found["entries"]]


def _sign_in(page: Page, daemon: Daemon, screen: str = "") -> None:
    page.goto(f"{house_url(daemon)}{invitation(daemon)['path']}")
    expect(page.locator("hs-navigation")).to_be_visible()
    if screen:
        page.goto(f"{house_url(daemon)}/#/{screen}")


def _refused(page: Page, daemon: Daemon, words: str) -> None:
    """Type it; the form says that it does not open."""
    page.goto(daemon.url)
    page.fill("#credential", words)
    page.keyboard.press("Enter")
    expect(page.locator("#sign-in-error")).not_to_be_empty()


def test_a_link_signs_in_once_and_vanishes_from_address_and_history(
    page: Page, another: Callable[[], Page], daemon: Daemon
) -> None:
    """The cookie holds after a reload, and scripts cannot read it; the link is worth nothing any more."""
    link = daemon.url + invitation(daemon)["path"]
    page.goto(link)
    _wait_for_live(page)
    assert page.url == f"{daemon.url}/#/"
    assert not [url for url in _history(page) if "code=" in url]
    assert page.evaluate("document.cookie") == ""
    page.reload()
    _wait_for_live(page)
    late = another()
    late.goto(link)
    expect(late.locator("#sign-in-error")).to_have_text(
        "This link was used or is older than ten minutes. “hindsight open” on the box makes a new one."
    )
    assert late.url == f"{daemon.url}/#/"


def test_a_browser_that_is_signed_in_uses_up_the_links_it_follows(page: Page, daemon: Daemon) -> None:
    """No link that works is left in a history; a link without effect signs nobody out. No device is new."""
    _sign_in(page, daemon, "settings")
    expect(page.locator(".device")).to_have_count(1)
    made = invitation(daemon)
    page.evaluate("(path) => { location.hash = path.slice(1); }", made["path"])
    _wait_for_live(page)
    assert not [url for url in _history(page) if "code=" in url]
    answer = daemon.post("/api/session", {"code": made["path"].rpartition("=")[2]})
    assert answer.status == 401, "the link still works"
    page.evaluate("(path) => { location.hash = path.slice(1); }", made["path"])
    expect(page).to_have_url(re.compile("#/$"))
    page.goto(f"{house_url(daemon)}/#/settings")
    page.reload()
    expect(page.locator(".device")).to_have_count(1)


def test_a_link_that_finds_no_daemon_signs_nobody_out(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """Only the daemon's own word ends a session."""
    complaints.expected.append("net::ERR_FAILED")
    _sign_in(page, daemon)
    _wait_for_live(page)
    page.evaluate("window.before = true")
    page.route("**/api/session", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.evaluate("location.hash = '#code=token'")
    _wait_for_live(page)
    expect(page).to_have_url(re.compile("#/$"))
    assert page.evaluate("window.before")


def test_a_code_is_typed_in_small_letters_without_its_hyphen(page: Page, daemon: Daemon) -> None:
    """As people do on a phone; the field shows capitals. The whole link may be pasted as well."""
    made = invitation(daemon)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(daemon.url)
    field = page.get_by_label("Code or access key")
    expect(field).to_be_focused()
    field.press_sequentially(made["code"].lower().replace("-", ""))
    expect(field).to_have_css("text-transform", "uppercase")
    expect(field).to_have_attribute("type", "text")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.keyboard.press("Enter")
    _wait_for_live(page)
    page.context.clear_cookies()
    page.reload()
    page.get_by_label("Code or access key").fill(daemon.url + invitation(daemon)["path"])
    page.get_by_role("button", name="Sign in").click()
    _wait_for_live(page)


def test_the_form_says_what_was_wrong_and_what_to_do(page: Page, daemon: Daemon) -> None:
    """Of a code, of a key, of neither; half a code is not sent, for there are only five tries."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    error = page.locator("#sign-in-error")
    _refused(page, daemon, "ABCD-EF")
    expect(error).to_contain_text("eight letters and digits")
    assert "POST" not in sent
    _refused(page, daemon, "0000-0000")
    expect(error).to_contain_text("That code does not work.")
    expect(page.locator("#credential")).to_have_attribute("aria-invalid", "true")
    page.locator("#credential").press("ArrowRight")
    page.keyboard.type("1")
    expect(error).to_be_empty()
    _refused(page, daemon, "x" * 43)
    expect(error).to_contain_text("That is not the access key.")


def test_the_key_is_pasted_like_a_password_and_never_stands_in_an_address(page: Page, daemon: Daemon) -> None:
    """An address with it, as earlier versions printed it, is cleared and opens nothing; the form says so."""
    key = access_key(daemon)
    page.goto(f"{daemon.url}/#key={key}")
    expect(page.locator(".sign-in-notice")).to_contain_text("The access key no longer works in an address")
    assert page.url == f"{daemon.url}/#/"
    assert not [url for url in _history(page) if key in url]
    page.fill("#credential", key)
    expect(page.locator("#credential")).to_have_attribute("type", "password")
    page.keyboard.press("Enter")
    _wait_for_live(page)


def test_settings_sign_another_device_in_and_out(
    page: Page, another: Callable[[], Page], daemon: Daemon
) -> None:
    """A code and a link to copy, for so long; this device is first, the other leaves within seconds."""
    _sign_in(page, daemon, "settings")
    page.get_by_role("button", name="Sign in another device").click()
    code, link = page.locator(".invitation-code"), page.locator("#invitation-link")
    expect(code).to_have_text(re.compile(r"^\w{4}-\w{4}$"))
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"Works once, for another 0?9:\d\d\."))
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".toast")).to_contain_text("Copied.")
    other = another()
    other.goto(link.input_value())
    _wait_for_live(other)
    expect(page.locator("hs-invitation")).to_contain_text("Chrome on Linux is signed in.")
    expect(code).to_be_hidden()
    rows = page.locator(".device")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("This device")
    expect(rows.nth(1)).to_contain_text("from 127.0.0.1")
    rows.nth(1).get_by_role("button", name="Sign out Chrome on Linux").click()
    expect(rows).to_have_count(1)
    expect(other.locator(".sign-in-notice")).to_contain_text("signed out", timeout=LOCKED_WITHIN_MS)
    assert other.evaluate("document.querySelectorAll('video, canvas, img, hs-clip-card').length") == 0
    expect(page.locator(".device")).to_have_count(1)


def test_all_other_devices_are_signed_out_after_a_question(
    page: Page, another: Callable[[], Page], daemon: Daemon
) -> None:
    """After a lost phone. The answer that changes nothing has the focus."""
    other = another()
    _sign_in(other, daemon)
    _sign_in(page, daemon, "settings")
    question = page.get_by_role("alertdialog")
    page.get_by_role("button", name="Sign out all other devices").click()
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.locator(".device").count() > 1
    page.get_by_role("button", name="Sign out all other devices").click()
    question.get_by_role("button", name="Sign out").click()
    expect(page.locator(".device")).to_have_count(1)
    expect(page.get_by_role("button", name="Sign out all other devices")).to_be_hidden()
    expect(other.locator(".sign-in-notice")).to_contain_text("signed out", timeout=LOCKED_WITHIN_MS)


def test_signing_out_leaves_nothing_of_before_in_the_page(page: Page, daemon: Daemon) -> None:
    """Neither picture nor clip nor video, also not by the Back button; the cookie is worth nothing."""
    page.goto(daemon.url + invitation(daemon)["path"])
    _wait_for_live(page)
    expect(page.locator(".record-button")).to_be_enabled()
    page.keyboard.press("s")
    expect(page.locator("hs-clip-card").first).to_be_visible()
    cookies: Any = page.context.cookies()
    page.goto(f"{daemon.url}/#/settings")
    page.evaluate("window.before = true")
    page.locator(".device").first.get_by_role("button").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Sign out").click()
    expect(page.locator(".sign-in-notice")).to_have_text("You are signed out.")
    assert page.url == f"{daemon.url}/"
    for _ in range(2):
        assert page.evaluate("window.before") is None, "the page was not loaded again"
        assert page.evaluate("document.querySelectorAll('video, canvas, img, hs-clip-card').length") == 0
        expect(page.locator("hs-sign-in")).to_be_visible()
        page.go_back()
    page.context.add_cookies(cookies)
    page.goto("about:blank")
    page.goto(daemon.url)
    expect(page.locator("hs-sign-in")).to_be_visible()


def test_an_event_stream_that_ends_with_the_session_leads_to_the_form(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """On every open page, each of which is back where it was once the browser is signed in again."""
    complaints.expected.append("net::ERR_")
    page.goto(daemon.url + invitation(daemon)["path"])
    _wait_for_live(page)
    second = page.context.new_page()
    second.goto(f"{daemon.url}/#/clips")
    expect(second.locator("hs-clips-screen")).to_be_visible()
    AccessKey(daemon.data_dir).replace()
    daemon.stop()
    daemon.start(wait=False)
    for opened in (page, second):
        expect(opened.locator(".sign-in-notice")).to_contain_text("This browser was signed out")
    second.fill("#credential", invitation(daemon)["code"])
    second.keyboard.press("Enter")
    expect(second.locator("hs-clips-screen")).to_be_visible()
    assert second.url == f"{daemon.url}/#/clips"


def test_the_page_says_where_others_can_read_along(page: Page, daemon: Daemon) -> None:
    """On the form, in Settings and beside the navigation; by loopback nobody can."""
    words = "Not encrypted: others on this network can read along"
    page.goto(house_url(daemon))
    expect(page.locator("hs-sign-in")).to_contain_text(words)
    _sign_in(page, daemon)
    _wait_for_live(page)
    mark = page.get_by_role("link", name=words)
    expect(mark).to_have_attribute("title", words)
    mark.click()
    expect(page.locator("hs-settings-screen")).to_contain_text(words)
    page.goto(daemon.url)
    expect(page.locator("hs-sign-in")).to_be_visible()
    expect(page.get_by_text("Not encrypted")).to_be_hidden()
    page.goto(daemon.url + invitation(daemon)["path"])
    page.goto(f"{daemon.url}/#/settings")
    expect(page.locator(".device").first).to_be_visible()
    expect(page.get_by_text("Not encrypted")).to_be_hidden()
    expect(page.get_by_role("link", name=words)).to_have_count(0)


def test_the_playback_check_takes_code_or_key(page: Page, daemon: Daemon) -> None:
    """The given page has a form of its own, without the page's modules."""
    for words in (invitation(daemon)["code"], access_key(daemon)):
        page.goto(f"{daemon.url}/test_video_playback.html")
        page.get_by_label("Code or access key").fill(words)
        page.keyboard.press("Enter")
        expect(page.locator("#sign-in")).to_be_hidden()
        expect(page.locator("#clips tr, #empty:not([hidden])").first).to_be_visible()
        page.context.clear_cookies()
