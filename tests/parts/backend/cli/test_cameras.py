"""What `hindsight cameras` tells of a fake camera, and what `run` makes of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from backend.cli.cameras import with_stand_in
from backend.cli.exits import Exit
from backend.config.load import load
from backend.config.model import Config
from tests.support.cameras.fake_v4l2.camera import FakeCamera, mjpeg, yuyv

ROOT = Path(__file__).resolve().parents[4]


def run_cameras(camera: FakeCamera, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend", "cameras", *arguments]
    environment = os.environ | camera.environment
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_the_printed_lines_are_a_configuration(tmp_path: Path) -> None:
    """Pasted as they are, they make the camera run at the size nearest to 720p that it compresses."""
    modes = [yuyv(640, 480, 30, 1), mjpeg(640, 360, 60, 1), mjpeg(160, 120, 30, 1)]
    with FakeCamera(tmp_path, modes, node=2) as camera:
        said = run_cameras(camera)
    assert said.returncode == 0
    assert "Fake Camera  /dev/video2  (fake, usb-fake-1)" in said.stdout
    assert "  YUYV  640x480    30 fps" in said.stdout
    pasted = said.stdout[said.stdout.index("cameras:") :]
    (tmp_path / "config.yaml").write_text(pasted)
    (configured,) = load(None, {}, tmp_path).cameras
    assert (configured.id, configured.label) == ("fake-camera", "Fake Camera")
    assert configured.source is not None
    assert configured.source.get_secret_value() == "2"
    assert (configured.size_px, configured.fps) == ((640, 360), 60)


def test_a_script_gets_json(tmp_path: Path) -> None:
    """Formats in the driver's order, and the same entry as data."""
    with FakeCamera(tmp_path, [mjpeg(320, 240, 15, 1), yuyv(160, 120, 5, 1)]) as camera:
        said = run_cameras(camera, "--json")
    (found,) = json.loads(said.stdout)["cameras"]
    assert found["node"] == "/dev/video0"
    assert [entry["fourcc"] for entry in found["formats"]] == ["MJPG", "YUYV"]
    entry = {"id": "fake-camera", "name": "Fake Camera", "source": 0, "size": "320x240", "fps": 15}
    assert found["config"] == entry


def test_nothing_attached_and_nothing_allowed_are_told_apart(tmp_path: Path) -> None:
    """Exit 1 with the cure; a script still gets its JSON."""
    with FakeCamera(tmp_path, [mjpeg(count=1)]) as camera:
        camera.refuse()
        refused = run_cameras(camera)
        camera.unplug()
        none = run_cameras(camera, "--json")
    assert refused.returncode == none.returncode == Exit.FAILED
    assert "may not open /dev/video0 (add it to the group 'video')" in refused.stderr
    assert "No camera is attached" in none.stderr
    assert json.loads(none.stdout) == {"cameras": [], "refused": []}


def test_a_configured_camera_needs_no_stand_in(tmp_path: Path) -> None:
    """What is plugged in does not matter then."""
    (tmp_path / "config.yaml").write_text("cameras: [{id: a, source: synthetic}]")
    config = load(None, {}, tmp_path)
    assert with_stand_in(config) == (config, None)


def test_pasted_yaml_is_safe_whatever_a_camera_calls_itself(tmp_path: Path) -> None:
    """Names come from USB descriptors: escape sequences and YAML in them stay names."""
    with FakeCamera(tmp_path, [mjpeg(count=1)]) as camera:
        camera.plug_in(card="\x1b[2J: {a: b} #")
        said = run_cameras(camera)
    assert "\x1b" not in said.stdout
    entry = yaml.safe_load(said.stdout[said.stdout.index("cameras:") :])["cameras"][0]
    assert (entry["id"], entry["name"]) == ("2j-a-b", "[2J: {a: b} #")


def test_size_and_rate_are_checked(tmp_path: Path) -> None:
    """A size is written as people say it."""
    camera = {"id": "a", "source": 0}
    config = Config.model_validate({"cameras": [camera | {"size": "640x480", "fps": 15}]})
    assert (config.cameras[0].size_px, config.cameras[0].fps) == ((640, 480), 15)
    for wrong in ({"size": "640"}, {"size": "0x0"}, {"size": "640 x 480"}, {"fps": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Config.model_validate({"cameras": [camera | wrong]})
