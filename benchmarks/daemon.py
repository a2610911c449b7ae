"""The real daemon as its own process, and a client that talks HTTP to it over loopback."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_UP_S = 60.0
STOP_S = 30.0
POLL_S = 0.25
KEPT_S = 5.0
"""The daemon closes connections that say nothing; one that idled this long is not used again."""


class BenchmarkFailed(Exception):
    """Something did not happen in time; the message says what, and the figures would be worth nothing."""


class Client:
    """One kept connection. Not for use from several threads."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._used_s = 0.0

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded JSON answer; raises BenchmarkFailed unless it is a success."""
        data = self.raw(method, path, body)
        return json.loads(data) if data else None

    def raw(self, method: str, path: str, body: object = None) -> bytes:
        """All bytes of the answer."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if time.monotonic() - self._used_s > KEPT_S:
            self._connection.close()
        try:
            self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = self._connection.getresponse()
            data = response.read()
        except http.client.HTTPException as error:
            raise BenchmarkFailed(f"{method} {path} was not answered: {error!r}") from error
        self._used_s = time.monotonic()
        if response.status >= 300:
            raise BenchmarkFailed(f"{method} {path} answered {response.status}: {data[:500]!r}")
        return data

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon."""

    pid: int
    port: int
    client: Client

    def cameras(self) -> list[dict[str, Any]]:
        answer = self.client.call("GET", "/api/cameras")
        return list(answer["cameras"] if isinstance(answer, dict) else answer)

    def wait_for_buffer(self, seconds: float, patience_s: float) -> None:
        """Until every camera has `seconds` buffered."""
        deadline = time.monotonic() + patience_s
        while True:
            buffered = {c["id"]: c["buffer"]["duration_seconds"] for c in self.cameras()}
            if min(buffered.values()) >= seconds:
                return
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"not every buffer reached {seconds:g} s: {buffered}")
            time.sleep(POLL_S)


@contextmanager
def daemon(
    where: Path,
    sources: Sequence[str],
    buffer_s: float,
    *,
    environment: Mapping[str, str] | None = None,
    **more: Any,
) -> Iterator[Daemon]:
    """A daemon with one camera per source (`cam0`, `cam1`, …), stopped at the end; `more` of each camera."""
    port = _free_port()
    config = {
        "data_dir": str(where / "data"),
        "server": {"host": "127.0.0.1", "port": port, "loopback_without_key": True},
        "cameras": [{"id": f"cam{n}", "source": source} | more for n, source in enumerate(sources)],
        "buffer": {"seconds": buffer_s},
    }
    path = where / "config.yaml"
    # JSON is YAML, so nothing needs quoting.
    path.write_text(json.dumps(config))
    log = (where / "daemon.log").open("wb")
    command = [sys.executable, "-P", "-m", "backend", "run", "--config", str(path)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | dict(environment or {})
    )
    client = Client(port)
    try:
        _wait_until_ready(process, port, where / "daemon.log")
        yield Daemon(process.pid, port, client)
    finally:
        client.close()
        stop(process)
        log.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, and only then insist."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_UP_S
    while time.monotonic() < deadline and process.poll() is None:
        client = Client(port)
        try:
            client.raw("GET", "/readyz")
        except (OSError, BenchmarkFailed):
            time.sleep(POLL_S)
        else:
            return
        finally:
            client.close()
    raise BenchmarkFailed(f"the daemon did not become ready:\n{log.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
