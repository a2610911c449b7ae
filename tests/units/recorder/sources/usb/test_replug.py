"""Which node a camera is found at after it was plugged in again."""

import pytest

from recorder.base.errors import SourceLost
from recorder.sources.usb.devices import Device, Identity
from recorder.sources.usb.replug import OTHER_CAMERA_WAIT_NS, WebcamMemory, find_again, is_numbered, node_of

OURS = Identity("Webcam", "usb-1", "A1")
PLAIN = Identity("Webcam", "usb-1")


def device(number: int, card: str = "Webcam", bus: str = "usb-1", serial: str = "") -> Device:
    return Device(f"/dev/video{number}", "uvcvideo", Identity(card, bus, serial), None, ())


def found(known: Identity | None, *devices: Device, since_ns: int = 0) -> str:
    return find_again("/dev/video0", WebcamMemory(known), devices, since_ns)


def test_addresses_become_nodes() -> None:
    """Only a number says nothing of the camera."""
    assert (node_of("0"), node_of("/dev/v4l/by-id/x")) == ("/dev/video0", "/dev/v4l/by-id/x")
    assert is_numbered("/dev/video12")
    assert not is_numbered("/dev/v4l/by-id/usb-video0")


def test_at_first_the_address_is_taken_at_its_word() -> None:
    """Nothing is remembered yet."""
    assert found(None, device(2)) == "/dev/video0"


def test_the_same_camera_is_found_under_another_number() -> None:
    """By its socket, or by its serial number in any socket."""
    assert found(PLAIN, device(0, "Other"), device(3)) == "/dev/video3"
    assert found(OURS, device(1, serial="B2"), device(4, bus="usb-9", serial="A1")) == "/dev/video4"
    assert found(PLAIN, device(2, bus="usb-9")) == "/dev/video2"
    assert found(PLAIN, device(1, bus="usb-9"), device(2)) == "/dev/video2"
    assert found(PLAIN, device(0), device(1)) == "/dev/video0"


def test_its_twin_is_not_taken_for_it() -> None:
    """Two cameras of one kind that have serial numbers are two cameras."""
    assert found(OURS, device(5, serial="B2"), since_ns=0) == "/dev/video0"
    with pytest.raises(SourceLost, match="another camera now"):
        found(OURS, device(0, serial="B2"), since_ns=1)


def test_a_camera_that_was_replaced_for_good_is_taken_in_the_end() -> None:
    """Whoever buys a new camera need not restart anything."""
    with pytest.raises(SourceLost, match=r"\(Other\); waiting for Webcam"):
        found(PLAIN, device(0, "Other"), since_ns=OTHER_CAMERA_WAIT_NS - 1)
    assert found(PLAIN, device(0, "Other"), since_ns=OTHER_CAMERA_WAIT_NS) == "/dev/video0"
