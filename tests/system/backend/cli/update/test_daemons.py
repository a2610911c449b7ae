"""Daemons are found in /proc and ended and started the way they ran: by a service, or detached."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.cli.exits import CommandFailed
from backend.cli.update.daemons import DaemonProcess, Detached, Launch, Patience, Service, find_daemons
from backend.cli.update.rules import Unit

_WAITS = """import signal
print("up", flush=True)
signal.sigwait([signal.SIGTERM])
"""
_STUBBORN = """import signal
signal.signal(signal.SIGTERM, lambda *_: None)
print("up", flush=True)
while True:
    signal.pause()
"""
_SYSTEMCTL = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in
*refused*) echo "Access denied" >&2; exit 1 ;;
*ActiveState*) echo activating ;;
*SubState*) echo auto-restart ;;
*ExecStart*) echo "ExecStart={{ path=/opt/hs/.venv/bin/hindsight ; argv[]=x }}" ;;
esac
"""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose interpreter runs a `backend` that only waits."""
    root = tmp_path.resolve() / "root"
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)
    (root / "backend").mkdir()
    (root / "backend/__main__.py").write_text(_WAITS)
    return root


@pytest.fixture
def start(root: Path) -> Iterator[Start]:
    """Starts it as the launcher does; ends what the test leaves."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        environment = {"HINDSIGHT_DATA_DIR": "/somewhere"}
        with (log or root / "log").open("ab") as file:
            command = [str(root / ".venv/bin/python"), "-m", "backend", *arguments]
            process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=file
            )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_daemon_is_found_with_its_arguments_environment_and_log(root: Path, start: Start) -> None:
    """A person at a prompt has none of these, and the next version needs all of them."""
    process = start("run", "--config", "c.yaml")
    start("status")
    (found,) = find_daemons(root)
    assert (found.pid, found.launch.arguments, found.launch.cwd) == (
        process.pid,
        ("--config", "c.yaml"),
        root,
    )
    assert found.launch.environment["HINDSIGHT_DATA_DIR"] == "/somewhere"
    assert found.log == root / "log"
    assert found.unit is None
    assert find_daemons(root / "other") == []


def test_a_detached_daemon_is_ended_and_its_successor_runs_as_it_did(root: Path, start: Start) -> None:
    """Same arguments, environment and log; a session of its own, so that no terminal ends it."""
    start("run", "--config", "c.yaml")
    (found,) = find_daemons(root)
    keeper = Detached(found, found.launch, root / "log")
    assert keeper.is_running()
    keeper.stop()
    assert not keeper.is_running()
    launcher = root / "hindsight"
    launcher.write_text(
        f'#!/bin/sh\necho "started $HINDSIGHT_DATA_DIR"\nexec "{root}/.venv/bin/python" -m backend "$@"\n'
    )
    launcher.chmod(0o755)
    keeper.start(launcher)
    (again,) = find_daemons(root) or _soon(root)
    assert (again.launch.arguments, os.getsid(again.pid)) == (found.launch.arguments, again.pid)
    assert keeper.why_ended() is None
    keeper.stop()
    assert "started /somewhere" in (root / "log").read_text()


def test_a_daemon_that_ends_by_itself_is_noticed_with_its_last_words(root: Path) -> None:
    """The words are those since the start, not of the version before."""
    (root / "log").write_text("old words\n")
    launcher = root / "hindsight"
    launcher.write_text("#!/bin/sh\necho 'no camera, no fun' >&2\nexit 3\n")
    launcher.chmod(0o755)
    keeper = Detached(None, Launch((), {}, root), root / "log")
    assert keeper.why_ended() is not None
    keeper.start(launcher)
    keeper.stop()
    keeper.start(launcher)
    while keeper.is_running():
        pass
    assert keeper.why_ended() == "it ended with code 3"
    assert "no camera, no fun" in keeper.log_hint()
    assert "old words" not in keeper.log_hint()


def test_a_daemon_that_ignores_a_polite_end_is_ended_all_the_same(root: Path, start: Start) -> None:
    """What it records is on the disk already."""
    (root / "backend/__main__.py").write_text(_STUBBORN)
    start("run")
    (found,) = find_daemons(root)
    keeper = Detached(found, found.launch, root / "log", Patience(0.01, 0.01))
    keeper.stop()
    assert not keeper.is_running()


def test_a_launcher_that_is_missing_is_an_error_in_words(root: Path) -> None:
    """Not a traceback in the middle of an update."""
    with pytest.raises(CommandFailed, match="No such file"):
        Detached(None, Launch((), {}, root), root / "log").start(root / "missing")


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for systemd, which no test can have: it logs its arguments."""
    log, program = tmp_path / "systemctl.log", tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(_SYSTEMCTL.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log


def test_a_service_is_stopped_and_started_by_systemd(systemctl: Path) -> None:
    """A version that crashed again and again has used up its starts: they are reset first."""
    keeper = Service(Unit("hs.service", is_user=False))
    keeper.stop()
    keeper.start(Path("/not/used"))
    assert systemctl.read_text().splitlines() == [
        "stop hs.service",
        "reset-failed hs.service",
        "start hs.service",
    ]
    assert "journalctl -u hs.service" in keeper.log_hint()
    assert keeper.program() == Path("/opt/hs/.venv/bin/hindsight")


def test_a_service_that_systemd_starts_again_and_again_has_ended(systemctl: Path) -> None:
    """There is no point in waiting for the rest of the time."""
    keeper = Service(Unit("hs.service", is_user=True))
    assert keeper.why_ended() == "systemd says it is activating (auto-restart)"
    assert not keeper.is_running()
    assert systemctl.read_text().startswith("--user show --property=ActiveState --value hs.service")


def test_a_refusal_by_systemd_keeps_its_own_words(systemctl: Path) -> None:
    """Most often: this needs sudo."""
    with pytest.raises(CommandFailed, match="systemctl stop failed: Access denied"):
        Service(Unit("refused.service", is_user=False)).stop()


def _soon(root: Path) -> list[DaemonProcess]:
    while not (found := find_daemons(root)):
        pass
    return found
