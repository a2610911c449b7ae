"""SIGKILL before every single call that changes the disk, in publish, delete and what goes with them.

Real catalogue, real files, a real kill; then a start, and catalogue and disk must agree to the byte.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon import unmeasured
from tests.support.killed.operations import CASES
from tests.support.native import compiled

pytestmark = pytest.mark.timeout(240)

ROOT = Path(__file__).resolve().parents[4]
SOURCE = ROOT / "tests/support/killed/kill_at.c"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.slow("two processes for each kill")
def test_a_kill_anywhere_leaves_a_catalogue_and_files_that_agree(
    tmp_path: Path, name: str, is_whole: bool
) -> None:
    """All or nothing, a due promise kept, no orphan file, no row without its file: at every boundary in
    `--all`, at every fifth in the default run."""
    stride = 1 if is_whole else 5
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed.trial", str(tmp_path), name, str(stride)],
        cwd=ROOT,
        env=unmeasured() | {"LD_PRELOAD": str(compiled(SOURCE))},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lives = [json.loads(line) for line in done.stdout.splitlines()]
    assert [life for life in lives if not life.get("holds") or life.get("fsck") != []] == [], done.stderr
    assert [life["ended"] for life in lives] == [-signal.SIGKILL] * (len(lives) - 1) + [0]
    # A transaction alone is several calls: a kill that never came would pass everything else.
    assert lives[-1]["call"] >= 5
