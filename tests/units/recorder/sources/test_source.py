"""Addresses lose their credentials at the door, however a camera wants them written."""

import pytest

from recorder.sources.source import redact, scrub

SECRETS = ("canary", "p%40ss", "p@ss")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://10.0.0.9:554/live", "rtsp://10.0.0.9:554/live"),
        ("rtsp://admin:canary@10.0.0.9:554/live", "rtsp://***@10.0.0.9:554/live"),
        ("rtsps://admin:can/ary@cam.lan/live", "rtsps://***@cam.lan/live"),
        ("rtsp://a:p@ss@cam.lan", "rtsp://***@cam.lan"),
        ("rtsp://cam/s?user=admin&password=canary", "rtsp://cam/s?user=***&password=***"),
        (
            "rtsp://cam/user=admin_password=canary_channel=1.sdp",
            "rtsp://cam/user=***_password=***_channel=1.sdp",
        ),
        ("http://cam/path@home/video", "http://cam/path@home/video"),
        ("file:/films/a.mp4", "file:/films/a.mp4"),
        ("synthetic?size=640x360", "synthetic?size=640x360"),
    ],
)
def test_a_shown_address_holds_no_credentials(address: str, shown: str) -> None:
    """User, password and every query value go; what identifies the camera stays."""
    assert redact(address) == shown


@pytest.mark.parametrize(
    "address",
    ["rtsp://admin:p%40ss@cam/live", "rtsp://cam/live?pwd=canary", "rtsp://cam/user=x_password=canary_ch=1"],
)
def test_messages_of_libraries_are_scrubbed(address: str) -> None:
    """FFmpeg repeats the whole address, decoded or not, in what it says."""
    message = scrub(f"could not open {address}: user p@ss, p%40ss, canary refused", address)
    if "p%40ss" in address:
        message = message.replace("canary", "")
    else:
        message = message.replace("p@ss", "").replace("p%40ss", "")
    assert not any(secret in message for secret in SECRETS)
