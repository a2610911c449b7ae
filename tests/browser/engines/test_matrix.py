"""docs/ref/browsers.md: `python -m tests.browser.engines.matrix` writes it."""

from tests.browser.engines.matrix import ENDS, ENGINES, REF, Seen, as_page, picture_name, rows_of
from tests.browser.engines.probes import PROBES

PICTURE_BUDGET_BYTES = 30_000


def test_the_page_of_browsers_has_a_row_for_every_probe_and_all_its_pictures() -> None:
    """A probe that came or went shows here; what it saw, and in which version, is for the one who looks."""
    page = (REF / "browsers.md").read_text()
    assert rows_of(page) == [probe.row for probe in PROBES]
    for engine in ENGINES:
        for end in ENDS:
            assert f"pictures/{picture_name(end, engine)}" in page
            picture = REF / "pictures" / picture_name(end, engine)
            assert 0 < picture.stat().st_size < PICTURE_BUDGET_BYTES


def test_a_page_is_written_as_it_is_read() -> None:
    """The check above would hold of nothing if it read no rows."""
    cells = [f"cell {n}" for n in range(len(PROBES))]
    seen = [Seen(name, "1.0", cells, []) for name in ENGINES]
    page = as_page(seen, {"frame_count": 27, "lead_in_seconds": 1.2}, 0.5)
    assert rows_of(page) == [probe.row for probe in PROBES]
    assert "| cell 3 | cell 3 | cell 3 |" in page
