"""A full disk costs what cannot be written, says so, and nothing else."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon
from tests.support.kills import rows_of
from tests.support.recorder_rig import counters_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow("a disk fills while the daemon records in real time")

LONG_GOP = {"id": "front", "source": "synthetic?size=320x180&fps=30&gop_s=10"}
DISK_BYTES = 24 * 1024 * 1024


class SmallDisk:
    """A file system of its own, with a ballast file that takes what is left of it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.ballast = place / "ballast"

    def fill(self) -> None:
        """Leave not a single block."""
        descriptor = os.open(self.ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while free_bytes := self.free_bytes():
                # The daemon writes too: what was free a moment ago may be taken.
                with suppress(OSError):
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, free_bytes)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        self.ballast.unlink()

    def free_bytes(self) -> int:
        status = os.statvfs(self._place)
        return status.f_bavail * status.f_frsize


@contextmanager
def mounted(place: Path) -> Iterator[SmallDisk]:
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here; run the tests as root")
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The disk under the daemon's data_dir."""
    with mounted(tmp_path / "data") as small:
        yield small


def buffered_frames(daemon: Daemon) -> int:
    frames: int = daemon.get("/video/buffer/status").json()["held_frames"]
    return frames


def test_a_full_disk_refuses_with_507_and_leaves_nothing(tmp_path: Path, disk: SmallDisk) -> None:
    """Look-back, recording and snapshot alike; no file, no row, no open file; later it works again."""
    with Daemon(tmp_path, [LONG_GOP]) as daemon:
        daemon.wait_for_buffer(2.0)
        disk.fill()
        before = buffered_frames(daemon)
        asks: list[tuple[str, dict[str, Any]]] = [
            ("/api/clips", {"before_seconds": 1, "after_seconds": 0}),
            ("/api/clips", {"before_seconds": 1, "after_seconds": 5}),
            ("/api/snapshots", {}),
        ]
        open_files: list[int] = []
        for _ in range(4):
            for path, body in asks:
                answer = daemon.post(path, body)
                assert answer.status == 507, (path, body, answer.body)
                assert "full" in answer.json()["title"]
            assert list((daemon.data_dir / "clips").iterdir()) == []
            open_files.append(sum(1 for _ in Path(f"/proc/{daemon.pid}/fd").iterdir()))
        assert open_files[-1] <= open_files[0] + 1
        assert rows_of(daemon) == {}
        daemon.wait(lambda: buffered_frames(daemon) > before + 15, 10, "the buffer to go on")
        disk.empty()
        for path, body in asks:
            clip = daemon.post(path, body).json()
            daemon.wait_for_clip(clip["id"])


def test_a_disk_that_fills_up_fails_the_recording_and_keeps_what_was_written(
    tmp_path: Path, disk: SmallDisk
) -> None:
    """The buffer goes on; with space again a retry makes the clip of everything that was written."""
    with Daemon(tmp_path, [LONG_GOP]) as daemon:
        daemon.wait_for_buffer(2.0)
        told = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 60}).json()
        part = daemon.data_dir / "clips" / told["id"] / "recording.part"
        daemon.wait(lambda: (daemon.clip(told["id"])["duration_seconds"] or 0) >= 2, 20, "2 s recorded")
        recorded_s = daemon.clip(told["id"])["duration_seconds"]
        disk.fill()
        camera = "/api/cameras/front"
        daemon.wait(lambda: daemon.get(camera).json()["counters"]["write_failures"] == 1, 20, "a failure")
        before = buffered_frames(daemon)
        daemon.wait(lambda: buffered_frames(daemon) > before + 15, 10, "the buffer to go on")
        assert part.exists()
        disk.empty()
        failed = daemon.wait_for_clip(told["id"], "failed")
        assert failed["retryable"]
        assert "No space left" in failed["error"]
        assert daemon.post(f"/api/clips/{told['id']}/retry").status == 200
        clip = daemon.wait_for_clip(told["id"])
        assert clip["duration_seconds"] >= recorded_s - 1
        counters = counters_of(daemon.data_dir / "clips" / told["id"] / "clip.mp4")
        assert counters == list(range(counters[0], counters[0] + clip["frame_count"]))
        assert clip["start_time"] == told["start_time"]


def test_a_start_on_a_full_disk_says_so_and_gives_nothing_up(tmp_path: Path, disk: SmallDisk) -> None:
    """It ends with a sentence; the start after that finds space and finishes what the kill cut off."""
    with Daemon(tmp_path, [LONG_GOP]) as daemon:
        daemon.wait_for_buffer(2.0)
        told = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 60}).json()
        daemon.wait(lambda: (daemon.clip(told["id"])["duration_seconds"] or 0) >= 2, 20, "2 s recorded")
        recorded_s = daemon.clip(told["id"])["duration_seconds"]
        daemon.kill()
        disk.fill()
        daemon.start(wait=False)
        wait_until(lambda: not daemon.is_running, 20)
        assert "disk is full" in daemon.log_path.read_text("utf-8")
        disk.empty()
        daemon.start()
        assert daemon.wait_for_clip(told["id"])["duration_seconds"] >= recorded_s - 1
