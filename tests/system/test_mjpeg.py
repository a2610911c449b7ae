"""A camera that sends JPEG, through the real daemon: live, single frames, replay by frames, clip."""

import json
import struct
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import cv2
import numpy as np
import pytest

from recorder.bitstream.access_unit import Codec
from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("a camera in real time")

SMALL = Material(width=320, height=176, frames=300, codec=Codec.MJPEG)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    require_rtsp_server()
    with RtspCamera(SMALL) as camera:
        source = {"id": "jpeg", "source": camera.url()}
        with Daemon(tmp_path_factory.mktemp("mjpeg"), [source], buffer={"codec": "source"}) as started:
            started.wait_for_buffer(3, "jpeg")
            yield started


def counter_of(jpeg: bytes) -> int:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    number = read_counter(picture.astype(np.uint8))
    assert number is not None
    return number


def frames(daemon: Daemon, query: str = "") -> Any:
    return daemon.get(f"/api/cameras/jpeg/frames{query}").json()


def test_a_replay_plays_by_frames_and_says_so(daemon: Daemon) -> None:
    """replay.mp4 names the way; the listed frames are consecutive, each the one of its label."""
    refused = daemon.get("/api/cameras/jpeg/replay.mp4")
    assert refused.status == 409
    assert "/frames?start=&end=" in refused.json()["detail"]
    listed = frames(daemon)
    assert listed["frame_count"] == len(listed["frames"]) > 60
    some = listed["frames"][-40::8]
    shown = [counter_of(daemon.get(frame["frame_url"]).body) for frame in some]
    assert [(later - earlier) % SMALL.frames for earlier, later in pairwise(shown)] == [8] * 4
    start, end = (quote(some[i]["label"]) for i in (0, 1))
    assert frames(daemon, f"?start={start}&end={end}")["frame_count"] == 8
    thin = frames(daemon, "?limit=5")
    assert (len(thin["frames"]), thin["frame_count"] > 60) == (5, True)
    assert daemon.get("/api/cameras/jpeg/frames?limit=9999").status == 422
    assert len(daemon.get("/api/cameras/jpeg/filmstrip?count=6").json()["pictures"]) == 6


async def test_the_socket_sends_the_cameras_own_jpegs_with_their_labels(daemon: Daemon) -> None:
    """Init, then whole JPEGs of later and later frames; the frame at a label is the same bytes."""
    received: list[tuple[int, bytes]] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(daemon.url.replace("http", "ws") + "/live/jpeg") as socket,
    ):
        init = None
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                told = json.loads(message.data)
                init = told if told["type"] == "init" else init
                continue
            kind, _, label_us = struct.unpack(">B7xdQ", message.data[:24])
            assert kind == 3
            received.append((label_us, message.data[24:]))
            if len(received) == 20:
                break
        label_us, data = received[-1]
        at = (
            datetime.fromtimestamp(label_us // 1_000_000)
            .astimezone()
            .replace(microsecond=label_us % 1_000_000)
        )
        async with session.get(
            f"{daemon.url}/api/cameras/jpeg/frame.jpg", params={"at": at.isoformat()}
        ) as same:
            assert await same.read() == data
    assert init == {"type": "init", "codec": "mjpeg", "width": 320, "height": 176, "rotation": 0}
    labelled = [(label_us - received[0][0]) * SMALL.fps / 1_000_000 for label_us, _ in received]
    counters = [counter_of(jpeg) for _, jpeg in received]
    shown = [(counter - counters[0]) % SMALL.frames for counter in counters]
    assert shown == sorted(set(shown))
    # A slow viewer may skip frames, but a label is that of its frame.
    assert shown == pytest.approx(labelled, abs=2)


async def test_other_programs_get_the_cameras_pace(daemon: Daemon) -> None:
    """Thirty a second without decoding one; slower where they ask for it."""
    for query, fastest, slowest in (("", 60, 20), ("?fps=4", 6, 3)):
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{daemon.url}/live/jpeg.mjpeg{query}") as answer,
        ):
            labels: list[datetime] = []
            async for line in answer.content:
                if line.startswith(b"X-Frame-Label: "):
                    labels.append(datetime.fromisoformat(line.split(b": ")[1].decode().strip()))
                if len(labels) == 10:
                    break
        rate = 9 / (labels[-1] - labels[0]).total_seconds()
        assert slowest < rate < fastest


def test_the_counters_of_the_ring_are_complete(daemon: Daemon) -> None:
    """Nothing is lost between camera and ring: neighbours in the list are neighbours in the world."""
    listed = frames(daemon, "?limit=2000")["frames"][-30:]
    shown = [counter_of(daemon.get(frame["frame_url"]).body) for frame in listed]
    assert [(later - earlier) % SMALL.frames for earlier, later in pairwise(shown)] == [1] * 29
    status = daemon.get("/api/cameras/jpeg").json()
    assert (status["codec"], status["source_codec"]) == ("mjpeg", "mjpeg")
    assert status["counters"]["units_damaged"] == 0


def test_a_buffer_of_h264_makes_a_jpeg_camera_look_like_any_other(tmp_path: Path) -> None:
    """`buffer.codec: h264`: the ring holds H.264, a look-back is a draft at once, and replay is a video."""
    require_rtsp_server()
    with RtspCamera(SMALL) as camera:
        source = {"id": "jpeg", "source": camera.url()}
        with Daemon(tmp_path, [source], buffer={"codec": "h264"}) as daemon:
            daemon.wait_for_buffer(4, "jpeg")
            status = daemon.get("/api/cameras/jpeg").json()
            assert (status["codec"], status["width"], status["height"]) == ("h264", 320, 176)
            assert status["source_codec"] == "mjpeg"
            assert status["counters"]["ingest_failures"] == 0
            assert daemon.get("/api/cameras/jpeg/replay.mp4").status == 303
            clip = daemon.post("/api/clips", {"before_seconds": 2, "after_seconds": 0}).json()
            assert (clip["status"], clip["video_codec"], clip["frame_count"]) == ("draft", "h264", 60)
            listed = frames(daemon, "?limit=2000")["frames"][-30:]
            shown = [counter_of(daemon.get(frame["frame_url"]).body) for frame in listed]
            assert [(later - earlier) % SMALL.frames for earlier, later in pairwise(shown)] == [1] * 29
