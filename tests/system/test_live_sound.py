"""Live sound over its own WebSocket, from the whole daemon."""

import json
import struct
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import aiohttp
import av
import numpy as np
import pytest

from recorder.aac import from_adts
from tests.support.cameras.films import write_flash_film
from tests.support.daemon import Daemon

HEADER = struct.Struct(">B7xdQ")
KIND_SOUND = 4


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("sound")
    write_flash_film(directory / "film.mp4")
    write_flash_film(directory / "opus.mkv", "libopus")
    cameras: list[dict[str, Any]] = [
        {"id": "heard", "source": f"file:{directory / 'film.mp4'}"},
        {"id": "off", "source": f"file:{directory / 'film.mp4'}", "audio": False},
        {"id": "opus", "source": f"file:{directory / 'opus.mkv'}"},
        {"id": "still", "source": "synthetic?size=320x180"},
    ]
    with Daemon(directory, cameras) as started:
        for camera in cameras:
            started.wait_for_buffer(1, camera["id"])
        yield started


async def test_pieces_follow_each_other_by_their_labels(daemon: Daemon) -> None:
    """Each is whole, begins with the lead it announces, and its label is where the one before ended."""
    async with (
        aiohttp.ClientSession(daemon.url) as session,
        session.ws_connect("/live/heard/sound") as socket,
    ):
        init = json.loads(await socket.receive_str(timeout=10))
        assert init == {"type": "init", "codec": "aac", "rate": 48_000, "channels": 1}
        expected_us, loudest, pieces = None, 0.0, 0
        while pieces < 15:
            message = await socket.receive_bytes(timeout=10)
            kind, lead_s, label_us = HEADER.unpack_from(message)
            frames, data = 0, message[HEADER.size :]
            with av.open(BytesIO(data), "r", format="aac") as container:
                for frame in container.decode(audio=0):
                    loudest = max(loudest, float(np.abs(frame.to_ndarray()).max()))
            while data:
                data, frames = data[7 + len(from_adts(data).frame) :], frames + 1
            assert kind == KIND_SOUND
            if expected_us is not None:
                # Where the film begins again, a frame may be half a frame off.
                assert abs(label_us - expected_us) <= 11_000
            expected_us = label_us + frames * 1024 / 0.048 - lead_s * 1e6
            pieces += 1
        assert loudest > 0.5
        [camera] = [c for c in daemon.get("/api/cameras").json()["cameras"] if c["id"] == "heard"]
        assert (camera["audio_codec"], camera["listeners"], camera["audio_trouble"]) == ("aac", 1, None)
        assert camera["sound_url"] == "/live/heard/sound"
        assert b'hindsight_camera_listeners{camera="heard"} 1.0' in daemon.get("/metrics").body


@pytest.mark.parametrize(
    ("camera", "words"),
    [("off", "audio: false"), ("opus", "OPUS"), ("still", "sends no sound")],
)
async def test_a_camera_without_sound_says_why(daemon: Daemon, camera: str, words: str) -> None:
    """The words are for a person; the picture goes on."""
    async with (
        aiohttp.ClientSession(daemon.url) as session,
        session.ws_connect(f"/live/{camera}/sound") as socket,
    ):
        told = json.loads(await socket.receive_str(timeout=10))
    assert told["type"] == "unplayable"
    assert words in told["reason"]
    [found] = [c for c in daemon.get("/api/cameras").json()["cameras"] if c["id"] == camera]
    assert (found["state"], found["audio_codec"]) == ("live", None)
    assert (found["audio_trouble"] is not None) == (camera == "opus")
    assert found["counters"]["sound_failures"] == int(camera == "opus")
