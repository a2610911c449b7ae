"""Clips of a USB camera that is not there, through the real daemon: exact, in its colours, and never lost."""

import io
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.fake_v4l2.camera import FakeCamera, chart, mjpeg, patches, pictured
from tests.support.daemon import Daemon

pytestmark = [
    pytest.mark.real_time("the camera does not wait until its pictures are read"),
    pytest.mark.timeout(240),
    pytest.mark.slow("a camera in real time, and clips that are encoded after it"),
]
Picture = npt.NDArray[np.uint8]
FPS = 15
"""At this rate the driver's ten buffers hold two thirds of a second, time enough for a busy machine."""
LEVELS = {b"MJPG": 2, b"YUYV": 3}
"""Raw pictures are rounded once more: they become JPEG before they are kept."""


def daemon_of(directory: Path, camera: FakeCamera) -> Daemon:
    return Daemon(
        directory,
        [{"id": "usb", "source": "0"}],
        buffer={"codec": "source"},
        environment=camera.environment,
    )


def shown(daemon: Daemon, clip: dict[str, Any], fps: int) -> list[Picture]:
    """Every frame of the finished file, decoded as its tags say."""
    assert (clip["video_codec"], clip["gaps"]) == ("h264", [])
    with av.open(io.BytesIO(daemon.get(clip["playback_url"]).body), "r") as container:
        pictures = [frame.to_ndarray(format="bgr24").astype(np.uint8) for frame in container.decode(video=0)]
    assert len(pictures) == clip["frame_count"]
    assert clip["duration_seconds"] == pytest.approx(len(pictures) / fps, abs=0.1)
    return pictures


def decoded(jpeg: bytes) -> Picture:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)


def counters(pictures: list[Picture], period: int) -> list[int]:
    """Their counters, which follow each other without a hole, counted on beyond the loop's end."""
    read = [read_counter(picture) for picture in pictures]
    first = read[0]
    assert first is not None
    assert read == [(first + index) % period for index in range(len(read))]
    return [first + index for index in range(len(read))]


def colour_error(seen: Picture, source: Picture) -> float:
    """The largest difference of a patch's colour, its edges left out."""
    return max(
        float(np.abs(np.median(_inside(one), (0, 1)) - np.median(_inside(other), (0, 1))).max())
        for one, other in zip(patches(seen), patches(source), strict=True)
    )


def _inside(patch: Picture) -> Picture:
    edge = min(patch.shape[:2]) // 4
    return patch[edge:-edge, edge:-edge]


@pytest.mark.parametrize("fourcc", [b"MJPG", b"YUYV"], ids=["mjpeg", "yuyv"])
def test_a_clip_is_exact_in_its_colours_and_survives_a_kill(tmp_path: Path, fourcc: bytes) -> None:
    """The frames of their labels; then `kill -9` in a recording costs at most its last second."""
    mode = chart(fourcc, FPS)
    with FakeCamera(tmp_path, [mode]) as camera, daemon_of(tmp_path, camera) as daemon:
        daemon.wait_for_buffer(4, "usb")
        # By labels: the camera's own clock wavers, so three seconds may be 45 frames or one more.
        listed = daemon.get("/api/cameras/usb/frames?limit=2000").json()["frames"]
        asked = {"start": listed[-50]["label"], "end": listed[-5]["label"]}
        first = read_counter(decoded(daemon.get(listed[-50]["frame_url"]).body))
        clip = daemon.post("/api/clips", asked).json()
        pictures = shown(daemon, daemon.wait_for_clip(clip["id"]), FPS)
        numbers = counters(pictures, len(mode.frames))
        assert (numbers[0], len(numbers)) == (first, 45)
        source = pictured(mode)
        assert max(colour_error(picture, source) for picture in pictures) <= LEVELS[fourcc]
        long = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": None}).json()
        daemon.wait(lambda: (daemon.clip(long["id"])["duration_seconds"] or 0) > 3, 30, "3 s recorded")
        recorded_s = daemon.clip(long["id"])["duration_seconds"]
        daemon.kill()
        assert camera.dropped == 0
        daemon.start()
        kept = counters(shown(daemon, daemon.wait_for_clip(long["id"]), FPS), len(mode.frames))
        assert len(kept) >= FPS * (recorded_s - 1)
        daemon.wait(lambda: daemon.get("/api/cameras/usb").json()["state"] == "live", 20, "the camera again")


def test_a_transcode_that_is_killed_with_the_daemon_begins_again_by_itself(tmp_path: Path) -> None:
    """The clip of a 720p webcam is whole a little later, and nothing is left of the first try."""
    mode = mjpeg(1280, 720, count=60)
    with FakeCamera(tmp_path, [mode]) as camera, daemon_of(tmp_path, camera) as daemon:
        daemon.wait_for_buffer(10, "usb")
        clip = daemon.post("/api/clips", {"before_seconds": 9, "after_seconds": 0}).json()
        directory = daemon.data_dir / "clips" / clip["id"]
        daemon.wait((directory / "clip.mp4.tmp").exists, 30, "the transcode to begin")
        daemon.kill()
        assert not (directory / "clip.mp4").exists()
        daemon.start()
        done = daemon.wait_for_clip(clip["id"], deadline_s=90)
        assert abs(len(counters(shown(daemon, done, 30), 60)) - 270) <= 1
        daemon.wait(lambda: not (directory / "recording.part").exists(), 10, "the part file to go")
        assert [path.name for path in directory.iterdir()] == ["clip.mp4"]
