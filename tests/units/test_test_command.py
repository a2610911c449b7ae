"""The test command's own decisions: what its flags mean, which floors were missed, what the report joins."""

import pytest

from tests.__main__ import Options
from tests.coverage_floors import PURE, FileCoverage, percent_of, shortfalls
from tests.report import SecondTry, SlowTest, Summary

ALL_OF_IT = [FileCoverage(name, 10, 10, "") for name in PURE]


def test_everything_but_our_own_flags_goes_to_pytest() -> None:
    """`./hindsight test tests/parts -k ring` is what people type."""
    chosen = Options.parse(["tests/parts", "-k", "ring"])
    assert (chosen.chosen, chosen.is_measured) == (("tests/parts", "-k", "ring"), False)
    assert Options.parse([]).is_measured
    assert not Options.parse(["--no-coverage"]).is_measured
    assert Options.parse(["--fast"]) == Options(is_fast=True, is_whole=False, is_measured=False, chosen=())


def test_fast_and_all_exclude_each_other() -> None:
    """Both at once mean nothing."""
    with pytest.raises(SystemExit, match="exclude each other"):
        Options.parse(["--fast", "--all"])


def test_one_branch_missed_in_a_module_that_decides_is_named() -> None:
    """Hundred percent is not ninety-nine."""
    nearly = [*ALL_OF_IT[1:], FileCoverage(PURE[0], 9, 10, "12->14")]
    (line,) = shortfalls(nearly, ALL_OF_IT)
    assert PURE[0] in line
    assert "12->14" in line


def test_a_module_that_decides_and_was_never_imported_is_named() -> None:
    """A moved file must not leave the list unnoticed."""
    (line,) = shortfalls(ALL_OF_IT[1:], ALL_OF_IT)
    assert PURE[0] in line


def test_a_file_that_nothing_reaches_does_not_hide_behind_the_sum() -> None:
    """The sum is above its floor, and the line still names the file."""
    rest = [FileCoverage("backend/a.py", 1000, 1000, ""), FileCoverage("backend/b.py", 0, 10, "1 2 3")]
    (line,) = shortfalls(ALL_OF_IT, [*ALL_OF_IT, *rest])
    assert "backend/b.py" in line


def test_the_sum_has_a_floor_of_its_own() -> None:
    """Every file above its own floor is not enough."""
    rest = [FileCoverage("backend/a.py", 80, 100, "7")]
    (line,) = shortfalls(ALL_OF_IT, rest)
    assert "80.0 %" in line
    assert percent_of([]) == 100.0


def test_the_report_joins_the_lanes() -> None:
    """Three lanes with two second tries each are six, and too many."""
    tries = tuple(SecondTry(f"t{n}", "because", "first", "passed") for n in range(2))
    lane = Summary({"passed": 3, "failed": 1}, (SlowTest("a", 1.0, ""), SlowTest("b", 3.0, "kills")), tries)
    joined = Summary.joined([lane, lane, lane])
    assert (joined.counts["passed"], joined.counts["failed"], joined.counts["skipped"]) == (9, 3, 0)
    assert [test.seconds for test in joined.slowest] == [3.0, 3.0, 3.0, 1.0, 1.0, 1.0]
    assert joined.has_too_many_second_tries
    assert not lane.has_too_many_second_tries
    assert any("gives no reason" in line for line in joined.lines())
