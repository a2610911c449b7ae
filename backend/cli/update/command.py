"""`hindsight update`: joins the parts of this package, and says what is done and how it ended."""

import argparse
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backend import __version__
from backend.base.machine.data_lock import DataDirInUse, DataLock
from backend.cli.exits import CommandFailed, Exit
from backend.cli.parser import make_parser
from backend.cli.update.answers import version_of, wait_until_answers
from backend.cli.update.daemons import DaemonProcess, Detached, Keeper, Launch, Service, find_daemons
from backend.cli.update.repository import run_program
from backend.cli.update.safe_copy import SafeCopy
from backend.cli.update.steps import Interruptions, UpdateOutcome, UpdateStep, carry_out
from backend.cli.update.versions import Versions, Wanted
from backend.config.load import DEFAULT_FILE, load
from backend.config.model import Config

LOG_NAME = "hindsight.log"
_OLD_ANSWERS_S = 10.0


def update(options: argparse.Namespace) -> Exit:
    """Update the checkout that the launcher names. Raises CommandFailed, ConfigError."""
    if options.checkout is None:
        raise CommandFailed(
            Exit.FAILED,
            "This Hindsight does not run from a checkout. Update it the way it was installed, "
            "for example by `pipx upgrade hindsight-recorder`.",
        )
    versions = Versions(options.checkout.resolve())
    with ExitStack() as stack:
        if not options.dry_run:
            stack.enter_context(versions.lock())
        wanted = versions.wanted(options.target, Path.cwd())
        if versions.is_in_use(wanted):
            _say(f"{wanted.name} is in use already; there is nothing to update.")
            return Exit.OK
        place = find_place(versions.root, options.config)
        change = Change(versions, wanted, place, options.wait_s, is_backed_up=options.catalogue_is_backed_up)
        _say(f"From {change.old_version} to {wanted.title}.")
        if wanted.note:
            _say(wanted.note)
        steps = change.steps()
        if options.dry_run:
            for step in steps:
                _say(f"  {step.name}")
            _say("Nothing was changed (--dry-run).")
            return Exit.OK
        with Interruptions() as interruptions:
            outcome = carry_out(steps, lambda name: _say(f"  {name}"), interruptions.allowed)
        return change.end(outcome)


# ---- where ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A daemon, running or not: its settings, and how to stop and start it."""

    config: Config
    launch: Launch
    running: DaemonProcess | None
    keeper: Keeper


def find_place(root: Path, config_file: Path | None) -> Place:
    """The daemon of `root` that runs, or else the one that `config_file` would start.

    Raises:
        CommandFailed: several run, or the one that runs cannot be restarted from here.
        ConfigError: its configuration cannot be read.
    """
    found = [daemon for daemon in find_daemons(root) if config_file is None or _reads(daemon, config_file)]
    if len(found) > 1:
        pids = ", ".join(str(daemon.pid) for daemon in found)
        raise CommandFailed(
            Exit.FAILED, f"Several daemons run from {root} (processes {pids}). Choose one by --config FILE."
        )
    if not found:
        return _idle_place(config_file)
    (daemon,) = found
    config = load(_config_file(daemon), daemon.launch.environment, daemon.launch.cwd)
    keeper: Keeper
    if daemon.unit is not None:
        keeper = service = Service(daemon.unit)
        _refuse_another_program(root, service)
    else:
        log = daemon.log or config.data_dir / LOG_NAME
        keeper = Detached(daemon, daemon.launch, log)
    return Place(config, daemon.launch, daemon, keeper)


def _config_file(daemon: DaemonProcess) -> Path | None:
    path: Path | None = make_parser().parse_args(["run", *daemon.launch.arguments]).config
    return path


def _reads(daemon: DaemonProcess, config_file: Path) -> bool:
    its_own = daemon.launch.cwd / (_config_file(daemon) or DEFAULT_FILE)
    return its_own.resolve() == config_file.resolve()


