"""From the `source` of a camera to the object that reads it. Nothing is connected here."""

import re
import threading

from recorder.clock import Clock
from recorder.errors import SourceUnsupported
from recorder.settings import CameraSettings
from recorder.sources.file_loop import FileLoopSource
from recorder.sources.source import Source, redact
from recorder.sources.stream import StreamSource
from recorder.sources.synthetic import SyntheticSource

__all__ = ["open_source", "redact"]

_DEVICE = re.compile(r"\d+|/dev/.*")


def open_source(settings: CameraSettings, clock: Clock, stop: threading.Event) -> Source:
    """The source that `settings.source` names, not yet opened; `stop` ends its waiting.

    Raises SourceUnsupported with a sentence that names the cure.
    """
    address = settings.source
    scheme = address.partition(":")[0].lower()
    if scheme in ("rtsp", "rtsps"):
        return StreamSource(settings, clock, stop)
    if scheme == "file":
        return FileLoopSource(address, clock, stop)
    if address.partition("?")[0] == "synthetic":
        return SyntheticSource(address, clock, stop)
    if _DEVICE.fullmatch(address):
        msg = "Cameras on a device node are not taken yet; use rtsp://, rtsps://, file: or synthetic."
        raise SourceUnsupported(msg)
    msg = f"No camera can be opened as {redact(address)!r}: use rtsp://, rtsps://, file: or synthetic."
    raise SourceUnsupported(msg)
