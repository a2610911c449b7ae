"""What a person waits for, seen from inside a browser: opening, watching, Record, looking back, scrolling.

Chromium, the daemon and the cameras share this machine. What runs in the page is in browser.js; it looks once
per animation frame, so every figure is up to one frame (17 ms) long.
"""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from backend.base.ids import recorder_id
from benchmarks import many_rows
from benchmarks.camera import cameras
from benchmarks.daemon import BenchmarkFailed, Daemon, daemon
from benchmarks.report import Table, Value, percentile
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.support.cameras.material import Material
from tests.support.weight import FIRST, FIRST_STYLES, STYLES, added, served_bytes

IN_PAGE = Path(__file__).with_name("browser.js")
SHORT_GOP = Material(width=1280, height=720, fps=30, gop=30, frames=900)
LONG_GOP = Material(width=1280, height=720, fps=30, gop=300, frames=900)
SIZE = {"width": 1280, "height": 800}
OPENINGS = 5
SETTLE_S, LIVE_S = 5.0, 15.0
LOOKS, LOOK_BACK_MS = 20, 15_000
LOAD_S, SCROLL_S, SCROLL_STEP_PX = 90.0, 10.0, 60
FRAME_MS = 1000 / 60


@dataclass(frozen=True, slots=True)
class _Measured:
    """`aim` is a sentence's end, or empty where nothing was promised."""

    name: str
    values_ms: Sequence[float]
    aim: str


