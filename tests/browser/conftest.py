"""A real Chromium for the page's tests: one per file, fresh profiles, and its complaints are failures."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.support.components import require

ROOT = Path(__file__).parents[2]
HOUSE = "cam.house.example"
"""A name that is not loopback and leads here: over http it is no secure context."""
BELOW = "hindsight/assets/0"
"""Where modules lie, too, for what they make of a proxy's prefix."""

CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""In order of preference; the first one installed is used."""
CHROMIUM_INSTALL_LINE = "apt-get install chromium-headless-shell"

OFF = (
    # A spare page for later costs each context as much as its own page.
    "SpareRendererForSitePerProcess",
    # The last list replaces all others, so this repeats what matters here of Playwright's own.
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
)

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(OFF)}",
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

    def listen(self, page: Page) -> Callable[[], None]:
        """Collect this page's complaints; call the result to stop."""

        def uncaught(error: Error) -> None:
            self.append(f"uncaught: {error}")

        page.on("console", self._console)
        page.on("pageerror", uncaught)

        def stop() -> None:
            page.remove_listener("console", self._console)
            page.remove_listener("pageerror", uncaught)

        return stop

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.expected):
            self.append(f"{message.type}: {message.text} ({message.location.get('url')})")


@pytest.fixture(scope="session")
def engines() -> Iterator[Playwright]:
    """Playwright, which starts browsers.

    Its event loop runs until the end, and asynchronous tests cannot run in it: the browser's tests are the
    last of a process (tests/conftest.py).
    """
    with sync_playwright() as playwright:
        yield playwright


def installed_chromium() -> str | None:
    """Its path, or None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@pytest.fixture(scope="module")
def browser(engines: Playwright) -> Iterator[Browser]:
    """One process for the tests of a file; each test has a context, and so a profile, of its own.

    A Chromium that ran for all files spent more on each picture the longer it ran, up to most of a core. The
    headless shell draws no window and needs a third less processor time.
    """
    chromium = require("Chromium", CHROMIUM_INSTALL_LINE, installed_chromium())
    launched = engines.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
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

    def translate_path(self, path: str) -> str:
        """The same files below a prefix, as a daemon behind a proxy shows them."""
        return super().translate_path(path.removeprefix(f"/{BELOW}"))

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


@pytest.fixture(scope="module")
def _modules_page(browser: Browser) -> Iterator[Page]:
    """One page for all tests of a file: a page per test costs most of a second of processor time each."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def modules_page(_modules_page: Page, modules_url: str, complaints: Complaints) -> Iterator[Page]:
    """An empty page that may load the modules; nothing of the test before is left, stored or in memory."""
    page = _modules_page
    page.goto(f"{modules_url}/icon.svg")
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    stop_listening = complaints.listen(page)
    yield page
    stop_listening()


@pytest.fixture(scope="module")
def _elements_page(browser: Browser, modules_url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 600}, locale="en-GB")
    page = context.new_page()
    html = "<!doctype html><html lang=en><title>-</title><body>"
    page.route("**/elements.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    yield page
    context.close()


@pytest.fixture
def elements(_elements_page: Page, modules_url: str, complaints: Complaints) -> Iterator[Page]:
    """An empty page for single elements of the page, handed answers by the test: no daemon."""
    page = _elements_page
    page.goto(f"{modules_url}/elements.html")
    stop_listening = complaints.listen(page)
    yield page
    stop_listening()


@pytest.fixture
def run(modules_page: Page) -> Any:
    """Runs a function body with all exports of one module in scope as `m`."""

    def evaluate(module: str, body: str, *arguments: object) -> Any:
        script = f"async ([module, args]) => {{ const m = await import(module); {body} }}"
        return modules_page.evaluate(script, [f"/{module}", list(arguments)])

    return evaluate
