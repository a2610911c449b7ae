"""The page in a frame of a dashboard: only of one that is named, and signed in only on the same site."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import HOUSE, Complaints
from tests.browser.locked import invitation
from tests.support.daemon import Daemon, locked_daemon

pytestmark = pytest.mark.slow("a browser signs in inside frames")


class _Dashboard(BaseHTTPRequestHandler):
    """Shows the page whose address stands behind the question mark."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        frame = f'<iframe src="{self.path.partition("?")[2]}" width="1000" height="700"></iframe>'
        self.wfile.write(f'<!doctype html><link rel="icon" href="data:,">{frame}'.encode())

    def log_message(self, format: str, *args: object) -> None:
        """A test run is no place for an access log."""


@dataclass(frozen=True)
class Framed:
    """A daemon, and the port of a dashboard that is also known as HOUSE."""

    daemon: Daemon
    dashboard: int


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Framed]:
    """Two names of the dashboard may show the page; `localhost` is a third."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dashboard)
    port = server.server_address[1]
    thread = Thread(target=server.serve_forever, name="dashboard", daemon=True)
    thread.start()
    named = [f"http://127.0.0.1:{port}", f"http://{HOUSE}:{port}"]
    try:
        with locked_daemon(tmp_path_factory.mktemp("framed"), frame_ancestors=named) as daemon:
            yield Framed(daemon, port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _open(page: Page, name: str, framed: Framed) -> FrameLocator:
    page.goto(f"http://{name}:{framed.dashboard}/?{framed.daemon.url}/")
    return page.frame_locator("iframe")


def _sign_in(frame: FrameLocator, daemon: Daemon) -> None:
    frame.locator("#credential").fill(invitation(daemon)["code"])
    frame.locator("#credential").press("Enter")


def test_on_the_same_site_a_dashboard_shows_the_page_signed_in(
    page: Page, complaints: Complaints, framed: Framed
) -> None:
    """Another port is the same site; the next visit is signed in as well."""
    complaints.expected += ["401 (Unauthorized)"]
    frame = _open(page, "127.0.0.1", framed)
    _sign_in(frame, framed.daemon)
    expect(frame.locator(".live-latency")).to_be_visible()
    page.reload()
    expect(frame.locator(".live-latency")).to_be_visible()


def test_on_another_site_the_page_is_shown_and_stays_locked(
    page: Page, complaints: Complaints, framed: Framed
) -> None:
    """Browsers keep the cookie from it, which is what keeps foreign pages out."""
    complaints.expected += ["401 (Unauthorized)", "WebSocket connection to"]
    frame = _open(page, HOUSE, framed)
    with page.expect_response(lambda answer: answer.request.method == "POST") as pending:
        _sign_in(frame, framed.daemon)
    assert pending.value.status == 200
    page.reload()
    expect(frame.locator("#credential")).to_be_visible()


def test_a_page_that_is_not_named_shows_nothing(page: Page, complaints: Complaints, framed: Framed) -> None:
    """Its buttons cannot lie over ours."""
    complaints.expected += ["frame-ancestors"]
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        frame = _open(page, "localhost", framed)
    expect(frame.locator("#credential, .live-latency")).to_have_count(0)
