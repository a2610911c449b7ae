"""What is told of attached cameras, by the real ioctls against the fake device."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from recorder.sources.usb.devices import identify, list_devices
from tests.support.cameras.fake_v4l2.camera import FakeCamera, mjpeg, yuyv

ROOT = Path(__file__).parents[5]
ASK = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from recorder.sources.usb.devices import identify, list_devices
found = list_devices(sys=Path(sys.argv[1]))
nobody = identify("/dev/video9") is None
print(json.dumps([[asdict(device) for device in found.devices], found.refused, nobody]))
"""


def asked(camera: FakeCamera, sys_root: Path) -> Any:
    environment = os.environ | camera.environment
    command = [sys.executable, "-c", ASK, str(sys_root)]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=30
    )
    return json.loads(answer.stdout)


def test_a_camera_is_listed_with_its_formats_sizes_and_rates(tmp_path: Path) -> None:
    """In the order in which its driver names them; with its serial number, if it has one."""
    usb = tmp_path / "sys" / "devices" / "usb1" / "1-2"
    (usb / "1-2:1.0").mkdir(parents=True)
    (usb / "serial").write_text("A1B2\n")
    node = tmp_path / "sys" / "class" / "video4linux" / "video2"
    node.mkdir(parents=True)
    (node / "device").symlink_to(usb / "1-2:1.0")
    modes = [mjpeg(count=1), mjpeg(160, 120, 15, 1), yuyv(160, 120, 5, 1)]
    with FakeCamera(tmp_path, modes, node=2) as camera:
        (device,), refused, nobody = asked(camera, tmp_path / "sys")
    assert (device["node"], device["driver"], device["stable_path"]) == ("/dev/video2", "fake", None)
    assert device["identity"] == {"card": "Fake Camera", "bus": "usb-fake-1", "serial": "A1B2"}
    assert device["formats"] == [
        {"fourcc": "MJPG", "width": 320, "height": 240, "rates": [30.0]},
        {"fourcc": "MJPG", "width": 160, "height": 120, "rates": [15.0]},
        {"fourcc": "YUYV", "width": 160, "height": 120, "rates": [5.0]},
    ]
    assert (refused, nobody) == ([], True)


def test_what_is_no_camera_is_left_out(tmp_path: Path) -> None:
    """A file that merely has the name, and one that nobody may open."""
    (tmp_path / "video0").write_text("")
    (tmp_path / "video-notes").write_text("")
    found = list_devices(dev=tmp_path)
    assert (found.devices, found.refused) == ((), ())
    assert identify(str(tmp_path / "video1")) is None


def test_nodes_that_this_user_may_not_open_are_named(tmp_path: Path) -> None:
    """Whoever lacks the group 'video' should learn that, not that there is no camera."""
    with FakeCamera(tmp_path, [mjpeg(count=1)]) as camera:
        camera.refuse()
        devices, refused, _ = asked(camera, tmp_path)
    assert (devices, refused) == ([], ["/dev/video0"])
