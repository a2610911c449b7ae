"""What recordings will take, from what cameras send and from what was recorded before. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from backend.catalogue.values import Recorded
from recorder import Codec
from recorder.base.values import CameraStatus

SHORTEST_S = 1.0
"""A buffer that holds less says nothing about a bitrate."""
JPEG_BYTES_PER_PX = 0.15
"""Of a snapshot, where none was ever taken: a typical camera picture."""


class Basis(StrEnum):
    """Where an estimate comes from."""

    BUFFER = "buffer"
    """The bitrate that the camera sends now."""
    CLIPS = "clips"
    """The clips, or snapshots, recorded last."""
    SIZE = "size"
    """Only the number of pixels is known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An amount in bytes (or bytes per second), and where it comes from."""

    amount: float
    basis: Basis


def bytes_per_second(status: CameraStatus) -> float | None:
    """What the camera sends now; None until enough is buffered."""
    held = status.buffer
    return held.held_bytes / held.held_s if held.held_s >= SHORTEST_S else None


def clip_rate(status: CameraStatus, recorded: Recorded) -> Estimate | None:
    """Bytes of a finished clip per second. What is not H.264 is encoded, so its clips tell better."""
    rate = bytes_per_second(status)
    if rate is not None and status.codec == Codec.H264:
        return Estimate(rate, Basis.BUFFER)
    if recorded.video_s >= SHORTEST_S:
        return Estimate(recorded.video_bytes / recorded.video_s, Basis.CLIPS)
    return None if rate is None else Estimate(rate, Basis.BUFFER)


def snapshot_bytes(status: CameraStatus, recorded: Recorded) -> Estimate | None:
    """Bytes of one picture kept."""
    if recorded.images:
        return Estimate(recorded.image_bytes / recorded.images, Basis.CLIPS)
    held = status.buffer
    if status.codec == Codec.MJPEG and held.held_frames:
        return Estimate(held.held_bytes / held.held_frames, Basis.BUFFER)
    if status.width is None or status.height is None:
        return None
    return Estimate(status.width * status.height * JPEG_BYTES_PER_PX, Basis.SIZE)
