"""Finds the daemon of a checkout in /proc, stops it, and starts it the way it was started. Blocking.

Under systemd the service does both. Otherwise the daemon gets SIGTERM, and its successor the same arguments,
environment, working directory and log file, detached from any terminal.
"""

import os
import select
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backend.cli.exits import CommandFailed, Exit
from backend.cli.update.rules import Unit, program_of_unit, run_arguments, unit_of

_SYSTEMCTL_S = 180.0
_LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Launch:
    """How a daemon is started. `arguments` are those after `run`."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path


@dataclass(frozen=True, slots=True)
class DaemonProcess:
    """A daemon as /proc shows it."""

    pid: int
    launch: Launch
    unit: Unit | None
    log: Path | None
    """The file it logs to; None for a terminal, a pipe or the journal."""


class Keeper(Protocol):
    """Stops and starts the daemon of one data_dir."""

    def stop(self) -> None:
        """Return when the daemon has ended; one that does not run is no error. Raises CommandFailed."""

    def start(self, launcher: Path) -> None:
        """Start the daemon by `launcher` and return at once. Raises CommandFailed."""

    def is_running(self) -> bool: ...

    def why_ended(self) -> str | None:
        """A few words once the daemon that `start` began has ended; None while it runs."""

    def log_hint(self) -> str:
        """Tells where the log is, with its last lines if they can be read."""


def find_daemons(root: Path) -> list[DaemonProcess]:
    """The daemons that run from the checkout `root` or from a version beside it.

    Raises:
        CommandFailed: one of them belongs to another user, so that its settings cannot be read.
    """
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            # Processes end while we look, and some systems hide those of other users.
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if (daemon := _read(folder, root)) is not None:
                    found.append(daemon)
    return sorted(found, key=lambda daemon: daemon.pid)


def _read(folder: Path, root: Path) -> DaemonProcess | None:
    command_line = [os.fsdecode(part) for part in (folder / "cmdline").read_bytes().split(b"\0")[:-1]]
    arguments = run_arguments(command_line)
    if arguments is None or not _is_inside(root, folder, command_line[0]):
        return None
    try:
        unit = _unit(folder)
        if os.geteuid() != folder.stat().st_uid and (os.geteuid() != 0 or unit is None):
            raise PermissionError
        environment = _environment(folder)
        cwd = (folder / "cwd").readlink()
    except PermissionError:
        how = (
            "Run this with sudo."
            if os.geteuid()
            else "Run this as that user: root cannot start it again as it was."
        )
        message = f"The daemon, process {folder.name}, belongs to another user. {how}"
        raise CommandFailed(Exit.NO_PERMISSION, message) from None
    return DaemonProcess(int(folder.name), Launch(arguments, environment, cwd), unit, _log_of(folder))


def _is_inside(root: Path, folder: Path, program: str) -> bool:
    """Whether the interpreter lies in `root`. Not resolved: in an environment it links to the system's."""
    if not program.startswith("/"):
        with suppress(PermissionError):
            program = os.path.normpath((folder / "cwd").readlink() / program)
    return Path(program).is_relative_to(root)


def _environment(folder: Path) -> dict[str, str]:
    pairs = (os.fsdecode(part).partition("=") for part in (folder / "environ").read_bytes().split(b"\0"))
    return {name: value for name, equals, value in pairs if equals}


def _log_of(folder: Path) -> Path | None:
    with suppress(OSError):
        if stat.S_ISREG((folder / "fd/2").stat().st_mode):
            path = (folder / "fd/2").readlink()
            return path if path.exists() else None
    return None


def _unit(folder: Path) -> Unit | None:
    """The service whose main process this is; never cron or ssh, which may only have started it."""
    unit = unit_of((folder / "cgroup").read_text())
    if unit is None:
        return None
    try:
        output = _systemctl(unit, "show", "--property=MainPID", "--value", unit.name)
    except CommandFailed:
        return None
    return unit if output.strip() == folder.name else None


