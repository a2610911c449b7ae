"""What a kill and a restart leave of recordings, through the real daemon."""

import io
from pathlib import Path

import av

from recorder.sources.test_card import read_counter
from tests.support.daemon import Daemon

LONG_GOP = {"id": "front", "source": "synthetic?size=320x180&fps=30&gop_s=10"}


def counters(video: bytes) -> list[int | None]:
    with av.open(io.BytesIO(video), "r") as container:
        return [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def test_a_kill_during_a_recording_costs_at_most_the_last_second(tmp_path: Path) -> None:
    """Killed a second and a half into a long GOP; after the restart the clip is a draft that plays."""
    with Daemon(tmp_path, [LONG_GOP]) as daemon:
        daemon.wait_for_buffer(2.0)
        clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 600}).json()
        daemon.wait(
            lambda: (daemon.clip(clip["id"])["duration_seconds"] or 0) >= 2.5, 20, "2.5 s to be recorded"
        )
        daemon.kill()
        daemon.start()
        saved = daemon.wait_for_clip(clip["id"])
        assert saved["duration_seconds"] >= 1.5
        seen = counters(daemon.get(saved["playback_url"]).body)
        assert seen[0] is not None
        assert seen == list(range(seen[0], seen[0] + saved["frame_count"]))
        daemon.wait(lambda: daemon.clip(clip["id"])["previews"]["middle"], 20, "its preview")


def test_a_stop_keeps_recordings_for_the_next_start(tmp_path: Path) -> None:
    """SIGTERM ends with 0, quickly, while pages are open; the recording is finished by the next start."""
    with Daemon(tmp_path) as daemon:
        daemon.wait_for_buffer(2.0)
        clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": None}).json()
        assert daemon.stop() == 0
        daemon.start()
        assert daemon.wait_for_clip(clip["id"])["duration_seconds"] >= 1.0


def test_a_retry_finishes_what_failed(tmp_path: Path) -> None:
    """The part file stays when finishing fails; once the cause is gone, retry makes the clip."""
    with Daemon(tmp_path) as daemon:
        daemon.wait_for_buffer(2.0)
        clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 1}).json()
        folder = daemon.data_dir / "clips" / clip["id"]
        # A directory where the temporary file would be: the finish cannot write.
        (folder / "clip.mp4.tmp").mkdir()
        failed = daemon.wait_for_clip(clip["id"], "failed")
        assert failed["retryable"] is True
        assert failed["error"]
        assert (folder / "recording.part").exists()
        (folder / "clip.mp4.tmp").rmdir()
        assert daemon.post(f"/api/clips/{clip['id']}/retry").json()["status"] == "processing"
        assert daemon.wait_for_clip(clip["id"])["frame_count"] == 60
        assert not (folder / "recording.part").exists()
