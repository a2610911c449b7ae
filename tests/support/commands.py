"""The command line, called in this process: the same parsing, commands and exit codes.

A process of its own costs a second of processor time each. What only a process shows (that a code reaches the
shell, signals, `run`) uses `process`.
"""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from backend.__main__ import main
from tests.support.daemon import ROOT


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, named as `subprocess` does."""

    returncode: int
    stdout: str
    stderr: str


def called(*arguments: str, cwd: Path = ROOT, environ: Mapping[str, str] | None = None) -> Ended:
    """Run one command in this process. Only for the main thread: the working directory is the process's."""
    out, errors = io.StringIO(), io.StringIO()
    with _standing_in(cwd, clean_environ(environ)), redirect_stdout(out), redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse ends the process itself
            code = int(ended.code or 0)
    return Ended(code, out.getvalue(), errors.getvalue())


def process(*arguments: str, cwd: Path = ROOT, environ: Mapping[str, str] | None = None) -> Ended:
    """Run one command as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=cwd,
        env=clean_environ(environ) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def clean_environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without what configures the daemon, and with `more`."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("HINDSIGHT_") and n != "VIDEO_SOURCE"}
    return kept | dict(more or {})


@contextmanager
def _standing_in(directory: Path, environ: Mapping[str, str]) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        with mock.patch.dict(os.environ, environ, clear=True):
            yield
    finally:
        os.chdir(before)
