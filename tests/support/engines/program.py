"""A program in a session of its own, all of which ends with it: browsers are many processes."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

START_S = 60.0
_END_S = 5.0
_SAID_CHARACTERS = 4000

T = TypeVar("T")


class Program:
    """A running program; what it prints goes to a file."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start it with `folder`, which must exist, as its working directory and home."""
        self.name = Path(command[0]).name
        self._log = folder / f"{self.name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=_of_its_own(folder) | dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=pass_fds,
            )

    def printed(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def said(self) -> str:
        """The end of what it printed, for the message of a failure."""
        return f"{self.name} said:\n{self.printed()[-_SAID_CHARACTERS:]}"

    def wait(self, condition: Callable[[], T | None], what: str, deadline_s: float = START_S) -> T:
        """What `condition` returns once it is true; a program that ended meanwhile fails at once."""
        end_s = time.monotonic() + deadline_s
        while not (found := condition()):
            assert self._process.poll() is None, f"{self.name} ended before {what}; {self.said()}"
            assert time.monotonic() < end_s, f"not within {deadline_s} s: {what}; {self.said()}"
            time.sleep(0.02)
        return found

    def end(self, grace_s: float = 5.0) -> None:
        """End every process of its session, if need be by force, and wait until none is left. Idempotent."""
        for number, within_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, _END_S)):
            end_s = time.monotonic() + within_s
            while (members := list(self._members())) and time.monotonic() < end_s:
                for pid in members:
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)
                self._process.poll()
                time.sleep(0.05)
        self._process.wait(_END_S)

    def _members(self) -> Iterator[int]:
        """The processes of its session. Only those of our own making can be in it."""
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, PermissionError, psutil.Error):
                is_ours = os.getsid(process.pid) == self._process.pid
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process.pid


def _of_its_own(folder: Path) -> dict[str, str]:
    """An environment that leads to nothing of this account: no profile, no desktop, no proxy."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(runtime)}
