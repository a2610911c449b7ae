"""Clips of cameras that do not send H.264, through the real daemon: exact, told about, and never lost."""

import hashlib
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from recorder.bitstream.access_unit import Codec
from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("cameras in real time, and clips that are encoded after them")

JPEG = Material(width=320, height=176, frames=900, codec=Codec.MJPEG)
H265 = Material(width=320, height=176, frames=900, codec=Codec.H265, bframes=2)
LARGE = Material(width=960, height=544, frames=600, codec=Codec.MJPEG)
LARGE_H265 = Material(width=960, height=544, frames=150, codec=Codec.H265)


def started(directory: Path, camera: RtspCamera, **settings: Any) -> Daemon:
    """A daemon that keeps what the camera sends."""
    source = {"id": "cam", "source": camera.url(), **settings}
    return Daemon(directory, [source], buffer={"codec": "source"})


@pytest.fixture(scope="module", params=[JPEG, H265], ids=["mjpeg", "h265"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    require_rtsp_server()
    with (
        RtspCamera(request.param) as camera,
        started(tmp_path_factory.mktemp("transcode"), camera) as running,
    ):
        running.wait_for_buffer(4, "cam")
        yield running


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Pictures so large that making a clip takes a while."""
    require_rtsp_server()
    with (
        RtspCamera(LARGE) as camera,
        started(tmp_path_factory.mktemp("large"), camera) as running,
    ):
        running.wait_for_buffer(10, "cam")
        yield running


def counters_of(data: bytes) -> list[int]:
    """The counters a player shows."""
    found = []
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(video=0):
            number = read_counter(frame.to_ndarray(format="bgr24"))
            assert number is not None
            found.append(number)
    return found


def consecutive(counters: list[int]) -> bool:
    """Each follows the one before, also around the end of the camera's loop."""
    return all(later in (earlier + 1, 0) for earlier, later in pairwise(counters))


def assert_is_whole(daemon: Daemon, clip: dict[str, Any]) -> list[int]:
    """The file is H.264 with the promised frames and no other; returns its counters."""
    data = daemon.get(clip["playback_url"]).body
    counters = counters_of(data)
    assert consecutive(counters)
    assert len(counters) == clip["frame_count"]
    assert (clip["video_codec"], clip["gaps"]) == ("h264", [])
    assert clip["duration_seconds"] == pytest.approx(len(counters) / 30, abs=0.02)
    assert hashlib.sha256(data).hexdigest() == clip["sha256"]
    assert data.index(b"moov") < data.index(b"mdat")
    return counters


def test_a_look_back_holds_exactly_its_frames(daemon: Daemon) -> None:
    """Two seconds that were over before the press: no draft at once, but soon, and sixty frames."""
    clip = daemon.post("/api/clips", {"before_seconds": 2, "after_seconds": 0}).json()
    assert clip["status"] in ("pending", "processing")
    done = daemon.wait_for_clip(clip["id"])
    assert len(assert_is_whole(daemon, done)) == 60
    assert done["progress"] is None


def test_the_encoder_in_use_and_those_that_were_refused_are_told(daemon: Daemon) -> None:
    """A person who bought a box for its encoder sees whether it is used, and if not, why."""
    encoder = daemon.get("/api/system").json()["encoder"]
    assert encoder["name"] == encoder["tried"][-1]["name"]
    assert encoder["tried"][-1]["works"]
    assert all(one["reason"] for one in encoder["tried"][:-1])
    assert "hindsight_transcodes_done_total" in daemon.get("/metrics").body.decode()


def test_before_and_after_meet_without_a_seam(daemon: Daemon) -> None:
    """The transcode began at the press; where it had to wait nobody can see."""
    clip = daemon.post("/api/clips", {"before_seconds": 1.5, "after_seconds": 2}).json()
    assert len(assert_is_whole(daemon, daemon.wait_for_clip(clip["id"]))) == 105


def test_a_recording_until_stopped_gives_way_to_others(daemon: Daemon) -> None:
    """Three at once with two places: all are made."""
    endless = [
        daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": None}).json() for _ in range(2)
    ]
    short = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
    assert_is_whole(daemon, daemon.wait_for_clip(short["id"]))
    for clip in endless:
        daemon.post(f"/api/clips/{clip['id']}/stop")
        assert_is_whole(daemon, daemon.wait_for_clip(clip["id"]))


def test_the_thumbnail_shows_a_frame_of_the_clip(daemon: Daemon) -> None:
    """`current` from the buffer at once, `middle` from the finished file."""
    clip = daemon.post("/api/clips", {"before_seconds": 2, "after_seconds": 0}).json()
    daemon.wait_for_clip(clip["id"])
    for source in ("current", "middle"):
        path = f"/api/clips/{clip['id']}/thumbnail?source={source}"
        picture = daemon.wait(
            lambda path=path: (  # type: ignore[misc]
                answer if (answer := daemon.get(path)).headers["content-type"] == "image/jpeg" else None
            ),
            30,
            source,
        )
        assert picture.body.startswith(b"\xff\xd8")


@pytest.mark.parametrize("material", [LARGE, LARGE_H265], ids=["mjpeg", "h265"])
def test_a_transcode_that_is_killed_with_the_daemon_begins_again_by_itself(
    tmp_path: Path, material: Material
) -> None:
    """`kill -9` in the middle: the clip is whole a little later, and nothing is left of the first try."""
    require_rtsp_server()
    with RtspCamera(material) as camera, started(tmp_path, camera) as daemon:
        daemon.wait_for_buffer(10, "cam")
        clip = daemon.post("/api/clips", {"before_seconds": 9, "after_seconds": 0}).json()
        directory = daemon.data_dir / "clips" / clip["id"]
        daemon.wait((directory / "clip.mp4.tmp").exists, 30, "the transcode to begin")
        daemon.kill()
        assert not (directory / "clip.mp4").exists()
        daemon.start()
        assert daemon.clip(clip["id"])["status"] in ("processing", "draft")
        done = daemon.wait_for_clip(clip["id"], deadline_s=90)
        assert len(assert_is_whole(daemon, done)) == 270
        daemon.wait(lambda: not (directory / "recording.part").exists(), 10, "the part file to go")
        assert [path.name for path in directory.iterdir()] == ["clip.mp4"]


def test_a_recording_that_is_killed_loses_at_most_its_last_second(tmp_path: Path) -> None:
    """What was answered with 201 comes back as a clip without anybody's doing."""
    require_rtsp_server()
    with RtspCamera(JPEG) as camera, started(tmp_path, camera) as daemon:
        daemon.wait_for_buffer(3, "cam")
        clip = daemon.post("/api/clips", {"before_seconds": 2, "after_seconds": 60}).json()
        daemon.wait(lambda: (daemon.clip(clip["id"])["duration_seconds"] or 0) > 4, 30, "4 s recorded")
        recorded_s = daemon.clip(clip["id"])["duration_seconds"]
        daemon.kill()
        daemon.start()
        done = daemon.wait_for_clip(clip["id"])
        assert_is_whole(daemon, done)
        assert done["duration_seconds"] >= recorded_s - 1.0


def test_progress_counts_to_the_end(large: Daemon) -> None:
    """A person who waits sees that it goes on."""
    clip = large.post("/api/clips", {"before_seconds": 10, "after_seconds": 0}).json()
    seen: list[float] = []

    def done() -> bool:
        now = large.clip(clip["id"])
        if now["status"] == "processing":
            seen.append(now["progress"])
        return bool(now["status"] == "draft")

    large.wait(done, 90, "the clip")
    assert all(0 <= share <= 1 for share in seen)
    assert seen == sorted(seen)
    assert any(0 < share < 1 for share in seen)


def test_a_clip_deleted_while_it_is_made_leaves_nothing(large: Daemon) -> None:
    """Neither a process that goes on nor a file."""
    clip = large.post("/api/clips", {"before_seconds": 6, "after_seconds": 0}).json()
    assert large.request("DELETE", f"/api/clips/{clip['id']}").status == 204
    directory = large.data_dir / "clips" / clip["id"]
    large.wait(lambda: not directory.exists(), 30, "the files to go")
