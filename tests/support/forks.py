"""Daemons as forks of one process that has their modules loaded already.

Loading takes two seconds of processor time, and most daemons of the suite live for less than ten: a run that
starts a hundred would spend its time loading. A fork runs `python -m backend` from its first line, in a
process of its own: signals, files, sockets and workers are the daemon's. What the loader and the C library
read when a process begins (LD_PRELOAD, TZ) needs `subprocess`; tests/system/backend/cli/test_run.py and the
tests of the launcher start daemons as people do. The two helpers that `multiprocessing` runs beside a daemon
with workers, which would load everything once more, are forks too.

    process = fork_daemon(["run", "--config", path], cwd=ROOT, environment=os.environ, output=log)
    process.send_signal(signal.SIGTERM)
    code = process.wait(20)

Blocking, from any thread.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from multiprocessing import util
from multiprocessing.forkserver import _forkserver  # its only handle
from pathlib import Path
from typing import BinaryIO

import coverage

import backend
import recorder

_MEASURED = "COVERAGE_PROCESS_START"
_LOADED_LATER = ("alembic.command", "alembic.op", "cv2", "multiprocessing.popen_forkserver")
"""What a start loads apart from our own modules."""
_MESSAGE_BYTES = 1 << 16
_NUMBER = struct.Struct("i")


class Fork:
    """A forked daemon, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, answers: int, arguments: Sequence[str]) -> None:
        """`answers` is the read end of a pipe that brings the process id, then the exit code.

        This object closes it.
        """
        self._answers = answers
        self._arguments = arguments
        self._code: int | None = None
        self.pid = self._answer()

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._read(0)

    def wait(self, timeout: float | None = None) -> int:
        """Block until it ends. Raises subprocess.TimeoutExpired."""
        code = self._read(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(list(self._arguments), timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the pipe has yet to say so
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout_s: float | None) -> int | None:
        if self._code is None and select.select([self._answers], [], [], timeout_s)[0]:
            self._code = self._answer()
            os.close(self._answers)
        return self._code

    def _answer(self) -> int:
        said = os.read(self._answers, _NUMBER.size)
        assert said, "the process that forks daemons died"
        number: int = _NUMBER.unpack(said)[0]
        return number


class _Server:
    """The tests' end of the process that forks."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=Path(__file__).parents[2],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name != _MEASURED},
            )
        self._socket = ours

    def fork(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        output: BinaryIO,
        constants: Mapping[str, float],
    ) -> Fork:
        reading, writing = os.pipe()
        request = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "environment": dict(environment),
            "constants": dict(constants),
        }
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [output.fileno(), writing])
        finally:
            os.close(writing)
        return Fork(reading, arguments)

    def close(self) -> None:
        """End it, and the daemons that still run."""
        self._socket.close()
        self._process.wait()


_making = threading.Lock()
"""Held while `_server` is called: `cache` alone lets two threads make two."""


@cache
def _server() -> _Server:
    made = _Server()
    atexit.register(made.close)
    return made


def fork_daemon(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    output: BinaryIO,
    constants: Mapping[str, float] | None = None,
) -> Fork:
    """Run `python -m backend ARGUMENTS` in a process of its own, stdout and stderr going to `output`.

    `constants` replaces constants of modules in that process, by dotted name: intervals that nobody
    configures, and that a test cannot wait for.
    """
    with _making:
        server = _server()
    return server.fork(arguments, cwd, environment, output, constants or {})


def _load() -> None:
    """Load all that a daemon loads until it answers."""
    gc.disable()
    for package in (recorder, backend):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", ".env")) and ".versions." not in module.name:
                importlib.import_module(module.name)
    for name in _LOADED_LATER:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()


def _serve(requests: socket.socket) -> list[str]:
    """Fork for each request until the tests close their end; returns, in each fork, its arguments."""
    endings: dict[int, tuple[int, int]] = {}
    waiting = selectors.DefaultSelector()
    waiting.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fd in endings:
                waiting.unregister(key.fd)
                _report(key.fd, *endings.pop(key.fd))
                continue
            said, descriptors, *_ = socket.recv_fds(requests, _MESSAGE_BYTES, 2)
            if not said:
                for pid, _ in endings.values():
                    os.kill(pid, signal.SIGKILL)
                sys.exit(0)
            output, answers = descriptors
            # Safe: this process has no other thread, and so no lock that one might hold.
            if (pid := os.fork()) == 0:  # noqa: TID251
                waiting.close()
                return _become(json.loads(said), output)
            os.close(output)
            watched = os.pidfd_open(pid)
            endings[watched] = (pid, answers)
            waiting.register(watched, selectors.EVENT_READ)
            _say(answers, pid)


def _report(watched: int, pid: int, answers: int) -> None:
    _, status = os.waitpid(pid, 0)
    _say(answers, os.waitstatus_to_exitcode(status))
    os.close(answers)
    os.close(watched)


def _say(answers: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the tests ended before their daemon
        os.write(answers, _NUMBER.pack(number))


def _become(request: dict[str, object], output: int) -> list[str]:
    """Turn this fork into what `subprocess` would have started; returns its arguments."""
    arguments, environment, constants = (request[name] for name in ("arguments", "environment", "constants"))
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    assert isinstance(constants, dict)
    for name, value in constants.items():
        module, _, constant = name.rpartition(".")
        # One that is no longer there must not leave the test waiting for the real interval.
        assert hasattr(sys.modules[module], constant), name
        setattr(sys.modules[module], constant, value)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(environment)
    _start_helpers()
    if _MEASURED in os.environ:
        coverage.process_startup()
        # Its workers measure themselves.
        del os.environ[_MEASURED]
    return arguments


def _start_helpers() -> None:
    """Fork the helpers of `multiprocessing` now: later this process has threads, and must not fork."""
    executed, util.spawnv_passfds = util.spawnv_passfds, _spawn_fork  # type: ignore[assignment]
    try:
        _forkserver.ensure_running()
    finally:
        util.spawnv_passfds = executed


def _spawn_fork(path: str, command: Sequence[str], descriptors: Sequence[int]) -> int:
    """In place of `multiprocessing.util.spawnv_passfds`: run what follows `-c` in a fork; returns its id."""
    if (pid := os.fork()) != 0:  # noqa: TID251
        return pid
    code = 1
    try:
        kept = sorted({0, 1, 2, *descriptors})
        for below, above in pairwise([*kept, os.sysconf("SC_OPEN_MAX")]):
            os.closerange(below + 1, above)
        with suppress(SystemExit):  # the fork server ends so, the resource tracker returns
            exec(command[-1], {})
        code = 0
    except BaseException:  # noqa: BLE001  the outermost frame of this process
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    _load()
    sys.argv[1:] = _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("backend", run_name="__main__", alter_sys=True)
