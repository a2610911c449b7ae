"""The static checks of `./hindsight test`: one table, run one after another beside the tests.

They finish while the tests wait for cameras. A check that finds something fails the run at its end and hides
no test.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BIN = Path(sys.executable).parent
_PYTHON = sys.executable
_NICENESS = 5
"""Behind the tests, which have deadlines."""


@dataclass(frozen=True, slots=True)
class Check:
    """One command that exits with something other than 0 when it finds something."""

    name: str
    command: tuple[str, ...]


CHECKS = (
    Check("lint", (str(_BIN / "ruff"), "check", ".")),
    Check("format", (str(_BIN / "ruff"), "format", "--check", ".")),
    Check("types", (str(_BIN / "mypy"),)),
    Check("import rules", (str(_BIN / "lint-imports"), "--no-logo")),
    Check("spelling", (str(_BIN / "codespell"),)),
    Check("the page", (_PYTHON, "-m", "tests.page_checks")),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check said, and how long it took."""

    check: Check
    is_clean: bool
    output: str
    seconds: float


class StaticChecks:
    """Runs the checks in a thread of its own, each as a process with low priority."""

    def __init__(self, checks: Sequence[Check] = CHECKS) -> None:
        self.findings: list[Finding] = []
        self._checks = checks
        self._process: subprocess.Popen[str] | None = None
        self._is_ended = False
        self._thread = threading.Thread(target=self._run_all, name="static-checks")

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wait(self) -> list[Finding]:
        """Block until the last check has ended; returns one finding for each."""
        self._thread.join()
        return self.findings

    def end(self) -> None:
        """Stop early, for a run that was interrupted. Idempotent."""
        self._is_ended = True
        if self._process is not None:
            self._process.terminate()
        self._thread.join()

    def _run_all(self) -> None:
        for check in self._checks:
            if not self._is_ended:
                self.findings.append(self._run(check))

    def _run(self, check: Check) -> Finding:
        began = time.monotonic()
        self._process = subprocess.Popen(
            ["nice", "-n", str(_NICENESS), *check.command],
            cwd=ROOT,
            env=os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output, _ = self._process.communicate()
        return Finding(check, self._process.returncode == 0, output, time.monotonic() - began)
