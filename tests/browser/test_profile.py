"""What a browser keeps on its disk of a session with Hindsight: no key, and no link that works."""

import base64
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.browser.conftest import (
    CHROMIUM_ARGUMENTS,
    CHROMIUM_INSTALL_LINE,
    Complaints,
    installed_chromium,
)
from tests.browser.locked import access_key, first_link, invitation, locked_daemon
from tests.support.components import require
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("a browser with a profile of its own starts, and ends in good order")

CAMERA = {"id": "front", "name": "Front door", "source": "synthetic?size=320x180&fps=8&gop_s=1"}
CANARY = "canary-0123456789-canary"
PIECE = 16


def test_a_profile_holds_no_access_key_and_no_link_that_works(
    engines: Playwright, complaints: Complaints, tmp_path: Path
) -> None:
    """The first start's link, a typed code, the key pasted into the form, a clip, a reload, signing out.

    The search proves itself by a word that the page stored; so does the log by the link that it holds.
    """
    profile = tmp_path / "profile"
    with locked_daemon(tmp_path, [CAMERA]) as daemon:
        key, link = access_key(daemon), first_link(daemon)
        context = _persistent(engines, profile)
        page = context.pages[0]
        complaints.expected += ["401 (Unauthorized)", "WebSocket connection to"]
        complaints.listen(page)
        _use(page, daemon, link)
        _type_key(page, daemon, key)
        context.close()
        files = {path: path.read_bytes() for path in profile.rglob("*") if path.is_file()}
        assert _holding(files, CANARY), "this search finds nothing at all"
        assert _holding(files, key) == []
        log = daemon.log_path.read_text()
        assert key not in log
        assert link in log
        assert daemon.post("/api/session", {"code": link.rpartition("=")[2]}).status == 401


def _persistent(engines: Playwright, profile: Path) -> BrowserContext:
    """The whole browser where there is one: the shell keeps no history."""
    whole = shutil.which("chromium") or shutil.which("chromium-browser")
    chromium = require("Chromium", CHROMIUM_INSTALL_LINE, whole or installed_chromium())
    arguments = [*CHROMIUM_ARGUMENTS, *(["--headless=new"] if whole else [])]
    return engines.chromium.launch_persistent_context(
        profile, executable_path=chromium, args=arguments, headless=not whole, locale="en-GB"
    )


def _use(page: Page, daemon: Daemon, link: str) -> None:
    """Come by the link, record, reload, sign out; come back by a code, and leave again."""
    page.goto(link)
    expect(page.locator(".live-latency")).to_be_visible()
    page.evaluate("(word) => localStorage.setItem('canary', word)", CANARY)
    page.click(".record-button")
    expect(page.locator("hs-clip-card").first).to_be_visible()
    page.reload()
    expect(page.locator(".live-latency")).to_be_visible()
    _sign_out(page, daemon)
    page.fill("#credential", invitation(daemon)["code"])
    page.keyboard.press("Enter")
    expect(page.locator(".live-latency")).to_be_visible()
    _sign_out(page, daemon)


def _type_key(page: Page, daemon: Daemon, key: str) -> None:
    """The two ways by which a person can give the browser the key itself, and a tab that is left as it is."""
    page.fill("#credential", key)
    page.keyboard.press("Enter")
    expect(page.locator(".live-latency")).to_be_visible()
    _sign_out(page, daemon)
    page.fill("#credential", key)


def _sign_out(page: Page, daemon: Daemon) -> None:
    page.goto(f"{daemon.url}/#/settings")
    page.locator(".device").first.get_by_role("button").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Sign out").click()
    expect(page.locator(".sign-in-notice")).to_have_text("You are signed out.")


def _holding(files: dict[Path, bytes], secret: str) -> list[Path]:
    """The files with a piece of it: as it is, in UTF-16 as the browser's own strings, or as Base64."""
    pieces = [secret[at : at + PIECE] for at in range(len(secret) - PIECE + 1)]
    plain = [piece.encode() for piece in pieces]
    shapes = [*plain, *(piece.encode("utf-16-le") for piece in pieces)]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret.encode())
        shapes.append(coded[4:20])
    return [path for path, content in files.items() if any(shape in content for shape in shapes)]