def run(where: Path, seconds: float, tries: int, clips: int) -> list[Table]:
    """What is waited for, how the long list scrolls, and what is fetched."""
    # Before the browser: Playwright's event loop leaves room for no other.
    data = where / "list" / "data"
    data.mkdir(parents=True)
    url, pictures = f"sqlite:///{data / 'catalogue.sqlite'}", many_rows.picture(data)
    asyncio.run(many_rows.fill(url, clips, recorder_id(data), pictures))
    with chromium() as browser:
        return [
            _waits(where / "live", browser, seconds, tries),
            _list(where / "list", browser, clips),
            _bytes(),
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for a while; what goes wrong in it is a BenchmarkFailed."""
    program = shutil.which("chromium")
    if program is None:
        raise BenchmarkFailed("Chromium is missing: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_ARGUMENTS))
        try:
            yield browser
        except Error as error:
            raise BenchmarkFailed(f"in the browser: {error.message}") from error
        finally:
            browser.close()


@contextmanager
def fresh_page(browser: Browser, address: str) -> Iterator[Page]:
    """A page with nothing in any cache."""
    context = browser.new_context(viewport=SIZE, locale="en-GB")  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.add_init_script(path=IN_PAGE)
        page.goto(address, wait_until="commit")
        yield page
    finally:
        context.close()


def _waits(where: Path, browser: Browser, seconds: float, tries: int) -> Table:
    where.mkdir()
    buffer_s = max(seconds, LOOK_BACK_MS / 1000 + 10)
    with ExitStack() as stack:
        sources = [stack.enter_context(cameras(1, material))[0] for material in (SHORT_GOP, LONG_GOP)]
        box = stack.enter_context(daemon(where, sources, buffer_s))
        box.wait_for_buffer(LOOK_BACK_MS / 1000 + 5, buffer_s + 60)
        measured = [_openings(browser, box)]
        with fresh_page(browser, f"http://127.0.0.1:{box.port}/#/?camera=cam0") as page:
            _ask(page, "firstPicture")
            page.wait_for_timeout(1000 * SETTLE_S)
            lags = _ask(page, "latency", LIVE_S)
            measured.append(_Measured("live, from receipt to paint", lags, "p50 ≤ 200, p95 ≤ 350"))
            measured += _looks(page, "GOP 1 s", "≤ 100")
            measured += _presses(page, tries)
        with fresh_page(browser, f"http://127.0.0.1:{box.port}/#/?camera=cam1") as page:
            _ask(page, "firstPicture")
            measured += _looks(page, "GOP 10 s", "≤ 1000")
    return _table(measured)


def _openings(browser: Browser, box: Daemon) -> _Measured:
    opened = []
    for _ in range(OPENINGS):
        with fresh_page(browser, f"http://127.0.0.1:{box.port}/#/?camera=cam0") as page:
            opened.append(_ask(page, "firstPicture"))
    return _Measured("address entered → first live picture", opened, "")


def _presses(page: Page, tries: int) -> list[_Measured]:
    page.select_option("#before", "5")
    page.select_option("#after", "0")
    waits = []
    for _ in range(tries):
        waits.append(_ask(page, "press"))
        page.keyboard.press("Escape")
    shown, playable = zip(*waits, strict=True)
    return [
        _Measured("press → card", shown, ""),
        _Measured("press → its first picture in the player", playable, ""),
    ]


def _looks(page: Page, name: str, aim: str) -> list[_Measured]:
    """The first look opens the pinned replay, so it stands for itself."""
    _ask(page, "filmstrip")
    near, exact = zip(*(_ask(page, "look", ago_ms) for ago_ms in _spread(LOOKS + 1)), strict=True)
    page.evaluate("bench.leaveLook()")
    return [
        _Measured(f"first look back, {name}", exact[:1], ""),
        _Measured(f"look back, {name}", exact[1:], aim),
        _Measured(
            f"its neighbouring picture, {name}", [ms for ms in near[1:] if ms is not None], "shown meanwhile"
        ),
    ]


def _spread(count: int) -> list[float]:
    """Moments far from each other, so that no look is the last one's neighbour."""
    return [1000 + (n * 0.618 % 1) * LOOK_BACK_MS for n in range(count)]


def _ask(page: Page, question: str, *values: float) -> Any:
    return page.evaluate("([question, values]) => bench[question](...values)", [question, values])


def _table(measured: Sequence[_Measured]) -> Table:
    rows: list[list[Value]] = []
    for one in measured:
        found = one.values_ms
        figures: list[Value] = [None, None, None]
        if found:
            figures = [percentile(found, 0.5), percentile(found, 0.95), max(found)]
        rows.append([one.name, *figures, len(found), one.aim or None])
    return Table(
        "In the browser: two cameras, 1280 × 720 at 30 frames a second over RTSP",
        ["milliseconds", "p50", "p95", "slowest", "times", "aim"],
        rows,
        [
            "Headless Chromium decodes and paints on the cores that also run the daemon and the cameras.",
            "Live: from the frame's label, given by the daemon on receipt, to the moment it was to be on "
            f"screen; every frame of {LIVE_S:g} s, {SETTLE_S:g} s after opening.",
            "Nothing is in the browser's cache. The player's first picture includes opening the clip.",
        ],
    )


def _list(where: Path, browser: Browser, clips: int) -> Table:
    with (
        daemon(where, ["synthetic?size=320x180&fps=5"], 5) as box,
        fresh_page(browser, f"http://127.0.0.1:{box.port}/#/clips") as page,
    ):
        page.locator("hs-gallery-grid hs-clip-card").first.wait_for()
        before = _held(page)
        took_ms, loaded = _ask(page, "loadAll", clips, 1000 * LOAD_S)
        intervals = _ask(page, "scroll", SCROLL_S, SCROLL_STEP_PX)
        after = _held(page)
    dropped = sum(round(ms / FRAME_MS) - 1 for ms in intervals if ms > 1.5 * FRAME_MS)
    rows: list[list[Value]] = [
        ["frames painted while scrolling", len(intervals)],
        ["frames dropped", dropped],
        ["% dropped", 100 * dropped / (len(intervals) + dropped)],
        ["longest frame, ms", max(intervals)],
        ["clips in the list", loaded],
        ["seconds until they were fetched", took_ms / 1000],
        ["MB of script memory, first page", before[0] / 1e6],
        ["MB of script memory, with the list", after[0] / 1e6],
        ["nodes in the document, first page", before[1]],
        ["nodes in the document, with the list", after[1]],
    ]
    return Table(
        f"In the browser: the gallery with {clips:,} clips".replace(",", " "),
        ["", "gallery"],
        rows,
        [
            f"{SCROLL_S:g} s at {SCROLL_STEP_PX} px a frame, window {SIZE['width']} × {SIZE['height']}; "
            "memory after a collection.",
            "Every card has the same picture, 640 × 360, at an address of its own.",
        ],
    )


def _held(page: Page) -> tuple[float, int]:
    """Bytes of live script objects, and nodes of the document."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = float(session.send("Runtime.getHeapUsage")["usedSize"])
    session.detach()
    return used, page.evaluate("document.querySelectorAll('*').length")


def _bytes() -> Table:
    rows: list[list[Value]] = [
        ["script: first screen", served_bytes(FIRST), 100_000],
        ["style: first screen", served_bytes(FIRST_STYLES), 30_000],
    ]
    rows += [[f"script: {name}", size, 40_000] for name, size in added().items()]
    rows += [
        [f"style: {path.name}", served_bytes({path}), 8000] for path in STYLES if path not in FIRST_STYLES
    ]
    return Table(
        "In the browser: what is fetched, in bytes before compression",
        ["", "bytes", "budget"],
        rows,
        ["As served. What comes later counts what it adds to the first screen."],
    )
