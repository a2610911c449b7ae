"""The test command: `python -m tests`, which `./hindsight test` calls.

    python -m tests [--fast | --all] [--no-coverage]     whole lanes
    python -m tests PYTEST_ARGUMENTS                     chosen tests, in one process

Static checks run beside the tests and hide none of them. The units lane goes first, because it answers within
seconds; then the browser's tests run in one process and everything else in several. One verdict joins them.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.checks import ROOT, Finding, StaticChecks
from tests.coverage_floors import PURE, measure, percent_of, shortfalls
from tests.report import SUMMARY_VARIABLE, Summary
from tests.spread import SPREAD

BUILD = ROOT / "build" / "tests"
UNITS = ("tests/units", "tests/test_house.py")
WAITING = "tests/parts/recorder"
"""Tests that wait for cameras more than they compute."""
PARTS = (
    WAITING,
    "tests/system",
    "test_background_stream.py",
    "tests/contracts",
    *sorted({str(each.relative_to(ROOT)) for each in (ROOT / "tests/parts").glob("[!_]*/")} - {WAITING}),
)
"""The order of the files: those that wait begin, then daemons; short files that compute fill the end.

Not `tests/parts` as a whole: pytest drops an argument that lies inside another one, and its place with it.
"""
BROWSER = ("tests/browser",)


@dataclass(slots=True)
class Lane:
    """One pytest process, its own workers included."""

    name: str
    arguments: Sequence[str]
    is_measured: bool = False
    exit_code: int | None = None
    seconds: float = 0.0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _began: float = 0.0

    @property
    def folder(self) -> Path:
        return BUILD / self.name

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self, *, is_shown: bool) -> None:
        """Begin; what it prints goes to the terminal or, for a lane beside another, to its log."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        environment = os.environ | {SUMMARY_VARIABLE: str(self.folder / "summary.json")}
        # Some machines forbid it; then each of a hundred daemons would compile all that it loads.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if self.is_measured:
            environment |= {
                "COVERAGE_PROCESS_START": str(ROOT / "setup.cfg"),
                "COVERAGE_FILE": str(self.folder / "coverage"),
            }
        self._began = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *self.arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=None if is_shown else log,
                stderr=None if is_shown else subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Block until its last test has ended."""
        assert self._process is not None, "the lane was not started"
        self.exit_code = self._process.wait()
        self.seconds = time.monotonic() - self._began

    def end(self) -> None:
        """Interrupt it as Ctrl-C would. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def summary(self) -> Summary:
        try:
            return Summary.read(self.folder / "summary.json")
        except OSError:
            return Summary({"error": 1}, (), ())

    def coverage(self) -> list[Path]:
        return sorted(self.folder.glob("coverage.*"))


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    is_fast: bool
    is_whole: bool
    is_measured: bool
    chosen: tuple[str, ...]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Options":
        """Everything but our own flags goes to pytest."""
        own = {"--fast", "--all", "--no-coverage"}
        given = own.intersection(arguments)
        if {"--fast", "--all"} <= given:
            sys.exit("hindsight test: --fast and --all exclude each other")
        chosen = tuple(each for each in arguments if each not in own)
        is_measured = "--no-coverage" not in given and "--fast" not in given and not chosen
        return cls("--fast" in given, "--all" in given, is_measured, chosen)


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; returns 0 if checks, tests and floors all held."""
    options = Options.parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    with _checks_beside() as checks:
        lanes = _run_chosen(options) if options.chosen else _run_lanes(options)
        findings = checks.wait()
    verdicts = [_lanes_verdict(lanes), checks_verdict(findings)]
    if options.is_measured:
        verdicts.append(_coverage_verdict(lanes))
    summary = Summary.joined(lane.summary() for lane in lanes)
    for line in summary.lines():
        _say(line)
    verdicts.append(not summary.has_too_many_second_tries)
    _say(f"{time.monotonic() - began:.0f} s of wall, {_cpu_s():.0f} s of processor time")
    bad = summary.counts["failed"] + summary.counts["error"]
    _say(f"tests: {summary.counts['passed']} passed, {bad} failed, {summary.counts['skipped']} skipped")
    return 0 if all(verdicts) else 1


def _run_chosen(options: Options) -> list[Lane]:
    lane = Lane("chosen", _campaigns(options) + list(options.chosen))
    with _ending([lane]):
        lane.start(is_shown=True)
        lane.wait()
    return [lane]


def _run_lanes(options: Options) -> list[Lane]:
    measured = options.is_measured
    units = Lane("units", [*_campaigns(options), *UNITS, "-q", "-n", "2"], measured)
    # Not measured: its daemons reach a thousandth more than those of the other lanes (docs/adr/0098).
    browser = Lane("browser", [*_campaigns(options), *BROWSER])
    parts = Lane("parts", [*_campaigns(options), *PARTS, "-q", "-n", "3", *SPREAD], measured)
    lanes = [units] if options.is_fast else [units, browser, parts]
    with _ending(lanes):
        units.start(is_shown=True)
        units.wait()
        if not options.is_fast:
            browser.start(is_shown=False)
            parts.start(is_shown=True)
            parts.wait()
            browser.wait()
            sys.stdout.write(browser.log.read_text("utf-8", "replace"))
    return lanes


def _campaigns(options: Options) -> list[str]:
    return ["--whole-campaigns"] if options.is_whole else []


@contextmanager
def _checks_beside() -> Iterator[StaticChecks]:
    checks = StaticChecks()
    checks.start()
    try:
        yield checks
    finally:
        checks.end()


@contextmanager
def _ending(lanes: Sequence[Lane]) -> Iterator[None]:
    """Leave no pytest behind when this process is interrupted."""
    try:
        yield
    finally:
        for lane in lanes:
            lane.end()


def _lanes_verdict(lanes: Sequence[Lane]) -> bool:
    for lane in lanes:
        _say(f"{lane.name}: {lane.seconds:.0f} s, exit {lane.exit_code}")
    return all(lane.exit_code == 0 for lane in lanes)


def checks_verdict(findings: Sequence[Finding]) -> bool:
    """Print what each check said; True if none of them found anything."""
    for finding in findings:
        word = "clean" if finding.is_clean else "FAILED"
        last = finding.output.strip().rpartition("\n")[2]
        _say(f"{finding.check.name}: {word} ({finding.seconds:.0f} s) {last}".rstrip())
        if not finding.is_clean:
            _say(f"$ {' '.join(finding.check.command)}\n{finding.output}")
    return all(finding.is_clean for finding in findings)


def _coverage_verdict(lanes: Sequence[Lane]) -> bool:
    by_units = measure(lanes[0].coverage(), lanes[0].folder)
    whole = measure([path for lane in lanes for path in lane.coverage()], BUILD)
    (BUILD / "coverage.txt").write_text("".join(f"{each}\n" for each in whole), "utf-8")
    missed = shortfalls(by_units, whole)
    for line in missed:
        _say(f"coverage: {line}")
    pure = percent_of(each for each in by_units if each.name in PURE)
    others = percent_of(each for each in whole if each.name not in PURE)
    _say(f"coverage: {pure:.1f} % of what decides, by units alone; {others:.1f} % of everything else")
    return not missed


def _cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
