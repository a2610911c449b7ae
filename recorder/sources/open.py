"""Chooses the source object for a camera's `source` setting. Connects to nothing. Any thread."""

import re
import threading

from recorder.base.clock import Clock
from recorder.base.errors import SourceUnsupported
from recorder.base.redaction import shown
from recorder.base.settings import CameraSettings
from recorder.sources.file_loop import FileLoopSource
from recorder.sources.http.stream import HttpStreamSource
from recorder.sources.rtsp.stream import StreamSource
from recorder.sources.source import Source
from recorder.sources.test_picture.synthetic import SyntheticSource
from recorder.sources.usb.replug import WebcamMemory
from recorder.sources.usb.webcam import READ_TIMEOUT_S, WebcamSource

__all__ = ["SourceOpener", "default_read_timeout_s", "is_device", "open_source"]

_DEVICE = re.compile(r"\d{1,3}|/dev/.+")
_TWO_SLASHES = re.compile(r"(rtsps?|https?):(?!//)", re.IGNORECASE)
_CURE = "use a camera's number, /dev/…, rtsp://, rtsps://, http://, https://, file: or synthetic."


class SourceOpener:
    """Creates the sources of one camera's successive connections, with the memory they share."""

    def __init__(self) -> None:
        self._webcam = WebcamMemory()

    def __call__(self, settings: CameraSettings, clock: Clock, stop: threading.Event) -> Source:
        """See `open_source`."""
        return open_source(settings, clock, stop, self._webcam)


def is_device(address: str) -> bool:
    """Whether the address names a camera on this machine."""
    return _DEVICE.fullmatch(address) is not None


def default_read_timeout_s(address: str) -> float:
    """The read timeout if none is configured: how long a camera may be silent before it is reopened."""
    return READ_TIMEOUT_S if is_device(address) else 5.0


def open_source(
    settings: CameraSettings, clock: Clock, stop: threading.Event, webcam: WebcamMemory | None = None
) -> Source:
    """The source that `settings.source` names, not yet opened; setting `stop` ends its waits.

    Raises SourceUnsupported with a sentence that names the remedy.
    """
    address = settings.source
    if (short := _TWO_SLASHES.match(address)) is not None:
        # FFmpeg would take it, but everything that tells a host from a password goes by the two slashes.
        scheme = short[1].lower()
        msg = (
            f"An address of {scheme} begins with {scheme}:// (two slashes), such as {scheme}://camera/stream."
        )
        raise SourceUnsupported(msg)
    scheme = address.partition(":")[0].lower()
    if scheme in ("rtsp", "rtsps"):
        return StreamSource(settings, clock, stop)
    if scheme in ("http", "https"):
        return HttpStreamSource(settings, clock, stop)
    if scheme == "file":
        return FileLoopSource(address, clock, stop, audio=settings.audio)
    if address.partition("?")[0] == "synthetic":
        return SyntheticSource(address, clock, stop)
    if is_device(address):
        return WebcamSource(settings, clock, stop, webcam or WebcamMemory())
    msg = f"No camera can be opened as {shown(address)!r}: {_CURE}"
    raise SourceUnsupported(msg)
