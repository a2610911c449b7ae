"""What can be said of web/ by reading it: its budget, its preload list, and what a strict policy forbids."""

import re
from pathlib import Path

import pytest

from backend.http.static import as_served
from tests.support.weight import (
    FIRST,
    FIRST_STYLES,
    INDEX,
    SCRIPTS,
    STYLES,
    WEB,
    added,
    later,
    needs,
    served_bytes,
)

FIRST_SCREEN_BUDGET_BYTES = 100 * 1000
"""What has to arrive before the live picture does."""
SCREEN_BUDGET_BYTES = 40 * 1000
"""Each of the other screens, fetched when somebody goes there."""
STYLE_BUDGET_BYTES = 30 * 1000
SCREEN_STYLE_BUDGET_BYTES = 8 * 1000
LINE_CHARACTERS = 120
ELEMENT_LINES = 180
"""In Biome's lines: one statement each, and lists that do not fit into 120 characters broken up."""


def test_script_and_style_stay_within_their_budgets() -> None:
    """Counted as served, before compression: the first screen, and what each later one adds."""
    assert served_bytes(FIRST) <= FIRST_SCREEN_BUDGET_BYTES
    assert {name: size for name, size in added().items() if size > SCREEN_BUDGET_BYTES} == {}
    assert served_bytes(FIRST_STYLES) <= STYLE_BUDGET_BYTES
    assert all(served_bytes({path}) <= SCREEN_STYLE_BUDGET_BYTES for path in set(STYLES) - FIRST_STYLES)


def test_no_string_in_a_module_spans_lines() -> None:
    """Lines are served without their indentation, which such a string would lose."""
    odd = [
        f"{path.name}:{number}"
        for path in SCRIPTS
        for number, line in enumerate(as_served(path).decode().splitlines(), 1)
        if line.count("`") % 2 or line.endswith("\\")
    ]
    assert odd == []


def test_every_module_of_the_first_screen_is_preloaded_so_that_no_import_costs_a_round_trip() -> None:
    """aiohttp speaks HTTP/1.1: a chain of imports is a chain of waits."""
    preloaded = set(re.findall(r'modulepreload" href="/assets/HASH/([^"]+)"', INDEX))
    assert preloaded == {path.relative_to(WEB).as_posix() for path in FIRST} - {"start.js"}


def test_no_module_awaits_at_its_top_level() -> None:
    """Below one that does, WebKit resolves overlapping imports before their modules are evaluated."""
    waiting = re.compile(r"^(?:export )?(?:(?:const|let) .*?[=?:(] ?)?await ", re.MULTILINE)
    assert [path.name for path in SCRIPTS if waiting.search(path.read_text())] == []


def test_no_module_is_left_over() -> None:
    """What nothing imports is served and read for nothing."""
    reached = FIRST.union(*(needs(path) for path in later()))
    assert set(SCRIPTS) - reached == set()


def test_every_file_the_page_names_exists() -> None:
    """A typo in index.html would be a 404 nobody sees."""
    for name in re.findall(r'"/assets/HASH/([^"]+)"', INDEX):
        assert (WEB / name).is_file(), name


def test_no_module_takes_the_root_of_the_host_for_the_daemon() -> None:
    """A proxy may show it below a prefix: what the page fetches goes by `here` (web/base.js)."""
    resolved = r"\bhere\(|#(?:call|insist)\(|new EventLink\(|\blink\("  # these hand the path on to it
    path = r"""(?<!=)["'`]/(?!["'`/])[a-z]"""
    odd = [
        f"{script.name}: {found[0]}"
        for script in SCRIPTS
        for found in re.finditer(rf"[^;{{}}]*{path}[^\n]*", as_served(script).decode())
        if not re.search(resolved, found[0])
    ]
    assert odd == []
    manifest = (WEB / "app.webmanifest").read_text()
    assert not re.search(r'": "/', manifest)


def test_the_page_holds_no_inline_script_or_style() -> None:
    """The policy forbids them; a violation would only show in a browser."""
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", INDEX)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_module_writes_markup_or_reaches_outside(path: Path) -> None:
    """What came from outside ends as text; nothing comes from a third party."""
    source = path.read_text()
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(markup, source)
    assert not re.search(r"""['"`]https?://(?!www\.w3\.org/2000/svg)""", source)


def test_numbers_and_times_are_written_in_the_language_of_the_page() -> None:
    """`toFixed` writes a point on a German page, and a locale of the browser an English month."""
    by_hand = re.compile(r"\.(?:toFixed|toPrecision|toExponential)\(")
    elsewhere = re.compile(
        r"\.toLocale\w*String\((?!locale\b)|Intl\.\w+Format\((?!locale\b|language\b|\)\.resolved)"
    )
    found = [
        f"{path.relative_to(WEB)}:{number}"
        for path in SCRIPTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if by_hand.search(line) or elsewhere.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "path", [*SCRIPTS, *STYLES, WEB / "index.html", WEB / "types.js"], ids=lambda p: p.name
)
def test_no_line_is_longer_than_the_page_is_wide(path: Path) -> None:
    """Biome breaks code, and leaves comments, strings and the paths of icons as they are."""
    lines = enumerate(path.read_text().splitlines(), 1)
    assert [number for number, line in lines if len(line) > LINE_CHARACTERS] == []


def test_elements_stay_small() -> None:
    """A larger one holds two ideas."""
    lengths = {p.name: len(p.read_text().splitlines()) for p in (WEB / "components").glob("*.js")}
    assert {name: n for name, n in lengths.items() if n > ELEMENT_LINES} == {}


def test_modules_never_import_in_a_circle() -> None:
    """A circle makes the order of evaluation a riddle."""
    graph = {
        path: {(path.parent / name).resolve() for name in re.findall(r'from "(\.[^"]+)";', path.read_text())}
        for path in SCRIPTS
    }
    done: set[Path] = set()
    while ready := {path for path, needs in graph.items() if path not in done and needs <= done}:
        done |= ready
    assert done == set(graph)
