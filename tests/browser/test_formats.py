"""How the page writes numbers and times, and where a time needs more words; without a daemon."""

from typing import Any

import pytest
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def in_berlin(browser: Browser, modules_url: str) -> Any:
    """Runs a function body on a German page in a zone that repeats an hour."""
    context = browser.new_context(locale="de-DE", timezone_id="Europe/Berlin")
    page = context.new_page()
    page.goto(f"{modules_url}/icon.svg")

    def evaluate(module: str, body: str) -> Any:
        return page.evaluate(f"async (module) => {{ const m = await import(module); {body} }}", f"/{module}")

    yield evaluate
    context.close()


def test_a_german_page_writes_numbers_as_german_does(in_berlin: Any) -> None:
    """A comma before decimals, a point between thousands."""
    found = in_berlin(
        "format.js",
        """const { formatShare } = await import("/charts.js");
        return [m.formatNumber(0.2, 2), m.formatNumber(1234), m.formatBytes(2.54e9), m.formatPercent(0.426),
          formatShare(0.4352), m.formatNumber(-0.001, 1)];""",
    )
    assert found == ["0,20", "1.234", "2,5\xa0GB", "43 %", "43,5 %", "0,0"]


def test_an_english_page_keeps_its_points(run: Any) -> None:
    """Also in another browser's language, when it was chosen on this device."""
    found = run("format.js", "return [m.formatNumber(0.2, 2), m.formatNumber(1234), m.formatBytes(2.54e9)];")
    assert found == ["0.20", "1,234", "2.5\xa0GB"]


def test_numbers_are_as_the_page_and_not_as_the_browser_says(browser: Browser, modules_url: str) -> None:
    """A German page in an English browser, and the other way round."""
    for locale, language, expected in (("en-US", "de", "0,5"), ("de-DE", "en", "0.5")):
        context = browser.new_context(locale=locale)
        page = context.new_page()
        page.goto(f"{modules_url}/icon.svg")
        page.evaluate("(tag) => localStorage.setItem('hindsight.language', tag)", language)
        assert page.evaluate("import('/format.js').then((m) => m.formatNumber(0.5, 1))") == expected
        context.close()


def test_a_time_in_the_hour_that_comes_twice_has_its_zone(in_berlin: Any) -> None:
    """2:30 in summer and an hour later 2:30 in winter; no other time of that night has one."""
    found = in_berlin(
        "format.js",
        """const times = ["2025-10-25T23:59:59Z", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z",
          "2025-10-26T02:00:00Z", "2025-03-30T01:30:00Z"];
        return times.map((iso) => m.formatTime(new Date(iso)));""",
    )
    assert found == ["01:59:59", "02:30:00 MESZ", "02:30:00 MEZ", "03:00:00", "03:30:00"]


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [(0, 0, 0), (0, 5, 0), (5, 0, 0), (1, 4, 0.25), (9, 4, 1), (-1, 4, 0), (None, 4, 0), (1, None, 0)],
)
def test_a_share_of_nothing_is_nothing(run: Any, part: object, whole: object, share: float) -> None:
    """No bar is full because something is not known yet."""
    assert run("format.js", "return m.shareOf(args[0] ?? NaN, args[1] ?? NaN);", part, whole) == share


def test_what_is_not_nothing_or_all_is_not_said_to_be(run: Any) -> None:
    """99.97 % live was not always live."""
    found = run("charts.js", "return [0, 0.0001, 0.5, 0.9997, 1].map(m.formatShare);")
    assert found == ["0 %", "0.1 %", "50 %", "99.9 %", "100 %"]


CLIPS = """const at = (minutes) => new Date(Date.UTC(2026, 0, 5, 12, minutes)).toISOString();
const clip = (id, start, end, created = start) => (
  { id, start_time: at(start), end_time: at(end), created_at: at(created), published_at: at(created) });
const now_ms = Date.parse(at(59));
const kinds = (clips) => [...m.notesOn(clips, now_ms)].map(([id, words]) => id + words.slice(0, 4));"""


def test_a_card_says_when_it_was_saved_where_its_time_contradicts_its_place(run: Any) -> None:
    """Kept of the past; begun long before the press; and nothing on cards whose order explains itself."""
    found = run(
        "gallery/order.js",
        CLIPS
        + """return [
          kinds([clip("c", 20, 21), clip("b", 10, 11), clip("a", 5, 30)]),
          kinds([clip("c", 2, 3, 20), clip("b", 10, 11), clip("a", 5, 6)]),
          kinds([clip("a", 2, 3, 20)]),
          kinds([clip("c", 5, 16, 15), clip("b", 14, 15), clip("a", 13, 14)]),
          kinds([]),
        ];""",
    )
    assert found == [[], ["csave"], ["asave"], ["csave"], []]


def test_a_list_says_where_the_clock_was_set_back(run: Any) -> None:
    """On the clip after which it happened, once; behind it times are compared among themselves."""
    found = run(
        "gallery/order.js",
        CLIPS
        + """const list = [clip("d", 12, 13), clip("c", 10, 11), clip("b", 50, 51), clip("a", 40, 41)];
        const same = m.notesOn(list, now_ms) === m.notesOn(list, now_ms);
        return [kinds(list), [...m.publicationNotes(list).keys()], same];""",
    )
    assert found == [["bthen"], ["b"], True]


LINES = r"""const flat = (y, from = 0, to = 100) => [[from, y], [to, y]];
const lengths = (paths) => paths.map((d) => {
  const numbers = [...d.matchAll(/([ML])([\d.]+) ([\d.]+)/g)];
  return numbers.reduce((sum, [, kind, x], i) => sum + (kind === "L" ? x - numbers[i - 1][2] : 0), 0);
});"""


def test_series_with_the_same_values_are_all_visible(run: Any) -> None:
    """They take turns; those that run apart are whole."""
    found = run(
        "chart_lines.js",
        LINES
        + """const all = [[flat(5), flat(5)], [flat(5), flat(6), flat(5)], [flat(5), flat(50)]];
        return all.map((lines) => lengths(m.pathsOf(lines)));""",
    )
    assert found == [[50, 50], [40, 30, 30], [100, 100]]


def test_lines_are_where_their_values_are(run: Any) -> None:
    """A gap stays one, a lone value is a dot, and two that cross hide each other nowhere."""
    found = run(
        "chart_lines.js",
        """return [m.pathsOf([[[0, 1], [10, 2], [20, null], [30, 4]]]), m.pathsOf([]), m.pathsOf([[]]),
          m.pathsOf([[[5, 7]], [[5, 7]]]), m.pathsOf([[[0, 0], [20, 20]], [[0, 20], [20, 0]]])];""",
    )
    assert found[:4] == [["M0 1L10 2M28 4h4"], [], [""], ["M3 7h4", "M-5 7h4"]]
    assert found[4] == ["M0 0L10 10L20 20", "M0 20L10 10L20 0"]


def test_only_the_newest_question_has_an_answer(run: Any) -> None:
    """And after the end, none."""
    found = run(
        "latest.js",
        """const latest = new m.Latest();
        const asked = [latest.ask(), latest.ask()];
        const before = asked.map(({ aborted }) => aborted);
        latest.end();
        return [before, asked.map(({ aborted }) => aborted)];""",
    )
    assert found == [[True, False], [True, True]]
