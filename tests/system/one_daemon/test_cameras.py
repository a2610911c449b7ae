"""What can be seen of a camera through the real daemon: frames, replay, live pictures, events."""

import io
import json
import struct
import time
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import av
import cv2
import numpy as np

from recorder.sources.test_picture.test_card import read_counter
from tests.support.daemon import Daemon


def counter_of(jpeg: bytes) -> int | None:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return read_counter(picture.astype(np.uint8))


def newest(daemon: Daemon) -> datetime:
    return datetime.fromisoformat(daemon.get("/video/buffer/status").json()["newest_frame_utc"])


def test_a_frame_is_the_one_of_its_label(daemon: Daemon) -> None:
    """Frames a third of a second apart are ten counters apart, whatever the GOP."""
    at = newest(daemon) - timedelta(seconds=1)
    first = daemon.get(f"/api/cameras/front/frame.jpg?at={at.isoformat().replace('+00:00', 'Z')}")
    label = datetime.fromisoformat(first.headers["x-frame-label"])
    assert label == at
    # A little into the frame: labels are cut to microseconds, a third of a second is not.
    later = label + timedelta(seconds=1 / 3, milliseconds=5)
    second = daemon.get(f"/api/cameras/front/frame.jpg?at={later.isoformat().replace('+00:00', 'Z')}")
    one, other = counter_of(first.body), counter_of(second.body)
    assert one is not None
    assert other == one + 10


def test_a_replay_tells_the_label_of_every_frame(daemon: Daemon) -> None:
    """The same that the frames of its span are listed with and that a picture of one carries."""
    end = newest(daemon)
    span = {"start": end - timedelta(seconds=1), "end": end}
    query = "&".join(f"{name}={at.isoformat().replace('+00:00', 'Z')}" for name, at in span.items())
    replay = daemon.get(f"/api/cameras/front/replay?{query}").json()
    start = datetime.fromisoformat(replay["start_time"])
    labels = [start + timedelta(microseconds=offset_us) for offset_us in replay["frame_offsets_us"]]
    listed = daemon.get(f"/api/cameras/front/frames?{query}").json()
    assert labels == [datetime.fromisoformat(frame["label"]) for frame in listed["frames"]]
    assert replay["frame_count"] == len(labels) == 30
    one = daemon.get(f"/api/cameras/front/frames?{query}&limit=1").json()
    for name in ("start_time", "frame_offsets_us"):
        assert replay[name] == listed[name] == one[name]
    for frame in listed["frames"][::10]:
        assert daemon.get(frame["frame_url"]).headers["x-frame-label"] == frame["label"]
    assert daemon.request("DELETE", replay["url"]).status == 204


def test_a_replay_can_be_seeked_while_the_buffer_moves_on(daemon: Daemon) -> None:
    """303 to a file with Range; the oldest of one caller makes room for its next one."""
    end = newest(daemon)
    span = {"start": end - timedelta(seconds=1), "end": end}
    query = "&".join(f"{name}={at.isoformat().replace('+00:00', 'Z')}" for name, at in span.items())
    answers = [daemon.get(f"/api/cameras/front/replay.mp4?{query}") for _ in range(5)]
    assert [answer.status for answer in answers] == [303] * 5
    found = [daemon.get(answer.headers["location"], Range="bytes=0-0").status for answer in answers]
    assert found == [404] * 3 + [206] * 2
    url = answers[-1].headers["location"]
    whole = daemon.get(url)
    with av.open(io.BytesIO(whole.body), "r") as video:
        assert sum(1 for _ in video.decode(video=0)) == 30
    part = daemon.get(url, Range="bytes=10-19")
    assert (part.status, part.body) == (206, whole.body[10:20])
    assert daemon.get("/replay/guessed.mp4").status == 404
    assert daemon.get("/api/cameras/front/replay.mp4?start=2025-01-01T00:00:00Z&end=now").status == 422


async def test_live_begins_with_the_init_segment_and_a_keyframe(daemon: Daemon) -> None:
    """State and init as text, the init segment, then fragments whose labels are near now."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{daemon.url}/live/front") as socket:
        texts: list[dict[str, Any]] = []
        chunks: list[tuple[int, float, int, bytes]] = []
        while len(chunks) < 20:
            message = await socket.receive(timeout=10)
            if message.type is aiohttp.WSMsgType.TEXT:
                texts.append(json.loads(message.data))
            else:
                assert message.type is aiohttp.WSMsgType.BINARY
                kind, media_time_s, label_us = struct.unpack(">B7xdQ", message.data[:24])
                chunks.append((kind, media_time_s, label_us, message.data[24:]))
    init = next(text for text in texts if text["type"] == "init")
    assert init["mime"] == f'video/mp4; codecs="{init["codec"]}"'
    assert init["codec"].startswith("avc1.")
    assert [kind for kind, *_ in chunks[:2]] == [0, 2]
    assert chunks[0][3][4:8] == b"ftyp"
    media_times = [media_time_s for _, media_time_s, _, _ in chunks[1:]]
    assert media_times == sorted(media_times)
    assert abs(chunks[-1][2] / 1e6 - time.time()) < 5
    decoded = io.BytesIO(b"".join(data for *_, data in chunks))
    with av.open(decoded, "r") as video:
        assert sum(1 for _ in video.decode(video=0)) == 19


async def test_pictures_for_other_programs_keep_coming(daemon: Daemon) -> None:
    """MJPEG parts, each a JPEG with its label."""
    async with aiohttp.ClientSession() as session, session.get(f"{daemon.url}/live/front.mjpeg") as answer:
        assert answer.content_type == "multipart/x-mixed-replace"
        reader = aiohttp.MultipartReader.from_response(answer)
        seen = []
        for _ in range(3):
            part = await reader.next()
            assert isinstance(part, aiohttp.BodyPartReader)
            assert "X-Frame-Label" in part.headers
            seen.append(counter_of(bytes(await part.read())))
    assert None not in seen
    assert seen == sorted(set(seen), key=lambda counter: counter or 0)


async def test_a_page_hears_of_a_clip_from_the_first_moment_to_the_deletion(daemon: Daemon) -> None:
    """`clip` events carry the whole clip; `clip_deleted` its id; a camera's state comes as `camera`."""
    timeout = aiohttp.ClientTimeout(total=30)
    seen: list[str] = []
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{daemon.url}/api/events") as events,
    ):
        await events.content.readline()
        body = {"before_seconds": 0.5, "after_seconds": 0.5}
        async with session.post(f"{daemon.url}/api/clips", json=body) as made:
            clip = await made.json()
        name, data = "", dict[str, Any]()
        while name != "clip_deleted":
            name, data = await _next_event(events)
            if name == "clip" and data["id"] == clip["id"]:
                if data["status"] == "draft" and "draft" not in seen:
                    await session.delete(f"{daemon.url}/api/clips/{clip['id']}")
                seen.append(data["status"])
    assert data["id"] == clip["id"]
    assert seen[0] == "pending"
    assert [status for i, status in enumerate(seen) if i == 0 or seen[i - 1] != status] == [
        "pending",
        "processing",
        "draft",
    ]


async def _next_event(events: aiohttp.ClientResponse) -> tuple[str, dict[str, Any]]:
    name = ""
    while True:
        line = (await events.content.readline()).decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: ") and name:
            return name, json.loads(line.removeprefix("data: "))
