"""The whole daemon with a USB camera that is not there."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.cameras.fake_v4l2.camera import FakeCamera, mjpeg
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("cameras stall, vanish and come back in real time")


def camera_of(daemon: Daemon) -> dict[str, Any]:
    found: dict[str, Any] = daemon.get("/api/cameras").json()["cameras"][0]
    return found


def test_without_configuration_the_plugged_in_camera_runs_and_survives_its_plug(tmp_path: Path) -> None:
    """One line says which camera runs; pulled out and plugged in elsewhere it comes back."""
    with (
        FakeCamera(tmp_path, [mjpeg(320, 240)]) as camera,
        Daemon(tmp_path, (), environment=camera.environment) as daemon,
    ):
        daemon.wait_for_buffer(2.0)
        assert "No camera is configured, so Fake Camera at /dev/video0 runs" in daemon.log_path.read_text()
        found = camera_of(daemon)
        assert (found["id"], found["state"], found["codec"]) == ("camera", "live", "mjpeg")
        assert (found["width"], found["height"]) == (320, 240)
        camera.unplug()
        daemon.wait(lambda: camera_of(daemon)["state"] == "reconnecting", 5, "the loss shown")
        camera.plug_in(node=1)
        daemon.wait(lambda: camera_of(daemon)["state"] == "live", 10, "the camera back")
        assert daemon.stop() == 0


def test_every_mishap_is_told_counted_and_healed(tmp_path: Path) -> None:
    """Half a frame, nothing in a frame, the plug, silence, a picture that stands still: words and numbers."""
    source = {"id": "usb", "source": "0"}
    with (
        FakeCamera(tmp_path, [mjpeg(320, 240)]) as camera,
        Daemon(tmp_path, [source], environment=camera.environment) as daemon,
    ):

        def until(what: str, *, said: str = "", **counted: int) -> None:
            """Live again once the camera said so and counted it."""
            if said:
                daemon.wait(lambda: said in camera_of(daemon)["reason"], 20, said)
            daemon.wait(lambda: camera_of(daemon)["counters"].items() >= counted.items(), 20, what)

        daemon.wait_for_buffer(1.0)
        camera.corrupt(3)
        until("torn frames", units_damaged=3)
        camera.send_nothing(2)
        until("empty frames", units_damaged=5, losses=0)
        camera.unplug()
        until("the loss", said="was it unplugged?", losses=1)
        camera.plug_in()
        until("the camera back", said="Receiving", reconnects=1)
        camera.stall()
        daemon.wait(lambda: camera_of(daemon)["state"] == "stalled", 10, "the stall shown")
        until("the silence", said="sent no picture for", losses=2, stalls=1)
        camera.stall(False)
        until("the camera back", said="Receiving")
        camera.freeze()
        until("the frozen picture", said="is frozen", freezes=1)
        camera.freeze(False)
        until("the camera back", said="Receiving")
        metrics = daemon.get("/metrics").body.decode()
        counters = camera_of(daemon)["counters"]
        for name in ("losses", "stalls", "freezes", "reconnects", "units_damaged"):
            line = f'hindsight_camera_{name}_total{{camera="usb"}} {counters[name]:.1f}'
            assert line in metrics, line
        assert counters["thread_failures"] == 0


def test_without_any_camera_the_synthetic_one_runs(tmp_path: Path) -> None:
    """And says so."""
    with FakeCamera(tmp_path, [mjpeg(count=1)]) as camera:
        camera.unplug()
        with Daemon(tmp_path, (), environment=camera.environment) as daemon:
            assert camera_of(daemon)["id"] == "synthetic"
            assert "the built-in synthetic one runs" in daemon.log_path.read_text()
