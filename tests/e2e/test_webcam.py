"""The whole daemon with a USB camera that is not there."""

from pathlib import Path
from typing import Any

import pytest

from tests.daemon import Daemon
from tests.fake_v4l2.camera import FakeCamera, mjpeg

pytestmark = [pytest.mark.daemon, pytest.mark.codec]


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


def test_without_any_camera_the_synthetic_one_runs(tmp_path: Path) -> None:
    """And says so."""
    with FakeCamera(tmp_path, [mjpeg(count=1)]) as camera:
        camera.unplug()
        with Daemon(tmp_path, (), environment=camera.environment) as daemon:
            assert camera_of(daemon)["id"] == "synthetic"
            assert "the built-in synthetic one runs" in daemon.log_path.read_text()
