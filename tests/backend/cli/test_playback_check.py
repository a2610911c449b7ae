"""The check plays like a player, and says which step does not work and why."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon import ROOT, Daemon

pytestmark = pytest.mark.daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(
        tmp_path_factory.mktemp("check"), [{"id": "front", "source": "synthetic?size=320x180"}]
    ) as up:
        yield up


def check(daemon: Daemon, *arguments: str) -> tuple[int, str]:
    """Exit status and what was printed."""
    command = [sys.executable, "-m", "backend", "playback", "check", "--config", str(daemon.config_path)]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_clip_that_plays_passes_and_a_damaged_one_does_not(daemon: Daemon) -> None:
    """Without a clip it says how to make one; with one each step is a line; a torn file fails its seeks."""
    status, said = check(daemon)
    assert (status, "record --wait" in said) == (1, True)
    daemon.wait_for_buffer(2, "front")
    clip: Any = daemon.post("/api/clips", {"before_seconds": 1.5, "after_seconds": 0}).json()
    daemon.wait_for_clip(clip["id"])
    status, said = check(daemon, "--json")
    told = json.loads(said)
    assert status == 0, said
    assert [(s["mode"], s["step"]) for s in told["steps"]] == [
        ("proxy_stream", name) for name in ("resolve", "index", "seeks", "ranges")
    ]
    path = daemon.data_dir / "clips" / clip["id"] / "clip.mp4"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    status, said = check(daemon, clip["id"])
    assert (status, "seeks    FAILED" in said, "index    ok" in said) == (1, True, True), said
    path.unlink()
    status, said = check(daemon, clip["id"])
    assert (status, "fsck" in said) == (1, True), said
