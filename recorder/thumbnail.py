"""Still pictures for people: scaled, as JPEG or PNG, from units or from a finished file.

Here: the jobs that worker processes run. Module-level functions with picklable values in and out.
Not here: which units a frame needs (`ring_buffer`), decoding (`decoder`), where files are put (callers).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import cv2

from recorder.access_unit import AccessUnit
from recorder.decoder import Picture, decode_frame, frame_from_file, turned
from recorder.errors import DecodeFailed

JPEG_QUALITY = 85


class ImageKind(StrEnum):
    """How a still is encoded."""

    JPEG = "jpeg"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class Still:
    """A JPEG of a buffered frame; `pts_ns` is that of the frame itself."""

    jpeg: bytes = field(repr=False)
    width: int
    height: int
    pts_ns: int


@dataclass(frozen=True, slots=True)
class ClipStill:
    """A picture of a finished clip; `time_s` is the media time of the frame itself."""

    data: bytes = field(repr=False)
    width: int
    height: int
    time_s: float


def decode_jpeg(
    units: Sequence[AccessUnit], pts_ns: int, max_width: int | None, rotation_deg: int = 0
) -> Still:
    """The frame shown at `pts_ns`, turned clockwise; `units` as for `decode_frame`. Raises DecodeFailed."""
    picture, shown_ns = decode_frame(units, pts_ns)
    scaled = fit(turned(picture, rotation_deg), max_width)
    return Still(jpeg(scaled), scaled.shape[1], scaled.shape[0], shown_ns)


def filmstrip_jpegs(keyframes: Sequence[AccessUnit], width: int, rotation_deg: int = 0) -> list[Still]:
    """One small picture per keyframe; keyframes that cannot be decoded are left out.

    Raises DecodeFailed where none could.
    """
    stills: list[Still] = []
    failure: DecodeFailed | None = None
    for unit in keyframes:
        try:
            stills.append(decode_jpeg((unit,), unit.pts_ns, width, rotation_deg))
        except DecodeFailed as error:
            failure = error
    if failure is not None and not stills:
        raise failure
    return stills


def middle_jpeg(path: Path, max_width: int | None) -> ClipStill:
    """The frame in the middle of a finished clip. Raises DecodeFailed."""
    return still_from_file(path, None, max_width)


def still_from_file(
    path: Path, time_s: float | None, max_width: int | None, kind: ImageKind = ImageKind.JPEG
) -> ClipStill:
    """The frame a finished clip shows at `time_s` (None: its middle). Raises DecodeFailed."""
    picture, shown_s = frame_from_file(path, time_s)
    scaled = fit(picture, max_width)
    data = jpeg(scaled) if kind is ImageKind.JPEG else png(scaled)
    return ClipStill(data, scaled.shape[1], scaled.shape[0], shown_s)


def fit(picture: Picture, max_width: int | None) -> Picture:
    """`picture` scaled down to `max_width` pixels, its proportions kept; never up."""
    height, width = picture.shape[:2]
    if max_width is None or max_width >= width:
        return picture
    size = (max_width, max(1, round(height * max_width / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def jpeg(picture: Picture, quality: int = JPEG_QUALITY) -> bytes:
    """`picture` (BGR) as JPEG."""
    return _encoded(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(picture: Picture) -> bytes:
    """`picture` (BGR) as PNG."""
    return _encoded(picture, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3])


def _encoded(picture: Picture, extension: str, parameters: list[int]) -> bytes:
    done, data = cv2.imencode(extension, picture, parameters)
    if not done:
        raise DecodeFailed("The picture could not be encoded.")
    return data.tobytes()
