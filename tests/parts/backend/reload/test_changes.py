"""What a reload means, case by case: nobody is disturbed who need not be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.cameras.changes import CameraChanges, camera_changes
from backend.config.model import Config
from backend.reload.changes import in_force, needs_restart, sentence
from recorder.base.settings import BufferCodec, BufferSettings, CameraSettings

FRONT = CameraSettings("front", "Front", "rtsp://front.example/1")
YARD = CameraSettings("yard", "Yard", "synthetic")
DESK = CameraSettings("desk", "Desk", "/dev/v4l/by-id/usb-desk")

Cameras = tuple[CameraSettings, ...]


def changed(camera: CameraSettings, **fields: Any) -> Cameras:
    return (replace(camera, **fields),)


@pytest.mark.parametrize(
    ("running", "wanted", "expected"),
    [
        ((FRONT, YARD), (FRONT, YARD), {}),
        ((FRONT,), (FRONT, YARD, DESK), {"add": ("yard", "desk")}),
        ((FRONT, YARD, DESK), (YARD,), {"remove": ("front", "desk")}),
        ((FRONT, YARD), (FRONT, DESK), {"add": ("desk",), "remove": ("yard",)}),
        ((FRONT, YARD), (YARD, FRONT), {"reordered": True}),
        ((FRONT, YARD), (DESK, FRONT, YARD), {"add": ("desk",)}),
        ((FRONT,), changed(FRONT, source="rtsp://front.example/2"), {"restart": ("front",)}),
        ((FRONT,), changed(FRONT, source="rtsp://front.example/2", name="Door"), {"restart": ("front",)}),
        ((FRONT,), changed(FRONT, rtsp_transport="udp"), {"restart": ("front",)}),
        ((FRONT,), changed(FRONT, read_timeout_s=2.0), {"restart": ("front",)}),
        ((FRONT,), changed(FRONT, name="Door"), {"adjust": ("front",)}),
        ((FRONT,), changed(FRONT, rotation_deg=90), {"restart": ("front",)}),
        ((FRONT,), changed(FRONT, buffer=BufferSettings(120.0)), {"adjust": ("front",)}),
        ((FRONT,), changed(FRONT, buffer=BufferSettings(max_bytes=9)), {"adjust": ("front",)}),
        ((FRONT,), changed(FRONT, buffer=BufferSettings(codec=BufferCodec.H264)), {"restart": ("front",)}),
        ((FRONT,), changed(FRONT, width_px=640, fps=15.0), {"adjust": ("front",)}),
        ((DESK,), changed(DESK, width_px=640), {"restart": ("desk",)}),
        ((DESK,), changed(DESK, fps=15.0), {"restart": ("desk",)}),
        ((DESK,), changed(DESK, rtsp_transport="udp"), {"adjust": ("desk",)}),
    ],
)
def test_each_camera_is_disturbed_no_more_than_its_change_demands(
    running: Cameras, wanted: Cameras, expected: dict[str, Any]
) -> None:
    """Only what changes how a camera is read begins it anew."""
    changes = camera_changes(running, wanted)
    assert changes == CameraChanges(cameras=wanted, **expected)
    assert changes.any == bool(expected)


def test_what_is_read_at_the_start_only_is_named_and_stays_as_it_was() -> None:
    """Every section that is not known to take effect live is taken for one that does not."""
    running = Config.model_validate({"data_dir": "here", "server": {"port": 1}})
    cameras = [{"id": "yard", "source": "synthetic"}]
    wanted = Config.model_validate(
        {
            "data_dir": "there",
            "server": {"port": 2, "allowed_hosts": ["cam.example"]},
            "storage": {"thumbnails_dir": "pictures"},
            "cameras": cameras,
            "buffer": {"seconds": 9},
            "recording": {"before_seconds": 3},
            "log_level": "debug",
        }
    )
    waiting = ("data_dir", "server.port", "server.allowed_hosts", "storage.thumbnails_dir")
    assert needs_restart(running, wanted) == waiting
    held = in_force(running, wanted)
    assert (held.data_dir, held.server, held.storage) == (Path("here"), running.server, running.storage)
    assert (held.cameras, held.buffer, held.recording, held.log_level) == (
        wanted.cameras,
        wanted.buffer,
        wanted.recording,
        "debug",
    )
    assert needs_restart(held, wanted) == waiting


def test_the_sentence_names_every_camera_and_every_key_that_waits() -> None:
    """It is all that the person who sent the signal hears."""
    said = sentence(CameraChanges((), ("a", "b"), ("c",), ("d",), ("e",)), ("server.port",))
    for word in ("added a, b", "removed c", "restarted d", "changed as they run e", "server.port"):
        assert word in said
    assert sentence(CameraChanges(()), ()) == "Configuration reloaded; cameras: as they were."
