"""The cameras all benchmarks look at: the real RTSP server of the tests, at a constant bit rate."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.daemon import BenchmarkFailed
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera, available

FULL_HD_KBPS = 4000
FULL_HD = Material(width=1920, height=1080, fps=30, gop=60, frames=900, bitrate_kbps=FULL_HD_KBPS)


@contextmanager
def cameras(count: int, material: Material) -> Iterator[list[str]]:
    """Addresses of `count` cameras, each a stream of its own, all in one server process."""
    if not available():
        raise BenchmarkFailed(
            "GStreamer's RTSP server is missing: sudo apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi "
            "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
        )
    with RtspCamera(material, Behaviour(mounts=count)) as camera:
        yield [camera.url(mount) for mount in range(count)]
