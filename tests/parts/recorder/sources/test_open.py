"""Which address becomes which source, and what is said of the rest."""

import threading

import pytest

from recorder.base.clock import SystemClock
from recorder.base.errors import SourceUnsupported
from recorder.base.settings import CameraSettings
from recorder.sources.file_loop import FileLoopSource
from recorder.sources.http.stream import HttpStreamSource
from recorder.sources.open import open_source
from recorder.sources.rtsp.stream import StreamSource
from recorder.sources.source import Source
from recorder.sources.test_picture.synthetic import SyntheticSource
from recorder.sources.usb.webcam import WebcamSource


def opened(address: str) -> Source:
    return open_source(CameraSettings("cam", "Cam", address), SystemClock(), threading.Event())


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("rtsp://127.0.0.1/a", StreamSource),
        ("RTSPS://127.0.0.1/a", StreamSource),
        ("http://admin:canary@cam/video", HttpStreamSource),
        ("https://cam:8443/video.ts", HttpStreamSource),
        ("file:/films/a.mp4", FileLoopSource),
        ("synthetic", SyntheticSource),
        ("0", WebcamSource),
        ("/dev/video0", WebcamSource),
        ("/dev/v4l/by-id/usb-Some_Camera-video-index0", WebcamSource),
        ("synthetic?size=640x360&fps=25&gop_s=2&bframes=2", SyntheticSource),
    ],
)
def test_the_address_names_the_source(address: str, kind: type) -> None:
    """Nothing is connected yet, so nothing can fail yet."""
    assert isinstance(opened(address), kind)


@pytest.mark.parametrize(
    ("address", "cure"),
    [
        ("concat:a|b", "rtsp://"),
        ("lavfi:testsrc", "rtsp://"),
        ("ftp://admin:canary@cam/video", "rtsp://"),
        ("rtsp:/admin:canary@cam/a", "begins with rtsp:// .two slashes."),
        ("RTSPS:admin:canary@cam", "begins with rtsps://"),
        ("http:/admin:canary@cam/a", "begins with http://"),
        ("admin:canary@cam", "rtsp://"),
        ("synthetic?size=1x1", "size must be"),
        ("synthetic?size=big", "write for example"),
        ("synthetic?fps=0", "fps must be"),
        ("synthetic?gop_s=0", "gop_s must be"),
        ("synthetic?bframes=9", "bframes must be"),
        ("synthetic?colour=red", "unknown option colour"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_its_cure(address: str, cure: str) -> None:
    """A wrong configuration is a sentence for the operator, without a password in it."""
    with pytest.raises(SourceUnsupported, match=cure) as refused:
        opened(address)
    assert "canary" not in str(refused.value)
