"""The real daemon as a process of its own, on a free loopback port, with a data directory of its own.

    with Daemon(tmp_path, [{"id": "front", "source": "synthetic?size=320x180"}]) as daemon:
        clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 1}).json()
        daemon.wait_for_clip(clip["id"])
        daemon.kill(); daemon.start()       # same data, same port

Ends only the process it started, by its pid. Plain blocking HTTP, one connection per request.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from tests.support.forks import Fork, fork_daemon

ROOT = Path(__file__).resolve().parents[2]
SMALL_CAMERA = {"id": "front", "name": "Front door", "source": "synthetic?size=320x180&fps=30&gop_s=1"}
READY_S = 60.0
END_S = 20.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Daemon:
    """`hindsight run` and a client for it. Survives `kill` and `start` with the same data and port."""

    def __init__(
        self,
        directory: Path,
        cameras: Sequence[Mapping[str, Any]] = (SMALL_CAMERA,),
        *,
        environment: Mapping[str, str] | None = None,
        is_measured: bool = True,
        constants: Mapping[str, float] | None = None,
        **sections: Any,
    ) -> None:
        """`sections` are those of config.yaml, for example `buffer={"seconds": 20}`.

        `is_measured`: count the lines it reaches, in a run that does; one that is killed tells none.
        `constants`: intervals of modules that nobody configures, by dotted name (`fork_daemon`); not
        together with `environment`.
        """
        assert not (environment and constants)
        self._constants = dict(constants or {})
        self._environment = _environment() | dict(environment or {})
        # The loader and the C library read their variables when a process begins.
        self._needs_own_python = bool(environment)
        if not is_measured:
            self._environment.pop("COVERAGE_PROCESS_START", None)
        self.directory = directory
        self.port = free_port()
        self.log_path = directory / "daemon.log"
        self.data_dir = directory / "data"
        self.config_path = directory / "config.yaml"
        self.configure(cameras, **sections)
        self._process: subprocess.Popen[bytes] | Fork | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.log_path.exists():
            print(f"--- {self.log_path}\n{self.log_path.read_text('utf-8', 'replace')[-8000:]}")
        if "COVERAGE_PROCESS_START" in os.environ and self.is_running:
            # A process that is killed does not write down which lines it reached.
            with suppress(subprocess.TimeoutExpired):
                self.stop()
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the daemon does not run"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def configure(self, cameras: Sequence[Mapping[str, Any]], **sections: Any) -> None:
        """Write the configuration anew; `hang_up` or a new start reads it."""
        # Who may come in is what the tests of access are for; they say so.
        open_to_tests = {"host": "127.0.0.1", "port": self.port, "loopback_without_key": True}
        server = open_to_tests | sections.pop("server", {})
        # What this machine's disk has left decides nothing; who tests the reserve says how large it is.
        keep = {"retention": {"reserve": {"bytes": 0, "clips": 0}}}
        own = {"data_dir": str(self.data_dir), "server": server, "cameras": list(cameras)}
        config = own | keep | sections
        # JSON is YAML too.
        self.config_path.write_text(json.dumps(config), "utf-8")

    def is_open(self) -> bool:
        """Whether it serves. One that lets nobody in says so by its page, which is open to everybody."""
        with suppress(OSError):
            return self.get("/livez").status == 200
        return False

    def hang_up(self) -> None:
        """Ask it to read its configuration again (SIGHUP); returns at once."""
        os.kill(self.pid, signal.SIGHUP)

    def start(self, *, wait: bool = True) -> None:
        """Start the process and wait until it is ready."""
        assert not self.is_running, "the daemon runs already"
        with self.log_path.open("ab") as log:
            self._process = self._begin(["run", "--config", str(self.config_path)], log)
        if wait:
            try:
                self.wait(self._is_ready, READY_S, "ready")
            except BaseException:
                self.kill()  # nobody else would: what failed is the entry of the `with` block
                raise

    def stop(self) -> int:
        """Ask it to end (SIGTERM); returns its exit code."""
        return self._end(signal.SIGTERM)

    def wait_for_end(self) -> int:
        """Its exit code, once it has ended by itself or by somebody else's signal."""
        assert self._process is not None, "the daemon does not run"
        return self._process.wait(END_S)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`body`: bytes go as they are, anything else as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        """A connection for one request."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers={n.replace("_", "-"): v for n, v in headers.items()})

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("POST", path, body, {n.replace("_", "-"): v for n, v in headers.items()})

    def clip(self, clip_id: str) -> dict[str, Any]:
        """The clip as the API tells it now."""
        answer = self.get(f"/api/clips/{clip_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    def wait_for_clip(self, clip_id: str, status: str = "draft", deadline_s: float = 30.0) -> dict[str, Any]:
        """The clip once it has `status`; one that failed instead fails at once."""

        def arrived() -> dict[str, Any] | None:
            clip = self.clip(clip_id)
            assert status == "failed" or clip["status"] != "failed", clip["error"]
            return clip if clip["status"] == status else None

        return self.wait(arrived, deadline_s, f"clip {clip_id} {status}")

    def wait_for_buffer(self, seconds: float, camera: str | None = None, deadline_s: float = 60.0) -> None:
        """Until at least `seconds` are buffered."""
        path = "/video/buffer/status" + (f"?camera={camera}" if camera else "")
        self.wait(
            lambda: self.get(path).json()["duration_seconds"] >= seconds, deadline_s, f"{seconds} s buffered"
        )

    def wait(self, condition: Callable[[], T | None], deadline_s: float, what: str) -> T:
        """What `condition` returns once it is true; a daemon that died meanwhile fails at once."""
        end = time.monotonic() + deadline_s
        while True:
            assert self.is_running, f"the daemon ended while waiting for: {what}"
            if found := condition():
                return found
            assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
            time.sleep(0.05)

    def _begin(self, arguments: list[str], log: BinaryIO) -> subprocess.Popen[bytes] | Fork:
        if not self._needs_own_python:
            return fork_daemon(
                arguments, cwd=ROOT, environment=self._environment, output=log, constants=self._constants
            )
        return subprocess.Popen(
            [sys.executable, "-m", "backend", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def _end(self, number: signal.Signals) -> int:
        process = self._process
        assert process is not None, "the daemon does not run"
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            self._process = None


@contextmanager
def locked_daemon(
    directory: Path, cameras: Sequence[Mapping[str, Any]] = (SMALL_CAMERA,), **server: Any
) -> Iterator[Daemon]:
    """A daemon that lets nobody in without a session, not even to /readyz: it serves once /livez answers."""
    daemon = Daemon(directory, cameras, server={"loopback_without_key": False, **server})
    daemon.start(wait=False)
    try:
        daemon.wait(daemon.is_open, READY_S, "serving")
        yield daemon
    finally:
        daemon.stop()


def unmeasured() -> dict[str, str]:
    """Our environment for a process that is going to be killed: what it reaches, it cannot tell."""
    return {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_START"}


def free_port() -> int:
    """A loopback port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """Ours without what would change the daemon's configuration."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HINDSIGHT_") and name != "VIDEO_SOURCE"
    }
