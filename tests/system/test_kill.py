"""What a kill and a restart leave of recordings and of promises, through the real daemon."""

import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from recorder.sources.test_picture.test_card import read_counter
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("a daemon dies in a recording and starts again")

LONG_GOP = {"id": "front", "source": "synthetic?size=320x180&fps=30&gop_s=10"}


def counters(video: bytes) -> list[int | None]:
    with av.open(io.BytesIO(video), "r") as container:
        return [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def a_draft(daemon: Daemon) -> dict[str, Any]:
    answer = daemon.post("/api/clips", {"before_seconds": 0.5, "after_seconds": 0})
    assert answer.status == 201, answer.body
    clip: dict[str, Any] = answer.json()
    return clip


def ids(daemon: Daemon, path: str) -> list[str]:
    return [clip["id"] for clip in daemon.get(path).json()["clips"]]


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


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


def test_a_promise_survives_a_kill_and_is_kept_in_time(tmp_path: Path) -> None:
    """Killed before it was due, started after: published within five seconds of being ready."""
    with Daemon(tmp_path) as daemon:
        daemon.wait_for_buffer(1)
        soon, overdue, never = (a_draft(daemon) for _ in range(3))
        waiting = daemon.post(f"/api/clips/{soon['id']}/publish", {"at": in_seconds(4)}).json()
        at = datetime.fromisoformat(waiting["publish_at"]).timestamp()
        assert (waiting["status"], waiting["published_at"]) == ("draft", None)
        assert soon["id"] in ids(daemon, "/api/drafts")
        daemon.post(f"/api/clips/{overdue['id']}/publish", {"at": in_seconds(0.2)})
        daemon.post(f"/api/clips/{never['id']}/publish", {"at": in_seconds(0.2)})
        daemon.post(f"/api/clips/{never['id']}/unpublish")
        daemon.kill()
        daemon.start()
        ready = time.time()
        done = daemon.wait_for_clip(soon["id"], "published")
        assert at <= datetime.fromisoformat(done["published_at"]).timestamp() <= max(at, ready) + 5
        assert done["publish_at"] is None
        daemon.wait_for_clip(overdue["id"], "published")
        assert ids(daemon, "/api/feed")[0] in (soon["id"], overdue["id"])
        assert daemon.clip(never["id"])["status"] == "draft"
