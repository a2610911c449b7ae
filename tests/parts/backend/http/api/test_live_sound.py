"""Live sound over its own WebSocket, from the whole application."""

import json
import struct
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from backend.http.api import live as api_live
from recorder.bitstream.aac import from_adts
from tests.support.backend.whole_app import WholeApp, whole_app
from tests.support.cameras.films import write_flash_film

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEADER = struct.Struct(">B7xdQ")
KIND_SOUND = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeApp]:
    directory = tmp_path_factory.mktemp("sound")
    write_flash_film(directory / "film.mp4")
    write_flash_film(directory / "opus.mkv", "libopus")
    cameras: tuple[dict[str, Any], ...] = (
        {"id": "heard", "source": f"file:{directory / 'film.mp4'}"},
        {"id": "off", "source": f"file:{directory / 'film.mp4'}", "audio": False},
        {"id": "opus", "source": f"file:{directory / 'opus.mkv'}"},
        {"id": "still", "source": "synthetic?size=320x180"},
    )
    async with whole_app(directory, cameras) as opened:
        yield opened


async def camera_of(app: WholeApp, camera_id: str) -> dict[str, Any]:
    cameras: list[dict[str, Any]] = (await app.get("/api/cameras")).json()["cameras"]
    return next(camera for camera in cameras if camera["id"] == camera_id)


@pytest.mark.parametrize("path", ["/live/still", "/live/still/sound"])
async def test_a_live_socket_beats_whether_or_not_there_is_anything_to_send(
    app: WholeApp, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pings are invisible to a page, which must tell a camera that is quiet from a daemon that is."""
    monkeypatch.setattr(api_live, "BEAT_S", 0.02)
    async with app.client.ws_connect(f"{app.url}{path}") as socket:
        beats = 0
        while beats < 3:
            message = await socket.receive(timeout=10)
            told = json.loads(message.data) if message.type is WSMsgType.TEXT else {}
            beats += told == {"type": "beat", "beat_seconds": 0.02}


async def test_pieces_follow_each_other_by_their_labels(app: WholeApp) -> None:
    """Each is whole, begins with the lead it announces, and its label is where the one before ended."""
    async with app.client.ws_connect(f"{app.url}/live/heard/sound") as socket:
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
        camera = await camera_of(app, "heard")
        assert (camera["audio_codec"], camera["listeners"], camera["audio_trouble"]) == ("aac", 1, None)
        assert camera["sound_url"] == "/live/heard/sound"
        assert b'hindsight_camera_listeners{camera="heard"} 1.0' in (await app.get("/metrics")).body


@pytest.mark.parametrize(
    ("camera", "words"),
    [("off", "audio: false"), ("opus", "OPUS"), ("still", "sends no sound")],
)
async def test_a_camera_without_sound_says_why(app: WholeApp, camera: str, words: str) -> None:
    """The words are for a person; the picture goes on."""
    async with app.client.ws_connect(f"{app.url}/live/{camera}/sound") as socket:
        told = json.loads(await socket.receive_str(timeout=10))
    assert told["type"] == "unplayable"
    assert words in told["reason"]
    found = await camera_of(app, camera)
    assert (found["state"], found["audio_codec"]) == ("live", None)
    assert (found["audio_trouble"] is not None) == (camera == "opus")
    assert found["counters"]["sound_failures"] == int(camera == "opus")
