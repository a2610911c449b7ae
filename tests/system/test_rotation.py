"""A camera mounted on its side stands upright wherever its pictures are seen, whatever it sends."""

import io
from collections.abc import Iterator
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from recorder.bitstream.access_unit import Codec
from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon

TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}
"""Back to how the camera sees it, where its counter can be read."""

FILM_FRAMES = 300
"""The camera shows them again and again, and a clip may hold the seam."""


@pytest.fixture(
    scope="module",
    params=[(Codec.H264, 90), (Codec.MJPEG, 270), (Codec.H264, 180)],
    ids=lambda value: f"{value[0].value}-{value[1]}",
)
def turned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Daemon, int]]:
    require_rtsp_server()
    codec, rotation = request.param
    with RtspCamera(Material(width=320, height=176, frames=FILM_FRAMES, codec=codec)) as camera:
        source = {"id": "cam", "source": camera.url(), "rotation": rotation}
        with Daemon(tmp_path_factory.mktemp("turned"), [source], buffer={"codec": "source"}) as daemon:
            daemon.wait_for_buffer(3, "cam")
            yield daemon, rotation


def counter_of(picture: npt.NDArray[Any], rotation: int) -> int:
    """The counter of a picture that was turned by `rotation`."""
    size = (176, 320) if rotation % 180 else (320, 176)
    assert picture.shape[1::-1] == size
    number = read_counter(cv2.rotate(picture, TURNS[rotation]))
    assert number is not None
    return number


def jpeg_in(data: bytes) -> npt.NDArray[Any]:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def test_stills_and_status_are_upright(turned: tuple[Daemon, int]) -> None:
    """The size people are told is that of what they see."""
    daemon, rotation = turned
    counter_of(jpeg_in(daemon.get("/api/cameras/cam/frame.jpg").body), rotation)
    status = daemon.get("/api/cameras/cam").json()
    assert (status["width"], status["height"]) == ((176, 320) if rotation % 180 else (320, 176))


def test_clips_replays_and_thumbnails_are_upright(turned: tuple[Daemon, int]) -> None:
    """As a player shows them: by the matrix of the file, or turned pixels where there is none."""
    daemon, rotation = turned
    clip = daemon.post("/api/clips", {"before_seconds": 2, "after_seconds": 0}).json()
    done = daemon.wait_for_clip(clip["id"])
    assert (done["width"], done["height"]) == ((176, 320) if rotation % 180 else (320, 176))
    counters = []
    with av.open(io.BytesIO(daemon.get(done["playback_url"]).body), "r") as container:
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="bgr24")
            picture = np.rot90(picture, frame.rotation // 90)
            counters.append(counter_of(np.ascontiguousarray(picture), rotation))
    assert counters == [(counters[0] + n) % FILM_FRAMES for n in range(60)]
    path = f"/api/clips/{clip['id']}/thumbnail?source=middle"
    middle = daemon.wait(
        lambda: answer if (answer := daemon.get(path)).headers["content-type"] == "image/jpeg" else None,
        30,
        "the thumbnail",
    )
    assert counter_of(jpeg_in(middle.body), rotation) == counters[30]
