"""Which cameras a changed configuration touches, case by case: none is disturbed without need."""

from dataclasses import replace
from typing import Any

import pytest

from backend.cameras.changes import CameraChanges, camera_changes
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
