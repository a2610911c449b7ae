"""What a test run says about itself: second tries with both reasons, the slowest tests with theirs.

A pytest plugin, loaded by tests/conftest.py. Here: the markers `real_time` and `slow`, counting, printing,
and the summary for `python -m tests`. Not here: which processes run (`__main__`), what code they reach
(`coverage_floors`).
"""

import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

SUMMARY_VARIABLE = "TESTS_SUMMARY"
"""Names the file that takes the summary of this pytest process, for the runner that joins several."""

MAX_SECOND_TRIES = 3
SLOWEST = 20
SLOW_S = 5.0
"""From here on a test should say why it takes that long (`slow`)."""

_OUTCOMES = ("passed", "failed", "skipped", "error")
_REAL_TIME, _SLOW = "real_time", "slow"


@dataclass(frozen=True, slots=True)
class SecondTry:
    """A real-time test that ran again: why it may, what failed first, and what became of it."""

    test: str
    because: str
    first: str
    second: str

    def __str__(self) -> str:
        why = f"  runs in real time: {self.because}"
        return "\n".join(
            [f"second try: {self.test}", why, f"  first: {self.first}", f"  then: {self.second}"]
        )


@dataclass(frozen=True, slots=True)
class SlowTest:
    """One test's seconds with set-up and tear-down, and the reason it gives for them."""

    test: str
    seconds: float
    reason: str

    def __str__(self) -> str:
        return f"{self.seconds:7.1f} s  {self.test}  ({self.reason or 'gives no reason'})"


@dataclass(frozen=True, slots=True)
class Summary:
    """What one or several pytest processes reported."""

    counts: Mapping[str, int]
    slowest: tuple[SlowTest, ...]
    second_tries: tuple[SecondTry, ...]

    @classmethod
    def read(cls, path: Path) -> "Summary":
        """Raises OSError if the process ended before it wrote one."""
        data = json.loads(path.read_text("utf-8"))
        return cls(
            data["counts"],
            tuple(SlowTest(**each) for each in data["slowest"]),
            tuple(SecondTry(**each) for each in data["second_tries"]),
        )

    @classmethod
    def joined(cls, parts: Iterable["Summary"]) -> "Summary":
        """Sums of the counts, the slowest of all, every second try."""
        parts = list(parts)
        slowest = sorted((test for part in parts for test in part.slowest), key=lambda t: -t.seconds)
        return cls(
            {name: sum(part.counts.get(name, 0) for part in parts) for name in _OUTCOMES},
            tuple(slowest[:SLOWEST]),
            tuple(each for part in parts for each in part.second_tries),
        )

    @property
    def has_too_many_second_tries(self) -> bool:
        return len(self.second_tries) > MAX_SECOND_TRIES

    def lines(self) -> list[str]:
        """For a person, in the order of reading: the slowest, then what ran twice."""
        lines = [f"the {len(self.slowest)} slowest tests:", *(str(test) for test in self.slowest)]
        lines += [str(each) for each in self.second_tries]
        if self.has_too_many_second_tries:
            lines.append(
                f"{len(self.second_tries)} tests needed a second try, more than {MAX_SECOND_TRIES}: the run "
                "fails. Run it with nothing else on the machine, or find what they have in common."
            )
        return lines


def pytest_configure(config: pytest.Config) -> None:
    """The controller alone counts: with xdist, its workers send it every report."""
    if SUMMARY_VARIABLE in os.environ:
        # The runner ends its lanes by SIGINT, which a shell's background jobs are started without.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", f"{_REAL_TIME}(because): has one second try; never decoding, equality or state"
    )
    config.addinivalue_line("markers", f"{_SLOW}(reason): takes more than {SLOW_S:.0f} s, and why it must")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Counting(), "counting")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what is marked its second try, and let the reasons travel with the reports."""
    for item in items:
        for name in (_REAL_TIME, _SLOW):
            if (marker := item.get_closest_marker(name)) is not None:
                item.user_properties.append((name, str(marker.args[0])))
        if item.get_closest_marker(_REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))


class _Counting:
    """Gathers the reports of one pytest process."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._reasons: dict[str, dict[str, str]] = {}
        self._first: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._counts = dict.fromkeys(_OUTCOMES, 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid
        self._seconds[name] += report.duration
        self._reasons[name] = {key: str(value) for key, value in report.user_properties}
        if str(report.outcome) == "rerun":
            self._first[name] = _reason_of(report)
        elif report.failed:
            self._last[name] = _reason_of(report)
            self._counts["failed" if report.when == "call" else "error"] += 1
        elif report.when == "call" or report.skipped:
            self._counts[report.outcome] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        summary = self._summary()
        if summary.has_too_many_second_tries and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if path := os.environ.get(SUMMARY_VARIABLE):
            Path(path).write_text(json.dumps(asdict(summary)), "utf-8")
            Path(path).with_name("seconds.txt").write_text("".join(self._by_file()), "utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if SUMMARY_VARIABLE not in os.environ:
            for line in self._summary().lines():
                terminalreporter.write_line(line)

    def _by_file(self) -> Iterator[str]:
        """The files of tests, the longest first."""
        files: dict[str, float] = defaultdict(float)
        for name, seconds in self._seconds.items():
            files[name.partition("::")[0]] += seconds
        for name, seconds in sorted(files.items(), key=lambda pair: -pair[1]):
            yield f"{seconds:7.1f} s  {name}\n"

    def _summary(self) -> Summary:
        slowest = sorted(self._seconds.items(), key=lambda pair: -pair[1])[:SLOWEST]
        return Summary(
            self._counts,
            tuple(SlowTest(name, took, self._reasons[name].get(_SLOW, "")) for name, took in slowest),
            tuple(
                SecondTry(
                    name, self._reasons[name].get(_REAL_TIME, ""), first, self._last.get(name, "passed")
                )
                for name, first in self._first.items()
            ),
        )


def _reason_of(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    said: str = crash.message if crash else report.longreprtext
    return " ".join(said.split())[:300]
