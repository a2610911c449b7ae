"""Reads a local camera (USB, CSI) through OpenCV's V4L2 reader: JPEGs unchanged, raw pictures as JPEG.

Not here: listing cameras (`devices`), finding the node after replugging (`replug`), checking JPEGs (`jpeg`),
detecting frozen pictures (`freeze_watch`). Used by the capture thread alone.

OpenCV must not decode (CONVERT_RGB=0), so units hold the output of the camera's own encoder. OpenCV drops
the first frame of every connection, because it is often damaged.
"""

import logging
import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy.typing as npt

from recorder.base.clock import Clock
from recorder.base.errors import SourceFrozen, SourceLost
from recorder.base.media_time import NS_PER_S
from recorder.base.settings import CameraSettings
from recorder.bitstream.access_unit import Codec, Epoch, SourceUnit
from recorder.bitstream.jpeg import layout, self_contained
from recorder.sources.usb.devices import identify, list_devices
from recorder.sources.usb.freeze_watch import FreezeWatch, StaleTailWatch
from recorder.sources.usb.replug import WebcamMemory, find_again, is_numbered, node_of

READ_TIMEOUT_S = 3.0
"""Default read timeout: a webcam that sends nothing for this long is reopened."""
JPEG_QUALITY = 90
"""For raw pictures: at 90, flat areas stay within one level; 95 would cost half as much again."""
BUFFERS = 10
"""Frames the driver can fill between reads, a third of a second; the maximum in OpenCV."""

_SELECT_S = 1
_JPEG_FORMATS = ("MJPG", "JPEG")
_RAW_FORMATS: dict[str, int | None] = {
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "UYVY": cv2.COLOR_YUV2BGR_UYVY,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "NV21": cv2.COLOR_YUV2BGR_NV21,
    "YU12": cv2.COLOR_YUV2BGR_I420,
    "YV12": cv2.COLOR_YUV2BGR_YV12,
    "RGB3": cv2.COLOR_RGB2BGR,
    "BGR3": None,
    "GREY": None,
}
_US = 1_000_000

_log = logging.getLogger(__name__)
# OpenCV's warnings would bypass our log on stderr; our own errors report the same.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


