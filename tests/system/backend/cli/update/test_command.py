"""The order of an update, and that each way to fail leads back. Folders are real, the daemon is a fake."""

import argparse
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.__main__ import main
from backend.base.machine.data_lock import DataLock
from backend.cli.exits import CommandFailed, Exit
from backend.cli.update import command
from backend.cli.update.command import Change, Place, find_place
from backend.cli.update.daemons import DaemonProcess, Launch
from backend.cli.update.rules import Unit
from backend.cli.update.steps import Interruptions, carry_out
from backend.cli.update.versions import Versions
from backend.config.model import Config
from tests.support.answering import Answering

_LAUNCHER = """#!/bin/sh
mkdir -p "${{0%/*}}/.venv/bin" && ln -sf /bin/true "${{0%/*}}/.venv/bin/python"
case "$1" in
version) echo '{{"version": "{version}"}}' ;;
config) {check} ;;
esac
"""


class FakeKeeper:
    """A daemon that is one row in the catalogue and one version that answers."""

    def __init__(self, data_dir: Path, answering: Answering) -> None:
        self.events: list[str] = []
        self.new_version: str | None = "2.0.0"
        self.stop_error: Exception | None = None
        self.start_old_error: Exception | None = None
        self.ended: str | None = None
        self._catalogue = data_dir / "catalogue.sqlite"
        self._answering = answering
        self._is_running = True

    def stop(self) -> None:
        self.events.append("stop")
        if self.stop_error is not None:
            raise self.stop_error
        self._is_running = False

    def start(self, launcher: Path) -> None:
        is_new = "v2" in str(launcher) or (launcher.parent / ".current").exists()
        self.events.append("start new" if is_new else "start old")
        if self.start_old_error is not None and not is_new:
            raise self.start_old_error
        self._is_running = True
        self._answering.version = self.new_version if is_new else "1.0.0"
        if is_new:
            with closing(sqlite3.connect(self._catalogue, isolation_level=None)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS newer (id TEXT)")

    def is_running(self) -> bool:
        return self._is_running

    def why_ended(self) -> str | None:
        return self.ended if self._answering.version is None else None

    def log_hint(self) -> str:
        return "Its log: nowhere"


class Box:
    """A checkout with a folder to update to, a data_dir with a catalogue, and an HTTP server that answers."""

    def __init__(self, folder: Path, answering: Answering) -> None:
        self.root, self.new = folder / "root", folder / "v2"
        self.data_dir = folder / "data"
        for made in (self.root, self.new / "backend", self.new / "recorder", self.data_dir / "clips"):
            made.mkdir(parents=True)
        (self.new / "setup.cfg").touch()
        self.write_launcher()
        with closing(sqlite3.connect(self.data_dir / "catalogue.sqlite", isolation_level=None)) as connection:
            connection.execute("CREATE TABLE clips (id TEXT)")
        server = {"host": "127.0.0.1", "port": answering.port}
        self.config = Config.model_validate({"data_dir": str(self.data_dir), "server": server})
        self.keeper = FakeKeeper(self.data_dir, answering)
        self.versions = Versions(self.root)

    def write_launcher(self, check: str = ":") -> None:
        (self.new / "hindsight").write_text(_LAUNCHER.format(version="2.0.0", check=check))
        (self.new / "hindsight").chmod(0o755)

    def place(self, *, runs: bool = True) -> Place:
        launch = Launch((), {"PATH": "/usr/bin:/bin"}, self.root)
        running = DaemonProcess(42, launch, Unit("hs.service", is_user=False), None) if runs else None
        return Place(self.config, launch, running, self.keeper)

    def update(self, *, runs: bool = True, wait_s: float = 30.0) -> tuple[Exit, list[str]]:
        """The exit code, and the steps that were begun or undone."""
        told: list[str] = []
        with self.versions.lock(), Interruptions() as interruptions:
            wanted = self.versions.wanted(str(self.new), self.root)
            change = Change(self.versions, wanted, self.place(runs=runs), wait_s, is_backed_up=False)
            return change.end(carry_out(change.steps(), told.append, interruptions.allowed)), told

    def tables(self) -> list[str]:
        with closing(sqlite3.connect(self.data_dir / "catalogue.sqlite")) as connection:
            return [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]

    def is_as_it_was(self) -> bool:
        left = [path for path in (self.root / ".versions").iterdir() if path.is_dir()]
        return self.tables() == ["clips"] and self.versions.current() == self.root and not left


@pytest.fixture
def answering() -> Iterator[Answering]:
    with Answering("1.0.0") as server:
        yield server


@pytest.fixture
def box(tmp_path: Path, answering: Answering) -> Box:
    return Box(tmp_path.resolve(), answering)


def test_a_daemon_that_runs_is_replaced_and_its_catalogue_kept_beside(box: Box) -> None:
    """The copy stays until the next update, for a person who goes back days later."""
    code, _ = box.update()
    assert code is Exit.OK
    assert box.keeper.events == ["stop", "start new"]
    assert box.versions.current().name.startswith("v2-")
    assert box.tables() == ["clips", "newer"]
    assert (box.data_dir / "before-update/catalogue.sqlite").exists()


def test_a_new_version_that_refuses_the_configuration_stops_nothing(box: Box) -> None:
    """The old daemon records on, and what was installed beside is gone."""
    box.write_launcher(check="exit 78")
    code, _ = box.update()
    assert (code, box.keeper.events, box.is_as_it_was()) == (Exit.FAILED, [], True)


def test_a_new_version_that_ends_is_undone(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not waited for until the time is over."""
    box.keeper.new_version, box.keeper.ended = None, "it ended with code 1"
    code, _ = box.update(wait_s=100)
    assert (code, box.is_as_it_was()) == (Exit.FAILED, True)
    assert box.keeper.events == ["stop", "start new", "stop", "start old"]
    said = capsys.readouterr().out
    assert "Version 2.0.0 does not run: it ended with code 1." in said
    assert "Everything is as it was, and 1.0.0 runs." in said


def test_a_new_version_that_never_answers_is_undone_when_the_time_is_over(
    box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process alone proves nothing."""
    box.keeper.new_version = None
    code, _ = box.update(wait_s=0.3)
    assert (code, box.is_as_it_was()) == (Exit.FAILED, True)
    assert "was not ready within 0.3 s" in capsys.readouterr().out


def test_an_interruption_while_it_is_asked_is_undone(
    box: Box, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator presses Ctrl-C or closes the terminal."""
    box.keeper.new_version = None
    answering.when_not_ready = lambda: os.kill(os.getpid(), signal.SIGHUP)
    code, _ = box.update(wait_s=100)
    assert (code, box.is_as_it_was()) == (Exit.INTERRUPTED, True)
    assert box.keeper.events == ["stop", "start new", "stop", "start old"]
    assert "interrupted\nIts log" in capsys.readouterr().out


def test_another_version_that_answers_is_no_success(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    """A supervisor may start something else than what `.current` names."""
    box.keeper.new_version = "1.5.0"
    code, _ = box.update()
    assert (code, box.is_as_it_was()) == (Exit.FAILED, True)
    assert "Version 1.5.0 answers instead of 2.0.0." in capsys.readouterr().out


def test_a_daemon_that_cannot_be_stopped_goes_on(box: Box) -> None:
    """Most often for want of sudo: nothing has changed by then."""
    box.keeper.stop_error = CommandFailed(Exit.FAILED, "systemctl stop failed: Access denied")
    code, _ = box.update()
    assert (code, box.keeper.events, box.is_as_it_was()) == (Exit.FAILED, ["stop"], True)


def test_a_daemon_that_something_else_restarts_is_noticed(
    box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copying a catalogue under a daemon that writes would lose rows."""
    lock = DataLock.acquire(box.data_dir)
    code, _ = box.update()
    lock.release()
    assert (code, box.is_as_it_was()) == (Exit.FAILED, True)
    assert "Something started another daemon meanwhile" in capsys.readouterr().out


def test_without_a_daemon_the_new_version_runs_on_trial(box: Box) -> None:
    """It is switched to only after it has answered, and does not run on."""
    code, told = box.update(runs=False)
    assert (code, box.keeper.events) == (Exit.OK, ["start new", "stop"])
    assert told[-2:] == ["Stop it", "Switch to it"]


def test_a_trial_that_fails_leaves_no_trace(box: Box) -> None:
    """No daemon ran before, so none runs afterwards."""
    box.keeper.new_version = None
    code, _ = box.update(runs=False, wait_s=0.2)
    assert (code, box.keeper.events) == (Exit.FAILED, ["start new", "stop"])
    assert box.is_as_it_was()


def test_what_could_not_be_undone_is_said(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    """Then a person must act, and learns where it says how."""
    box.keeper.new_version = None
    box.keeper.start_old_error = CommandFailed(Exit.FAILED, "systemctl start failed: Access denied")
    code, _ = box.update(wait_s=0.2)
    said = capsys.readouterr().out
    assert code is Exit.FAILED
    assert "not undone: Start 1.0.0 and wait until it answers: systemctl start failed: Access denied" in said
    assert "Going back by hand" in said
    assert box.is_as_it_was()


def test_postgresql_needs_a_backup_first(box: Box) -> None:
    """It cannot be copied here, so its owner says that it was."""
    place = box.place()
    elsewhere = box.config.model_copy(
        update={"catalogue": type(box.config.catalogue).model_validate({"url": "postgresql://h/db"})}
    )
    place = Place(elsewhere, place.launch, place.running, place.keeper)
    wanted = box.versions.wanted(str(box.new), box.root)
    with pytest.raises(CommandFailed, match="pg_dump"):
        Change(box.versions, wanted, place, 1, is_backed_up=False)
    steps = Change(box.versions, wanted, place, 1, is_backed_up=True).steps()
    assert any("not the catalogue" in step.name for step in steps)


def test_a_data_dir_that_another_checkout_uses_is_refused(box: Box, tmp_path: Path) -> None:
    """Its daemon could be stopped from here, but not started again as it was."""
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"data_dir": str(box.data_dir)}))
    lock = DataLock.acquire(box.data_dir)
    with pytest.raises(CommandFailed, match="does not run from this checkout"):
        find_place(box.root, config)
    lock.release()
    assert find_place(box.root, config).running is None


def test_a_dry_run_changes_nothing(box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what would be done, in order."""
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"data_dir": str(tmp_path / "none")}))
    arguments = ["update", str(box.new), "--dry-run", "--checkout", str(box.root), "--config", str(config)]
    assert main(arguments) == Exit.OK
    said = capsys.readouterr().out
    assert said.index("Install it beside") < said.index("Start it on trial") < said.index("Switch to it")
    assert list(box.root.iterdir()) == []
    assert not (tmp_path / "none").exists()


def test_without_a_launcher_there_is_no_checkout_to_update(capsys: pytest.CaptureFixture[str]) -> None:
    """Installed by pipx: the message names the command that updates that."""
    with pytest.raises(CommandFailed, match="pipx upgrade"):
        command.update(argparse.Namespace(checkout=None))
