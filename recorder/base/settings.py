"""The recorder's settings as plain values. No YAML, no environment variables, no external defaults."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MOST_PIXELS = 8192 * 4352
"""8K: larger pictures are never decoded. A header that claims more is damaged or malicious."""


PINS_DIVISOR = 4
"""Open replays keep at most this part of a ring's bytes beside it."""


class BufferCodec(StrEnum):
    """The codec in the ring for cameras that do not send H.264."""

    AUTO = "auto"
    """H.264 if a hardware encoder works, else the camera's own codec."""
    SOURCE = "source"
    """The camera's own codec."""
    H264 = "h264"
    """H.264, encoded on ingest, in software if necessary."""


@dataclass(frozen=True, slots=True)
class BufferSettings:
    """Limits of one camera's ring: a target in seconds and a hard limit in bytes."""

    seconds: float = 60.0
    max_bytes: int = 256 * 1024 * 1024
    codec: BufferCodec = BufferCodec.SOURCE

    @property
    def most_pinned_bytes(self) -> int:
        """What open replays may keep beside the ring."""
        return self.max_bytes // PINS_DIVISOR


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera. `source` may hold credentials and is therefore left out of `repr`."""

    camera_id: str
    name: str
    source: str = field(repr=False)
    buffer: BufferSettings = BufferSettings()
    rtsp_transport: str = "tcp"
    """`tcp` or `udp`; ignored by sources that are not RTSP."""
    open_timeout_s: float = 5.0
    read_timeout_s: float = 5.0
    rotation_deg: int = 0
    """0, 90, 180 or 270: the clockwise rotation that makes its pictures upright."""
    width_px: int = 1280
    """With `height_px` and `fps`: the mode requested from a webcam; other cameras ignore it."""
    height_px: int = 720
    fps: float = 30.0
    audio: bool = True
    """Whether to record sound if the camera sends it."""


def share_memory(wanted: Sequence[int], total: int) -> list[int]:
    """The bytes of each ring that wants `wanted`, so that rings and the pins beside them fit in `total`."""
    with_pins = share_bytes([want + want // PINS_DIVISOR for want in wanted], total)
    shares = [share * PINS_DIVISOR // (PINS_DIVISOR + 1) for share in with_pins]
    # A wish that is met is met to the byte: the division rounds down.
    return [
        want if both == want + want // PINS_DIVISOR else share
        for want, both, share in zip(wanted, with_pins, shares, strict=True)
    ]


def share_bytes(wanted: Sequence[int], total: int) -> list[int]:
    """Divide `total` bytes among rings that want `wanted` bytes each, max-min fair.

    Rings that want less than an equal share get their full amount; the others share the remainder
    equally. The sum never exceeds `total`.
    """
    shares = [0] * len(wanted)
    left = total
    by_want = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for position, index in enumerate(by_want):
        shares[index] = min(wanted[index], left // (len(by_want) - position))
        left -= shares[index]
    return shares
