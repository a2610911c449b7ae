"""A sweep that is killed at each of its steps in turn."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.backend.retention_life import KEPT
from tests.support.daemon import ROOT, unmeasured


@pytest.mark.slow("one process for each step of a sweep")
def test_whatever_step_of_a_sweep_a_kill_hits_catalogue_and_disk_agree_afterwards(tmp_path: Path) -> None:
    """Nothing that was to stay is gone, nothing that was to go stays, no file is left over or lost."""
    command = [sys.executable, "-m", "tests.support.backend.retention_life", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr
    lives = [json.loads(line) for line in done.stdout.splitlines()]
    assert [life["killed"] for life in lives] == [True] * (len(lives) - 1) + [False]
    # Notes, the transaction, the news, and for two clips each file, each directory and the garbage row.
    assert len(lives) > 20
    for life in lives:
        made, found = life["made"], life["found"]
        stay = [made[KEPT], *made[-2:]]
        assert found["findings"] == [], life
        assert found["clips"] == stay, life
        assert found["folders"] == sorted(stay * 2), life
        assert (found["quarantined"], found["garbage"]) == ([], 0), life