def _idle_place(config_file: Path | None) -> Place:
    config = load(config_file, os.environ, Path.cwd())
    if config.data_dir.exists():
        _refuse_data_of_others(config.data_dir)
    arguments = () if config_file is None else ("--config", str(config_file.resolve()))
    launch = Launch(arguments, os.environ, Path.cwd())
    return Place(config, launch, None, Detached(None, launch, config.data_dir / LOG_NAME))


def _refuse_data_of_others(data_dir: Path) -> None:
    if data_dir.stat().st_uid != os.geteuid():
        raise CommandFailed(
            Exit.NO_PERMISSION,
            f"No daemon runs, and {data_dir} belongs to another user. "
            "Start the daemon first, or run this as that user.",
        )
    try:
        DataLock.acquire(data_dir).release()
    except DataDirInUse as error:
        raise CommandFailed(Exit.IN_USE, f"{error} It does not run from this checkout.") from error


def _refuse_another_program(root: Path, service: Service) -> None:
    program = service.program()
    if program is not None and any(program.is_relative_to(root / name) for name in (".venv", ".versions")):
        raise CommandFailed(
            Exit.FAILED,
            f"The service starts {program}, which stays the old version. Let its ExecStart= begin with "
            f"{root / 'hindsight'}, as deploy/hindsight.service does; then `systemctl daemon-reload`.",
        )


# ---- what -----------------------------------------------------------------------------------------


