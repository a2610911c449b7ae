"""A real Chromium for the page's tests: one for all, fresh profiles, and its complaints are failures."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.support.components import require

ROOT = Path(__file__).parents[2]
HOUSE = "cam.house.example"
"""A name that is not loopback and leads here: over http it is no secure context."""

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {HOUSE} 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
)


# What the page waits for is a daemon and its workers on two busy cores; a deadline here only ends what hangs.
expect.set_options(timeout=20_000)


class Complaints(list[str]):
    """What the browser's console said, without what a test expects to be said."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: list[str] = []

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.expected):
            self.append(f"{message.type}: {message.text} ({message.location.get('url')})")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One process for all tests; each test has a context, and so a profile, of its own.

    Playwright's event loop runs until the end, and asynchronous tests cannot run inside it: the browser's
    tests are the last of a process (tests/conftest.py).
    """
    chromium = require("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Not the daemon's time zone: a page that forgets zones shows it."""
    made = browser.new_context(
        viewport={"width": 1280, "height": 800}, timezone_id="America/St_Johns", locale="en-GB"
    )
    yield made
    made.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Console errors, uncaught exceptions and CSP violations: none may be left at the end."""
    heard = Complaints()
    yield heard
    assert not heard, "\n".join(heard)


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    complaints.listen(opened)
    return opened


class _Modules(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """A test run is no place for an access log."""


@pytest.fixture(scope="session")
def modules_url() -> Iterator[str]:
    """The files of web/ as they are, for tests of single modules."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Modules, directory=str(ROOT / "web")))
    thread = Thread(target=server.serve_forever, name="modules", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def run(page: Page, modules_url: str) -> Any:
    """Runs a function body with all exports of one module in scope as `m`."""
    page.goto(f"{modules_url}/icon.svg")

    def evaluate(module: str, body: str, *arguments: object) -> Any:
        script = f"async ([module, args]) => {{ const m = await import(module); {body} }}"
        return page.evaluate(script, [f"/{module}", list(arguments)])

    return evaluate
