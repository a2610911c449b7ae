"""The suite's own rules hold: a skip fails in CI, a second try is named, our code blocks no loop."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest
from blockbuster import BlockingError

from recorder.base.durable import sync_directory
from tests.__main__ import checks_verdict
from tests.checks import Check, StaticChecks
from tests.report import SUMMARY_VARIABLE
from tests.spread import SPREAD
from tests.support.engines.program import Program
from tests.support.forks import Fork, fork_daemon

ROOT = Path(__file__).parents[2]
OUTER = {SUMMARY_VARIABLE, "COVERAGE_PROCESS_START"}
"""What the run that runs this test measures of itself."""
Capture: TypeAlias = pytest.CaptureFixture[str]
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
NAMES_ITS_WORKER = """import os, pathlib, pytest
@pytest.mark.parametrize("number", range(3))
def test_one(number):
    with pathlib.Path(__file__).with_suffix(".workers").open("a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""
SKIPPED_FILE = "import pytest\npytest.skip('no such part', allow_module_level=True)\n"


def run_pytest(where: Path, ci: str, *more: str) -> subprocess.CompletedProcess[str]:
    options = ["-c", str(ROOT / "setup.cfg"), "--rootdir", str(where), "-p", "tests.conftest", *more]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", str(where)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OUTER} | {"CI": ci},
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


def test_a_file_and_a_folder_that_shares_a_daemon_stay_in_one_worker(tmp_path: Path) -> None:
    """Otherwise every worker would start that daemon."""
    shared = tmp_path / "system" / "one_daemon"
    shared.mkdir(parents=True)
    for folder, name in ((tmp_path, "a"), (shared, "b"), (shared, "c"), (tmp_path, "d")):
        (folder / f"test_{name}.py").write_text(NAMES_ITS_WORKER)
    said = run_pytest(tmp_path, "", "-n", "2", *SPREAD).stdout
    assert "12 passed" in said
    workers = {path.stem: set(path.read_text().split()) for path in tmp_path.rglob("*.workers")}
    assert [len(found) for found in workers.values()] == [1] * 4, workers
    assert workers["test_b"] == workers["test_c"]


def test_real_time_has_one_second_try_and_the_report_gives_both_reasons(tmp_path: Path) -> None:
    """A busy machine fails no build, and no second try goes unseen."""
    inner = tmp_path / "test_inner.py"
    inner.write_text(FAILS_ONCE.format(mark="@pytest.mark.real_time('sound against the wall clock')"))
    tried_twice = run_pytest(tmp_path, ci="true")
    assert tried_twice.returncode == 0
    assert "second try: test_inner.py::test_one" in tried_twice.stdout
    assert "runs in real time: sound against the wall clock" in tried_twice.stdout
    assert "the machine was busy" in tried_twice.stdout
    assert "then: passed" in tried_twice.stdout


def test_a_wrong_decision_has_no_second_try(tmp_path: Path) -> None:
    """What fails once of equality, state or decoding is a race of ours, and only a first failure shows it."""
    (tmp_path / "test_inner.py").write_text(FAILS_ONCE.format(mark=""))
    assert run_pytest(tmp_path, ci="true").returncode == 1


def test_more_than_three_second_tries_fail_a_run_in_which_every_test_passed(tmp_path: Path) -> None:
    """One is bad luck; four are a slow machine or a fault, and either is worth a look."""
    mark = "@pytest.mark.real_time('sound against the wall clock')"
    for number in range(4):
        (tmp_path / f"test_inner_{number}.py").write_text(FAILS_ONCE.format(mark=mark))
    too_many = run_pytest(tmp_path, ci="true")
    assert too_many.returncode == 1
    assert "4 passed, 4 rerun" in too_many.stdout
    assert "4 tests needed a second try, more than 3" in too_many.stdout


def test_a_static_check_that_finds_something_fails_the_run_and_hides_no_test(capsys: Capture) -> None:
    """Newer type stubs once kept every test on Debian 13 from running."""
    bad = Check("types", (sys.executable, "-c", "print('numpy moved'); raise SystemExit(1)"))
    good = Check("lint", (sys.executable, "-c", ""))
    checks = StaticChecks([bad, good])
    checks.start()
    assert not checks_verdict(checks.wait())
    said = capsys.readouterr().out
    assert "types: FAILED" in said
    assert "numpy moved" in said
    assert "lint: clean" in said


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


def test_a_browser_ends_with_every_process_it_started(tmp_path: Path) -> None:
    """One that ignores the signal, and whose parent has gone, would stay on the machine for ever."""
    (tmp_path / "stubborn").write_text("trap '' TERM\necho $$\nexec sleep 1000\n")
    program = Program(["sh", "-c", "sh stubborn & exec sleep 1000"], {}, tmp_path)
    pid = int(program.wait(program.printed, "its child"))
    program.end(grace_s=0.2)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_each_of_many_daemons_that_start_at_once_has_its_own_process_id(tmp_path: Path) -> None:
    """Otherwise a test kills the daemon of another thread, and waits for its own in vain."""
    os.mkfifo(tmp_path / "config.yaml")  # without a writer, to open it blocks: each daemon waits there
    at_once = threading.Barrier(8)

    def started(_: int) -> list[Fork]:
        at_once.wait(10)
        with (tmp_path / "log").open("ab") as log:
            run = ["run", "--config", "config.yaml"]
            return [fork_daemon(run, cwd=tmp_path, environment={}, output=log) for _ in range(4)]

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            forks = [fork for each in threads.map(started, range(8)) for fork in each]
    finally:
        sys.setswitchinterval(interval_s)
    for fork in forks:
        assert fork.poll() is None
        fork.kill()
        assert fork.wait(10) == -signal.SIGKILL