class Service:
    """A daemon that systemd runs."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def stop(self) -> None:
        _systemctl(self._unit, "stop", self._unit.name)

    def start(self, launcher: Path) -> None:
        # A version that ended again and again has used up the starts that systemd allows.
        with suppress(CommandFailed):
            _systemctl(self._unit, "reset-failed", self._unit.name)
        _systemctl(self._unit, "start", self._unit.name)

    def is_running(self) -> bool:
        return self._state("ActiveState") == "active"

    def why_ended(self) -> str | None:
        state, detail = self._state("ActiveState"), self._state("SubState")
        is_over = state in {"failed", "inactive"} or detail == "auto-restart"
        return f"systemd says it is {state} ({detail})" if is_over else None

    def log_hint(self) -> str:
        return f"Its log: journalctl {'--user ' if self._unit.is_user else ''}-u {self._unit.name}"

    def program(self) -> Path | None:
        """What the service starts."""
        name = program_of_unit(_systemctl(self._unit, "show", "--property=ExecStart", self._unit.name))
        return Path(name) if name else None

    def _state(self, name: str) -> str:
        return _systemctl(self._unit, "show", f"--property={name}", "--value", self._unit.name).strip()


def _systemctl(unit: Unit, *arguments: str) -> str:
    command = ["systemctl", *(["--user"] if unit.is_user else []), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SYSTEMCTL_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(Exit.FAILED, f"systemctl {arguments[0]} failed: {error}.") from error
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CommandFailed(Exit.FAILED, f"systemctl {arguments[0]} failed: {why}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each way to end a daemon may take: in order, at once, by force."""

    stop_s: float = 60.0
    at_once_s: float = 5.0
    kill_s: float = 5.0


_PATIENCE = Patience()


class Detached:
    """A daemon that no supervisor runs. `running`: the one there is, to be stopped first."""

    def __init__(
        self,
        running: DaemonProcess | None,
        launch: Launch,
        log: Path,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._patience = patience
        self._launch = launch
        self._log = log
        self._log_begin_bytes = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._process: int | None = None
        """A file descriptor of the process: it never means another one that got the same number."""
        if running is not None:
            with suppress(ProcessLookupError):
                self._process = os.pidfd_open(running.pid)

    def stop(self) -> None:
        if self._process is None:
            return
        # The first signal ends it in order, the second at once: what it records is on the disk already.
        for number, patience_s in (
            (signal.SIGTERM, self._patience.stop_s),
            (signal.SIGTERM, self._patience.at_once_s),
            (signal.SIGKILL, self._patience.kill_s),
        ):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, number)
            if _has_ended(self._process, patience_s):
                self._let_go()
                return
        raise CommandFailed(Exit.FAILED, "The daemon does not end, not even by SIGKILL.")

    def start(self, launcher: Path) -> None:
        try:
            with self._log.open("ab") as log:
                self._log_begin_bytes = log.tell()
                self._child = subprocess.Popen(  # noqa: S603
                    [str(launcher), "run", *self._launch.arguments],
                    cwd=self._launch.cwd,
                    env=self._launch.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise CommandFailed(Exit.FAILED, f"{error.filename or launcher}: {error.strerror}.") from error
        self._process = os.pidfd_open(self._child.pid)

    def is_running(self) -> bool:
        return self._process is not None and not _has_ended(self._process, 0)

    def why_ended(self) -> str | None:
        if self.is_running():
            return None
        code = self._child.wait() if self._child is not None else None
        return f"it ended with code {code}"

    def log_hint(self) -> str:
        last = ""
        with suppress(OSError), self._log.open("rb") as file:
            file.seek(self._log_begin_bytes)
            lines = file.read().decode(errors="replace").splitlines()
            last = "".join(f"\n    {line}" for line in lines[-_LAST_LINES:])
        return f"Its log: {self._log}{', which ends with' if last else ''}{last}"

    def _let_go(self) -> None:
        if self._child is not None:
            self._child.wait()
        if self._process is not None:
            os.close(self._process)
        self._process = self._child = None


def _has_ended(process: int, patience_s: float) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(int(patience_s * 1000)))
