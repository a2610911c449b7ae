"""The suite's own rules hold: a skip fails in CI, a second try is named, our code blocks no loop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from blockbuster import BlockingError

from recorder.clip_files import sync_directory

ROOT = Path(__file__).parents[2]
SKIPPED_TEST = "import pytest\n\ndef test_one():\n    pytest.skip('no such part')\n"
FAILS_ONCE = """import pathlib, pytest
{mark}
def test_one():
    before = pathlib.Path(__file__).with_suffix(".seen")
    seen, _ = before.exists(), before.touch()
    assert seen, "the machine was busy"
"""
LEAVES_OPEN = """import socket
def test_one():
    ring = [socket.socket()]
    ring.append(ring)
"""
SKIPPED_FILE = "import pytest\npytest.skip('no such part', allow_module_level=True)\n"


def run_pytest(where: Path, ci: str) -> subprocess.CompletedProcess[str]:
    options = ["-c", str(ROOT / "setup.cfg"), "--rootdir", str(where), "-p", "tests.conftest"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", str(where)],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("body", [SKIPPED_TEST, SKIPPED_FILE], ids=["test", "file"])
def test_a_skip_is_a_failure_in_ci_and_nowhere_else(tmp_path: Path, body: str) -> None:
    """Otherwise a missing component would quietly turn the suite green."""
    (tmp_path / "test_inner.py").write_text(body)
    assert "1 skipped" in run_pytest(tmp_path, ci="").stdout
    in_ci = run_pytest(tmp_path, ci="true")
    assert in_ci.returncode in (1, 2)
    assert "under CI=true nothing may be" in in_ci.stdout
    assert "no such part" in in_ci.stdout


def test_real_time_gets_a_second_try_that_the_report_names_and_nothing_else_does(tmp_path: Path) -> None:
    """A busy machine fails no build, no second try goes unseen, and a wrong decision has no second chance."""
    inner = tmp_path / "test_inner.py"
    inner.write_text(FAILS_ONCE.format(mark="@pytest.mark.daemon"))
    tried_twice = run_pytest(tmp_path, ci="true")
    assert tried_twice.returncode == 0
    assert "second try: test_inner.py::test_one after:" in tried_twice.stdout
    assert "the machine was busy" in tried_twice.stdout
    (tmp_path / "test_inner.seen").unlink()
    inner.write_text(FAILS_ONCE.format(mark=""))
    assert run_pytest(tmp_path, ci="true").returncode == 1


def test_a_file_that_leaves_a_socket_open_is_the_one_that_fails(tmp_path: Path) -> None:
    """The collector comes when it likes, and blamed a test of pure numbers for it."""
    (tmp_path / "test_a.py").write_text(LEAVES_OPEN)
    (tmp_path / "test_b.py").write_text("def test_two():\n    pass\n")
    said = run_pytest(tmp_path, ci="true")
    assert "ERROR at teardown of test_one" in said.stdout
    assert "2 passed, 1 error" in said.stdout


async def test_our_code_that_blocks_a_running_loop_fails_the_test(tmp_path: Path) -> None:
    """One slow disk would otherwise stall every viewer and every request."""
    with pytest.raises(BlockingError):
        sync_directory(tmp_path)


@pytest.mark.blocking
async def test_a_test_may_own_its_loop_and_block_it(tmp_path: Path) -> None:
    """The way out is a mark that says so."""
    sync_directory(tmp_path)
