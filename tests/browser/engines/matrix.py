"""Writes docs/ref/browsers.md, with its pictures: `python -m tests.browser.engines.matrix [FOLDER]`.

Starts a box with cameras of five kinds and a locked one, and does everything that `probes` lists in each of
the three engines, one after the other: about four minutes. The page says what was seen. FOLDER is another
place for the page and its pictures.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from recorder.bitstream.access_unit import Codec
from tests.browser.conftest import CHROMIUM_ARGUMENTS, installed_chromium
from tests.browser.engines import ways
from tests.browser.engines.probes import PROBES, Visit
from tests.browser.locked import locked_daemon
from tests.browser.small_png import smaller
from tests.support.cameras.films import write_flash_film
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.daemon import ROOT, Daemon
from tests.support.engines.chromium import Chromium
from tests.support.engines.engine import Engine
from tests.support.engines.firefox import Firefox, installed_firefox
from tests.support.engines.webkit import WebKit

REF = ROOT / "docs" / "ref"
ENGINES = (Chromium.name, Firefox.name, WebKit.name)
ENDS = ("first", "last")
H265 = Material(width=320, height=180, fps=ways.FPS, gop=10, frames=600, codec=Codec.H265)
JPEG = Material(width=320, height=176, fps=ways.FPS, frames=600, codec=Codec.MJPEG)
_INTRODUCTION = """# Browsers

Written by `python -m tests.browser.engines.matrix`: each engine did on the page what a person does, and every
cell says what was seen. Pictures are told apart by the number that the test camera paints into them. The
promises among these rows are tests, too (`tests/browser/engines`), which run with the whole suite.

| | |
|---|---|
| Seen | {date} |
| System | {system} |
| Busy before | {load:.1f} programs at work (load average) on {cores} cores |
| Camera of the clip | a GOP of ten seconds, with B-frames |
| Clip | {frames} pictures; its file hides {lead_in_s:.1f} s before the first |
"""
_NOTES = """
- *WebKitGTK* is as near to Safari as Debian comes: the same engine with another media player (GStreamer). It
  ran on a virtual screen, Chromium and Firefox without a window, all without graphics hardware and sound.
- *Painted n of m pictures*: a busy machine paints fewer than it plays.
- *Honours an edit list*: what a clip's file hides before its start is skipped
  ([0006](../adr/0006-exact-cuts-by-edit-list.md)). For a browser that plays it there is the
  [clean form](../adr/0050-clean-form.md). WebKitGTK shows nothing of a file that hides more than it shows.
- *Seeking after the end*: WebKitGTK 2.50 seeks in an ended video only when it plays again, on any page.
- *H.265 files*: what the browser says of `hvc1`; the row of the H.265 camera was played.

## The first and the last picture of the same clip

As each engine painted them on the page.
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one engine did."""

    name: str
    version: str
    cells: Sequence[str]
    pictures: Sequence[bytes]
    """First and last of the clip, as PNG; none if it did not play."""


def picture_name(end: str, engine: str) -> str:
    """The file of a clip's first or last picture in an engine."""
    return f"{end}-{engine.partition(' ')[0].lower()}.png"


def rows_of(page: str) -> list[str]:
    """The names of the rows of a page's table of engines."""
    table = page.partition("| | Chromium")[2].partition("\n\n")[0]
    return [line.split("|")[1].strip() for line in table.splitlines()[2:]]


def as_page(seen: Sequence[Seen], clip: ways.Clip, load: float) -> str:
    """The whole page."""
    introduction = _INTRODUCTION.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        system=platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        load=load,
        cores=len(os.sched_getaffinity(0)),
        frames=clip["frame_count"],
        lead_in_s=clip["lead_in_seconds"],
    )
    head = ["", *(f"{each.name} {each.version}" for each in seen)]
    rows = [[probe.row, *(each.cells[n] for each in seen)] for n, probe in enumerate(PROBES)]
    pictures = [
        [end.capitalize(), *(f"![{end}](pictures/{picture_name(end, each.name)})" for each in seen)]
        for end in ENDS
    ]
    return "\n".join([introduction, _table(head, rows), _NOTES, _table(["", *ENGINES], pictures), ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines).replace("|  |", "| |")


@contextmanager
def _box(folder: Path) -> Iterator[Daemon]:
    write_flash_film(folder / "film.mp4", frames=300)
    with ExitStack() as stack:
        cameras = [
            ways.FRONT,
            ways.FAR,
            {"id": "film", "name": "Film", "source": f"file:{folder / 'film.mp4'}"},
        ]
        for name, material in (("h265", H265), ("jpeg", JPEG)):
            camera = stack.enter_context(RtspCamera(material))
            cameras.append({"id": name, "name": name, "source": camera.url()})
        daemon = stack.enter_context(Daemon(folder, cameras, buffer={"codec": "source"}))
        for camera_id in ("film", "h265", "jpeg"):
            daemon.wait_for_buffer(3, camera_id)
        yield daemon


def _starts(playwright: Playwright, folder: Path) -> Iterator[Callable[[], Engine]]:
    for name in ENGINES:
        (folder / name).mkdir()
    arguments = list(CHROMIUM_ARGUMENTS)
    browser = playwright.chromium.launch(executable_path=installed_chromium(), args=arguments)
    yield lambda: Chromium(browser)
    browser.close()
    yield lambda: Firefox(Path(installed_firefox() or "firefox-esr"), folder / Firefox.name)
    yield lambda: WebKit(folder / WebKit.name)


def _visit(visit: Visit) -> Seen:
    cells = []
    for probe in PROBES:
        cells.append(probe.cell(visit))
        print(f"{visit.engine.name}: {probe.row}: {cells[-1]}", flush=True)
    played = visit.__dict__.get("played")  # only if it did
    pictures = [smaller(png) for png in (played.first_png, played.last_png) if png] if played else []
    return Seen(visit.engine.name, visit.engine.version, cells, pictures)


def main(arguments: Sequence[str]) -> int:
    """Look, and write what was seen."""
    target = Path(arguments[0]) if arguments else REF
    load = os.getloadavg()[0]
    seen = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        daemon = stack.enter_context(_box(folder))
        (folder / "locked").mkdir()
        locked = stack.enter_context(locked_daemon(folder / "locked", [ways.FRONT]))
        clip, late = (ways.record_inside_a_gop(daemon, hides) for hides in ("less", "more"))
        counters = ways.counters_of_clip(daemon, clip)
        for start in _starts(stack.enter_context(sync_playwright()), folder):
            with start() as engine:
                seen.append(_visit(Visit(engine, daemon, locked, clip, late, counters)))
    (target / "pictures").mkdir(parents=True, exist_ok=True)
    for each in seen:
        for end, png in zip(ENDS, each.pictures, strict=False):
            (target / "pictures" / picture_name(end, each.name)).write_bytes(png)
    (target / "browsers.md").write_text(as_page(seen, clip, load))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