class Change:
    """One update: its steps and what they must know of each other."""

    def __init__(
        self, versions: Versions, wanted: Wanted, place: Place, wait_s: float, *, is_backed_up: bool
    ) -> None:
        """Raises CommandFailed when the catalogue cannot be copied, or the daemon does not let us ask."""
        has_catalogue = place.config.catalogue.url is None
        if not has_catalogue and not is_backed_up:
            raise CommandFailed(
                Exit.FAILED,
                "The catalogue is on PostgreSQL, which an update does not copy. Make a backup by pg_dump, "
                "then add --catalogue-is-backed-up. If the new version fails, the old one may refuse the "
                "newer tables until you restore that backup.",
            )
        self._versions = versions
        self._wanted = wanted
        self._place = place
        self._wait_s = wait_s
        self._folder = versions.folder(wanted.name)
        self._before = versions.current()
        self._was_there = wanted.commit is not None and versions.commit_of(self._folder) == wanted.commit
        self._copy = SafeCopy(place.config.data_dir, place.config.clips_dir, has_catalogue=has_catalogue)
        self._has_catalogue = has_catalogue
        self.old_version = _running_version(place)
        self._new_version = ""
        self._log = ""

    def steps(self) -> list[UpdateStep]:
        """A daemon that runs is replaced; without one the new version runs on trial before it is used."""
        relative = self._folder.relative_to(self._versions.root)
        what = "the catalogue" if self._has_catalogue else "unfinished recordings (not the catalogue)"
        build = UpdateStep(
            f"Install it beside, in {relative}", self._build, self._remove, f"Remove {relative}"
        )
        check = UpdateStep("Check the configuration with it", self._check)
        copy = UpdateStep(f"Copy {what} to {self._copy.catalogue.parent}", self._make_copy)
        switch = UpdateStep(
            "Switch to it", self._switch, self._switch_back, f"Switch back to {self.old_version}"
        )
        wait = UpdateStep(f"Wait until it answers, at most {self._wait_s:g} s", self._wait)
        undo_start = f"Stop it and put {what} back"
        if (running := self._place.running) is None:
            start = UpdateStep("Start it on trial", self._start_on_trial, self._undo_start, undo_start)
            return [build, check, copy, start, wait, UpdateStep("Stop it", self._place.keeper.stop), switch]
        named = f"{running.unit.name}, " if running.unit else ""
        stop = UpdateStep(
            f"Stop the daemon ({named}process {running.pid})",
            self._place.keeper.stop,
            self._start_old,
            f"Start {self.old_version} and wait until it answers",
        )
        start = UpdateStep("Start it", self._start, self._undo_start, undo_start)
        return [build, check, stop, copy, switch, start, wait]

    def end(self, outcome: UpdateOutcome) -> Exit:
        """Clear up and say how it ended."""
        if outcome.not_undone:
            return self._say_not_undone(outcome)
        with suppress(OSError):
            self._copy.forget()
        if outcome.error is not None:
            return self._say_undone(outcome)
        self._versions.keep_only(self._folder, self._before)
        _say(f"Hindsight {self._new_version} is in use.")
        if self._place.running is None:
            _say("No daemon ran, so none runs now: `hindsight run` starts it.")
        return Exit.OK

    def _say_undone(self, outcome: UpdateOutcome) -> Exit:
        is_interrupted = isinstance(outcome.error, KeyboardInterrupt)
        why = "interrupted" if is_interrupted else str(outcome.error)
        _say(f"The update failed at '{outcome.failed.name if outcome.failed else 'its start'}': {why}")
        if outcome.failed is not None and outcome.failed.name.startswith(("Start", "Wait")):
            _say(self._log)
        runs = "runs" if self._place.running is not None else "stays in use"
        _say(f"Everything is as it was, and {self.old_version} {runs}.")
        return Exit.INTERRUPTED if is_interrupted else Exit.FAILED

    def _say_not_undone(self, outcome: UpdateOutcome) -> Exit:
        _say(f"The update failed: {outcome.error or 'interrupted'}")
        for line in outcome.not_undone:
            _say(f"  not undone: {line}")
        _say(self._log)
        _say(f"{self.old_version} may not run. docs/guide/update.md, 'Going back by hand', says what to do.")
        return Exit.FAILED

    # ---- the steps ---------------------------------------------------------------------------

    def _build(self) -> None:
        self._new_version = self._versions.build(self._wanted)

    def _remove(self) -> None:
        if not self._was_there:
            self._versions.remove(self._wanted)

    def _check(self) -> None:
        launch = self._place.launch
        command = [str(self._folder / "hindsight"), "config", "check", *launch.arguments]
        run_program(command, cwd=launch.cwd, environment=launch.environment)

    def _make_copy(self) -> None:
        with _locked(self._place.config):
            try:
                self._copy.make()
            except (OSError, sqlite3.Error) as error:
                why = getattr(error, "strerror", None) or error
                raise CommandFailed(Exit.FAILED, f"The catalogue cannot be copied: {why}.") from error

    def _switch(self) -> None:
        self._versions.switch(self._folder)

    def _switch_back(self) -> None:
        self._versions.switch(self._before)

    def _start(self) -> None:
        self._place.keeper.start(self._versions.launcher)

    def _start_on_trial(self) -> None:
        self._place.keeper.start(self._folder / "hindsight")

    def _undo_start(self) -> None:
        self._log = self._place.keeper.log_hint()
        self._place.keeper.stop()
        with _locked(self._place.config):
            self._copy.put_back()

    def _wait(self) -> None:
        keeper = self._place.keeper
        wait_until_answers(self._place.config, self._new_version, keeper.why_ended, self._wait_s)

    def _start_old(self) -> None:
        keeper = self._place.keeper
        if not keeper.is_running():
            keeper.start(self._versions.launcher)
        wait_until_answers(self._place.config, self.old_version, keeper.why_ended, self._wait_s)


@contextmanager
def _locked(config: Config) -> Iterator[None]:
    """Keep every daemon away from data_dir."""
    try:
        lock = DataLock.acquire(config.data_dir)
    except DataDirInUse as error:
        raise CommandFailed(Exit.IN_USE, f"Something started another daemon meanwhile. {error}") from error
    except OSError as error:
        message = f"data_dir {config.data_dir} cannot be used: {error.strerror}."
        raise CommandFailed(Exit.NO_PERMISSION, message) from error
    try:
        yield
    finally:
        lock.release()


def _running_version(place: Place) -> str:
    """What the daemon says; our own version if it does not answer: an update may be the cure for that."""
    if place.running is not None:
        try:
            return version_of(place.config, _OLD_ANSWERS_S)
        except CommandFailed as error:
            if error.code is Exit.NO_PERMISSION:
                raise
            _say(f"The daemon does not answer now: {error}")
    return __version__


def _say(line: str) -> None:
    """A closed terminal must not end an update halfway."""
    with suppress(OSError, ValueError):
        print(line, flush=True)
