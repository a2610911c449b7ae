"""Figures are reported as they are: percentiles by rank, the machine by name, everything in JSON."""

import json

import pytest

from benchmarks.report import Table, as_json, as_markdown, as_text, percentile

TABLE = Table("At once", ["", "p50"], [["answer", 12.345], ["file", 1234.5], ["none", None]], ["A note."])


@pytest.mark.parametrize(("share", "expected"), [(0.5, 15), (0.95, 29), (1.0, 30)])
def test_a_percentile_is_a_figure_that_was_measured(share: float, expected: float) -> None:
    """Of 30 tries, p95 is the 29th: no interpolation makes it look better."""
    assert percentile(list(range(30, 0, -1)), share) == expected


def test_a_table_reads_alike_in_a_terminal_and_on_a_page() -> None:
    """Whoever compares the two finds the same figures."""
    text, page = (
        as_text(TABLE),
        as_markdown([TABLE], [("Processor", "a slow one")], "./hindsight bench --write"),
    )
    for figure in ("12.3", "1234", "–", "A note."):
        assert figure in text
        assert figure in page
    assert "| Processor | a slow one |" in page


def test_json_holds_every_figure_unrounded_and_the_machine() -> None:
    """A program compares runs, so it gets what was measured."""
    data = json.loads(as_json([TABLE], [("Cores", "2")]))
    assert data["machine"] == {"Cores": "2"}
    assert data["tables"][0]["rows"][0] == ["answer", 12.345]
