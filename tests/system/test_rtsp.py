"""The whole daemon on a real RTSP camera with real footage: over HTTP, as a script and a person use it.

One run of the daemon, three cameras: an account with a canary password, a ten-second GOP with B-frames,
and one whose parameter sets come in packets of their own.
"""

import io
import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import av
import psutil
import pytest

from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon
from tests.support.recorder_rig import counter_in

CANARY = "canary-9c41"
MICROSECOND = timedelta(microseconds=1)
CAMERAS = {
    "front": (Material(gop=60), Behaviour(account=f"admin:{CANARY}")),
    "yard": (Material(gop=300, bframes=3), Behaviour()),
    "gate": (Material(gop=30), Behaviour(config_interval=-1)),
}


@dataclass(frozen=True, slots=True)
class House:
    """A daemon and what it was told."""

    daemon: Daemon
    directory: Path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Three cameras with twelve seconds in each buffer."""
    require_rtsp_server()
    directory = tmp_path_factory.mktemp("house")
    with ExitStack() as stack:
        configured = []
        for name, (material, behaviour) in CAMERAS.items():
            camera = stack.enter_context(RtspCamera(material, behaviour))
            configured.append({"id": name, "name": name.title(), "source": camera.url()})
        daemon = stack.enter_context(Daemon(directory, configured))
        for name in CAMERAS:
            daemon.wait_for_buffer(12, name)
        yield House(daemon, directory)


def counters(video: bytes) -> list[int | None]:
    """What a player shows of an MP4, edit list honoured."""
    with av.open(io.BytesIO(video), "r") as container:
        return [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def counter_at(daemon: Daemon, camera: str, label: datetime) -> tuple[int, datetime]:
    """Counter and own label of the frame on show at a label."""
    answer = daemon.get(f"/api/cameras/{camera}/frame.jpg?at={label.isoformat()}")
    assert answer.status == 200, answer.body
    return counter_in(answer.body), datetime.fromisoformat(answer.headers["x-frame-label"]).replace(
        tzinfo=None
    )


@pytest.mark.parametrize("camera", list(CAMERAS))
def test_a_clip_over_http_holds_exactly_the_frames_of_its_labels(house: House, camera: str) -> None:
    """Labels map to counters through single pictures; the clip is those counters and nothing else."""
    daemon = house.daemon
    status = daemon.get(f"/api/debug/background-stream-status?camera={camera}").json()
    assert status["stream_running"] is True
    newest = datetime.fromisoformat(status["buffer"]["newest_frame"])
    start, end = newest - timedelta(seconds=7.77), newest - timedelta(seconds=1.01)
    first, label = counter_at(daemon, camera, start)
    first += 0 if label >= start else 1
    last, _ = counter_at(daemon, camera, end - MICROSECOND)
    asked = {"camera": camera, "start": start.isoformat(), "end": end.isoformat() + "Z"}
    answer = daemon.post("/api/clips", asked)
    assert answer.status == 201, answer.body
    clip = answer.json()
    assert clip["status"] == "draft"
    shown = counters(daemon.get(clip["download_url"]).body)
    assert shown == list(range(first, last + 1))
    assert clip["frame_count"] == len(shown)
    assert math.isclose(clip["duration_seconds"], len(shown) / 30, abs_tol=1e-4)


def test_a_press_now_holds_the_seconds_around_it(house: House) -> None:
    """Two seconds before, one after, from the newest label."""
    daemon = house.daemon
    clip = daemon.post("/api/clips", {"camera": "yard", "before_seconds": 2, "after_seconds": 1}).json()
    done = daemon.wait_for_clip(clip["id"])
    shown = counters(daemon.get(done["playback_url"]).body)
    assert shown[0] is not None
    assert shown == list(range(shown[0], shown[0] + 90))
    pressed_at = datetime.fromisoformat(done["pressed_at"])
    assert datetime.fromisoformat(done["start_time"]) - pressed_at == pytest.approx(
        timedelta(seconds=-2), abs=timedelta(seconds=0.034)
    )


def test_the_password_of_a_camera_appears_nowhere(house: House) -> None:
    """Not in an answer, a metric, an event, an error, a log, a file or a process list."""
    daemon = house.daemon
    paths = [
        "/api/debug/background-stream-status",
        "/video/buffer/status",
        "/api/cameras",
        "/api/cameras/front",
        "/api/cameras/nowhere",
        "/api/cameras/front/frame.jpg?at=bad",
        "/api/system",
        "/api/analytics",
        "/api/openapi.json",
        "/metrics",
        "/readyz",
        "/api/clips",
    ]
    for path in paths:
        answer = daemon.get(path)
        assert answer.body, path
        assert CANARY.encode() not in answer.body, path
        assert CANARY not in json.dumps(dict(answer.headers)), path
    assert CANARY not in daemon.log_path.read_text("utf-8")
    process = psutil.Process(daemon.pid)
    for one in [process, *process.children(recursive=True)]:
        assert CANARY not in " ".join(one.cmdline())
        assert CANARY not in json.dumps(one.environ())
    files = [path for path in daemon.data_dir.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []


def test_a_wrong_password_is_told_in_words_without_the_password(house: House, tmp_path: Path) -> None:
    """The state says what to do; a second daemon, so that the first one's cameras stay live."""
    front = json.loads((house.directory / "config.yaml").read_text())["cameras"][0]
    wrong = front | {"source": front["source"].replace(CANARY, "wrong-" + CANARY)}
    with Daemon(tmp_path, [wrong]) as daemon:
        camera = daemon.wait(
            lambda: found if (found := daemon.get("/api/cameras/front").json())["last_error"] else None,
            20,
            "an error of the camera",
        )
        assert camera["state"] in {"connecting", "reconnecting"}
        assert CANARY not in json.dumps(camera)
        refused = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0})
        assert refused.status == 409
        assert CANARY.encode() not in refused.body
        assert CANARY not in daemon.log_path.read_text("utf-8")
