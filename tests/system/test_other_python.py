"""What `.ci/other-python` says on a machine where it cannot make a Debian root."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "other-python"


@pytest.mark.parametrize(("ci", "exit_code"), [("false", 0), ("true", 1)])
def test_without_root_another_python_is_no_failure_except_in_ci(
    tmp_path: Path, ci: str, exit_code: int
) -> None:
    """It names the command that would work, and makes nothing."""
    id_of_an_ordinary_user = tmp_path / "bin" / "id"
    id_of_an_ordinary_user.parent.mkdir()
    id_of_an_ordinary_user.write_text("#!/bin/sh\necho 1000\n")
    id_of_an_ordinary_user.chmod(0o755)
    path = f"{id_of_an_ordinary_user.parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "CI": ci, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ended = subprocess.run(
        [SCRIPT, "forky", "tester"], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == exit_code
    assert "sudo .ci/other-python forky tester" in ended.stderr
    assert not (tmp_path / "cache").exists()
