"""What the test machine may lack. A skip says how to cure it; under CI=true conftest makes it a failure."""

import shutil
from pathlib import Path

import pytest


def require(component: str, install_line: str, found: object = None) -> Path:
    """The path of a program, or of what `found` holds (a path or None, when it is not on PATH)."""
    place = found or shutil.which(component)
    if not place:
        pytest.skip(f"{component} is missing; to install it: {install_line}")
    return Path(str(place))


def require_rtsp_server() -> Path:
    """The system's Python that has GStreamer's RTSP server."""
    # Only here: every conftest imports this file, and the camera imports the codecs.
    from tests.support.cameras import rtsp

    packages = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good python3-gi"
    found = rtsp.SYSTEM_PYTHON if rtsp.available() else None
    return require("GStreamer's RTSP server", f"apt-get install {packages}", found)
