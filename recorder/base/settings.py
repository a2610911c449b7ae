"""What a recorder can be told, as plain values. No YAML, no environment, no defaults from outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MOST_PIXELS = 8192 * 4352
"""8K: no larger picture is decoded anywhere. A header that claims more is damage, or means harm."""


class BufferCodec(StrEnum):
    """What the ring holds of cameras that do not send H.264."""

    AUTO = "auto"
    """H.264 where a hardware encoder works, else what the camera sends."""
    SOURCE = "source"
    """What the camera sends."""
    H264 = "h264"
    """H.264, encoded on the way in, by the processor if need be."""


@dataclass(frozen=True, slots=True)
class BufferSettings:
    """Bounds of one camera's ring: seconds asked for and bytes that win over them."""

    seconds: float = 60.0
    max_bytes: int = 256 * 1024 * 1024
    codec: BufferCodec = BufferCodec.SOURCE


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
    """0, 90, 180 or 270: the clockwise turn that puts its pictures upright."""
    width_px: int = 1280
    """With `height_px` and `fps`: what a webcam is asked for. Other cameras send what they are set to."""
    height_px: int = 720
    fps: float = 30.0
    audio: bool = True
    """Whether sound is kept where the camera has it."""


def share_bytes(wanted: Sequence[int], total: int) -> list[int]:
    """Divide `total` bytes among rings that want `wanted` bytes each, max-min fair.

    Rings that want less than an equal share get what they want; the rest divide what is left
    equally. The sum never exceeds `total`.
    """
    shares = [0] * len(wanted)
    left = total
    by_want = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for position, index in enumerate(by_want):
        shares[index] = min(wanted[index], left // (len(by_want) - position))
        left -= shares[index]
    return shares
