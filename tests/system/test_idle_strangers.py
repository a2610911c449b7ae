"""Strangers before a daemon that may open few files: recordings go on, and the owner gets in."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from socket import create_connection
from typing import BinaryIO

import pytest

from tests.support.daemon import ROOT, SMALL_CAMERA, Daemon

pytestmark = pytest.mark.slow("the limit of open files belongs to a process of its own")

SOFT, HARD = 128, 256
STRANGERS = 2 * HARD


class NarrowDaemon(Daemon):
    """One that a shell starts which allows few open files, and at first only half of those."""

    def _begin(self, arguments: list[str], log: BinaryIO) -> subprocess.Popen[bytes]:
        narrowed = f'ulimit -n {HARD} && ulimit -S -n {SOFT} && exec "$@"'
        return subprocess.Popen(
            ["sh", "-c", narrowed, "sh", sys.executable, "-m", "backend", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


@contextmanager
def _strangers(daemon: Daemon) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(STRANGERS):
            stack.enter_context(closing(create_connection(("127.0.0.1", daemon.port), 10)))
        yield


def test_idle_strangers_fail_no_recording_keep_nobody_out_and_fill_no_log(tmp_path: Path) -> None:
    """Twice as many as the process could have open at all."""
    with NarrowDaemon(tmp_path, [SMALL_CAMERA]) as daemon:
        limits = Path(f"/proc/{daemon.pid}/limits").read_text()
        [files] = [line.split() for line in limits.splitlines() if line.startswith("Max open files")]
        assert files[3:5] == [str(HARD), str(HARD)]
        daemon.wait_for_buffer(2)
        running = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": None}).json()
        lines = len(daemon.log_path.read_text().splitlines())
        with _strangers(daemon):
            pressed = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0})
            assert pressed.status == 201
            assert daemon.post(f"/api/clips/{running['id']}/stop", {}).status == 200
            for clip in (running["id"], pressed.json()["id"]):
                assert daemon.wait_for_clip(clip)["status"] == "draft"
            assert len(daemon.log_path.read_text().splitlines()) - lines < 5
