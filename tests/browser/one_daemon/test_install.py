"""The page as an app: offered where the context is secure, and no word about it where it is not."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HOUSE, Complaints
from tests.browser.locked import invitation
from tests.browser.one_daemon.test_page import record, wait_for_live
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("the first of its folder: buffers of seven seconds are filled")


def test_where_the_context_is_secure_the_page_can_be_installed(page: Page, daemon: Daemon) -> None:
    """Chromium itself reads the manifest and finds nothing that keeps it from offering it."""
    page.goto(daemon.url)
    wait_for_live(page)
    session = page.context.new_cdp_session(page)
    told: Any = session.send("Page.getAppManifest")
    assert told["errors"] == []
    assert json.loads(told["data"])["name"] == "Hindsight"
    answer = page.request.get(told["url"])
    assert answer.headers["content-type"] == "application/manifest+json; charset=utf-8"
    for icon in json.loads(told["data"])["icons"]:
        found = page.request.get(told["url"].rpartition("/")[0] + "/" + icon["src"])
        assert (found.status, found.headers["content-type"].partition(";")[0]) == (200, icon["type"])
    found = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A profile without a past is off the record, which is the test's and not the page's.
    assert [error["errorId"] for error in found if error["errorId"] != "in-incognito"] == []


def test_over_plain_http_the_page_works_and_the_console_stays_silent(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """As everybody in the house opens it first: no secure context, nothing missed, nothing complained of."""
    page.goto(f"http://{HOUSE}:{daemon.port}{invitation(daemon)['path']}")
    wait_for_live(page)
    assert page.evaluate("isSecureContext") is False
    clip = record(page)
    expect(page.locator(f'hs-clip-card[data-id="{clip["id"]}"]')).to_be_visible()
    page.goto(f"http://{HOUSE}:{daemon.port}/#/clips")
    expect(page).to_have_url(re.compile("#/clips$"))
    expect(page.locator("hs-gallery-grid hs-clip-card").first).to_be_visible()
    assert complaints == []
