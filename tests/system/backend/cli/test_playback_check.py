"""The check plays like a player, from everywhere a player is sent, and says which step fails and why."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.commands import called
from tests.support.daemon import Daemon
from tests.support.s3_servers import S3Server

STEPS = ("resolve", "index", "seeks", "ranges")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = S3Server("rclone", tmp_path_factory.mktemp("s3") / "data")
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, server: S3Server) -> Iterator[Daemon]:
    cameras = [{"id": "front", "source": "synthetic?size=320x180"}]
    s3 = {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}
    with Daemon(tmp_path_factory.mktemp("check"), cameras, storage={"s3": s3}) as up:
        yield up


def check(daemon: Daemon, *arguments: str) -> tuple[int, str]:
    """Exit status and what was printed."""
    done = called("playback", "check", "--config", str(daemon.config_path), *arguments)
    return done.returncode, done.stdout + done.stderr


def test_a_clip_that_plays_passes_and_a_damaged_one_does_not(daemon: Daemon, server: S3Server) -> None:
    """Straight from the store and through the daemon; then torn here, then with the store gone as well."""
    status, said = check(daemon)
    assert (status, "record --wait" in said) == (1, True)
    daemon.wait_for_buffer(2, "front")
    clip: Any = daemon.post("/api/clips", {"before_seconds": 1.5, "after_seconds": 0}).json()
    daemon.wait(lambda: daemon.clip(clip["id"])["location"] == "both" or None, 60, "in the store")
    status, said = check(daemon, "--json")
    assert status == 0, said
    steps = [(step["mode"], step["step"]) for step in json.loads(said)["steps"]]
    assert steps == [(mode, name) for mode in ("direct_url", "proxy_stream") for name in STEPS]
    path = daemon.data_dir / "clips" / clip["id"] / "clip.mp4"
    whole = path.read_bytes()
    # Every picture, because a decoder conceals torn pictures between whole keyframes.
    pictures = whole.index(b"mdat") + 4
    path.write_bytes(whole[:pictures] + bytes(len(whole) - pictures))
    status, said = check(daemon, clip["id"])
    failed = [line.split()[:2] for line in said.splitlines() if "FAILED" in line]
    assert (status, failed) == (1, [["proxy_stream", "seeks"]]), said
    path.unlink()
    status, said = check(daemon, clip["id"])
    assert status == 0, said
    server.kill()
    status, said = check(daemon, clip["id"])
    assert (status, "endpoint" in said) == (1, True), said
    answer = daemon.get(f"/api/clips/{clip['id']}/playback")
    assert (answer.status, answer.json()["cause"]) == (502, "host")
    assert daemon.get(f"/api/clips/{clip['id']}/playback/stream").status == 502
