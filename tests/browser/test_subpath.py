"""The page below a path, behind nginx: once only the proxy knows the path, once the daemon does, too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.browser.locked import by_key, invitation
from tests.browser.one_daemon.test_page import lengths, record, wait_for_live
from tests.support.daemon import Daemon, locked_daemon
from tests.support.proxies import below, require_proxy

pytestmark = pytest.mark.slow("every screen of a page behind a real proxy")

PATH = "/hindsight"
SCREENS = ("Clips", "Feed", "Schedules", "Insights", "Settings")


@dataclass(frozen=True)
class Shown:
    """A daemon, and the page as the proxy shows it."""

    daemon: Daemon
    page: str
    outside: Path
    """What was requested of the proxy outside the path, one line each."""


@pytest.fixture(scope="module", params=[["127.0.0.1"], []], ids=["the daemon knows", "the proxy alone knows"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Below PATH, which the proxy says; the daemon listens only if it trusts that proxy."""
    require_proxy("nginx")
    folder = tmp_path_factory.mktemp("below")
    with (
        locked_daemon(folder, trusted_proxies=request.param) as daemon,
        below("nginx", folder / "proxy", {PATH: daemon.port}) as port,
    ):
        yield Shown(daemon, f"http://127.0.0.1:{port}{PATH}/", folder / "proxy" / "outside")


def _sign_in(page: Page, shown: Shown, complaints: Complaints) -> None:
    complaints.expected += ["401 (Unauthorized)"]
    page.goto(shown.page.rstrip("/") + invitation(shown.daemon)["path"])
    wait_for_live(page)


def test_the_page_below_a_path_shows_records_plays_and_keeps_its_links(
    page: Page, complaints: Complaints, shown: Shown
) -> None:
    """Live picture, Record, the clip's link after a reload, every screen; and nothing is fetched outside."""
    _sign_in(page, shown, complaints)
    assert page.url == f"{shown.page}#/"
    lengths(page, 5, 0)
    clip = record(page)
    page.goto(f"{shown.page}#/clips/{clip['id']}")
    picture = page.locator(f'hs-clip-card[data-id="{clip["id"]}"] img')
    for _ in range(2):
        expect(page.locator("hs-clip-dialog video")).to_be_visible(timeout=40_000)
        page.wait_for_function(
            "() => document.querySelector('hs-clip-dialog video').currentTime > 0.2", timeout=40_000
        )
        page.wait_for_function("(image) => image.naturalWidth > 0", arg=picture.element_handle())
        page.reload()
    with page.expect_download() as pending:
        page.get_by_role("link", name="Download", exact=True).first.click()
    assert pending.value.url.startswith(f"{shown.page}api/clips/{clip['id']}/download")
    for screen in SCREENS:
        page.goto(f"{shown.page}#/{screen.lower()}")
        expect(page.locator("h1.screen-title")).to_contain_text(screen)
    links = page.locator(".setting-links a")
    expect(links.first).to_be_visible()
    for link in links.all():
        assert page.request.get(str(link.evaluate("(a) => a.href"))).status == 200
    assert shown.outside.read_text() == ""


def test_looking_back_and_its_pictures_work_below_a_path(
    page: Page, complaints: Complaints, shown: Shown
) -> None:
    """Filmstrip, replay and single pictures."""
    shown.daemon.wait(
        lambda: (
            shown.daemon.request("GET", "/video/buffer/status", headers=by_key(shown.daemon)).json()[
                "duration_seconds"
            ]
            > 5
        ),
        30,
        "five seconds buffered",
    )
    _sign_in(page, shown, complaints)
    line = page.locator("hs-rewind-timeline")
    expect(line).to_be_visible(timeout=20_000)
    with page.expect_response(lambda answer: f"{PATH}/replay/" in answer.url and answer.ok):
        line.click()
    page.keyboard.press(",")
    expect(page.locator("hs-rewind-tools")).to_be_visible()
    assert shown.outside.read_text() == ""


def test_an_invitation_leads_below_the_path_and_signing_out_stays_there(
    page: Page, complaints: Complaints, shown: Shown
) -> None:
    """The link that Settings show is the one that another device can follow."""
    _sign_in(page, shown, complaints)
    page.goto(f"{shown.page}#/settings")
    page.get_by_role("button", name="Sign in another device").click()
    link = page.locator("#invitation-link")
    expect(link).to_have_value(re.compile(re.escape(f"{shown.page}#code=") + ".+"))
    page.locator(".device").first.get_by_role("button", name="Sign out").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Sign out").click()
    expect(page.locator("#credential")).to_be_visible()
    assert page.url.partition("#")[0] == shown.page
    assert shown.outside.read_text() == ""