class WebcamSource:
    """One connection to one camera node."""

    def __init__(
        self, settings: CameraSettings, clock: Clock, stop: threading.Event, memory: WebcamMemory
    ) -> None:
        """`memory` outlives the connection and identifies the camera if its node changes."""
        self.description = settings.source
        self.damaged = 0
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._memory = memory
        self._node = node_of(settings.source)
        self._capture: cv2.VideoCapture | None = None
        self._fourcc = ""
        self._shape = (0, 0)
        self._duration_us = 0
        self._last_us = 0
        self._epoch = Epoch(Codec.MJPEG, 0, 0, b"")
        self._freeze = FreezeWatch(memory.freezes)
        self._stale = StaleTailWatch(BUFFERS)

    def open(self) -> None:
        """Find the camera and negotiate format, size and rate."""
        memory = self._memory
        if is_numbered(self._node) and memory.identity not in (None, identify(self._node)):
            devices = list_devices().devices
            self._node = find_again(self._node, memory, devices, self._clock.monotonic_ns())
        # In whole seconds; OpenCV reads it once, at the first wait. Short, because a stop may take this long;
        # the caller of `read` measures how long the camera is silent.
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_SELECT_S))
        capture = cv2.VideoCapture(self._node, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceLost(_why_not_opened(self._node))
        self._capture = capture
        self._negotiate(capture)
        self._memory.identity = identify(self._node)

    def read(self) -> list[SourceUnit]:
        """The next picture; an empty list after a second without one, or if it is damaged."""
        capture = self._capture
        if capture is None or self._stop.is_set() or not self._grab(capture):
            return []
        arrival_ns = self._clock.monotonic_ns()
        self._memory.last_seen_ns = arrival_ns
        stamp_us = self._stamp_us(capture, arrival_ns)
        data = self._as_jpeg(capture.retrieve()[1])
        if data is None:
            self.damaged += 1
            return []
        self._refuse_frozen(data, arrival_ns)
        return [
            SourceUnit(
                data=data,
                epoch=self._epoch,
                is_keyframe=True,
                pts=stamp_us,
                dts=stamp_us,
                time_base=Fraction(1, _US),
                duration=self._duration_us,
                arrival_ns=arrival_ns,
            )
        ]

    def close(self) -> None:
        """Release the device."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _negotiate(self, capture: cv2.VideoCapture) -> None:
        """Request JPEG at the configured size; the driver chooses the nearest mode."""
        wanted = self._settings
        capture.set(cv2.CAP_PROP_BUFFERSIZE, BUFFERS)
        capture.set(cv2.CAP_PROP_FOURCC, int.from_bytes(b"MJPG", "little"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.width_px)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.height_px)
        capture.set(cv2.CAP_PROP_FPS, wanted.fps)
        self._fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
        self._shape = (
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        fps = capture.get(cv2.CAP_PROP_FPS)
        self._duration_us = round(_US / fps) if fps > 0 else 0
        if self._fourcc in _JPEG_FORMATS or self._fourcc in _RAW_FORMATS:
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        text = "Camera %s: %s sends %s, %d×%d at %g frames per second (asked: %d×%d at %g)."
        requested = (wanted.width_px, wanted.height_px, wanted.fps)
        _log.info(text, wanted.camera_id, self._node, self._fourcc, *self._shape, fps, *requested)

    def _grab(self, capture: cv2.VideoCapture) -> bool:
        """Wait for a frame; return False if none arrived in time. Raises SourceLost if the camera failed."""
        for _ in range(3):  # a signal to this thread ends a wait early, which is harmless
            begun_ns = self._clock.monotonic_ns()
            if capture.grab():
                return True
            if self._clock.monotonic_ns() - begun_ns >= 0.9 * _SELECT_S * NS_PER_S:
                return False
        if Path(self._node).exists():
            msg = f"The camera at {self._node} stopped: its driver reports an error."
        else:
            msg = f"The camera at {self._node} is gone: was it unplugged?"
        raise SourceLost(msg)

    def _stamp_us(self, capture: cv2.VideoCapture, arrival_ns: int) -> int:
        """The kernel's monotonic timestamp of the frame, or its arrival time if that is unusable.

        Some drivers use the wall clock or no timestamps, and UVC hardware clocks occasionally produce a
        time before that of the last frame.
        """
        arrival_us = arrival_ns // 1000
        kernel_us = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1000)
        is_usable = self._last_us < kernel_us and abs(arrival_us - kernel_us) < _US
        self._last_us = kernel_us if is_usable else max(arrival_us, self._last_us + 1)
        return self._last_us

    def _as_jpeg(self, image: npt.NDArray[Any] | None) -> bytes | None:
        """The picture as one complete JPEG; None if it is empty or damaged. Updates the epoch."""
        if image is None or image.size == 0:
            return None
        if self._fourcc not in _JPEG_FORMATS:
            if self._stale.is_stale(image.data.cast("B")):
                return None
            data = encode_raw(image, self._fourcc)
            self._set_size(image.shape[1], self._shape[1])
            return data
        data = image.tobytes()
        found = layout(data)
        if found is None:
            return None
        self._set_size(found.width, found.height)
        return self_contained(data, found)

    def _set_size(self, width: int, height: int) -> None:
        if (self._epoch.width, self._epoch.height) != (width, height):
            self._epoch = Epoch(Codec.MJPEG, width, height, b"")

    def _refuse_frozen(self, data: bytes, now_ns: int) -> None:
        if self._freeze.is_frozen(data, now_ns):
            self._memory.freezes += 1
            self.damaged += self._freeze.repeats
            msg = f"The picture of {self._node} is frozen: the same {self._freeze.repeats} times over."
            raise SourceFrozen(msg)
        if self._freeze.has_changed:
            self._memory.freezes = 0


def encode_raw(image: npt.NDArray[Any], fourcc: str) -> bytes:
    """A raw picture as JPEG: full range, BT.601, as all JPEG decoders assume.

    4:2:0 and 4:2:2 from webcams are limited-range BT.601 (V4L2's default for such formats).
    """
    conversion = _RAW_FORMATS.get(fourcc)
    picture = image if conversion is None else cv2.cvtColor(image, conversion)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _why_not_opened(node: str) -> str:
    try:
        os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        return f"There is no camera at {node}: is it plugged in? `hindsight cameras` lists what is."
    except PermissionError:
        return f"This user may not open {node}: add it to the group 'video'."
    except OSError as error:
        return f"{node} cannot be opened: {error.strerror}."
    if identify(node) is None:
        return f"{node} is no camera. `hindsight cameras` lists what is."
    return f"{node} cannot be started: another program uses it, or it offers no format we know."
