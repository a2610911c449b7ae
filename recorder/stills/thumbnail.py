"""Makes scaled JPEGs and PNGs from units, finished files or pictures.

Here: the jobs that worker processes run, as module-level functions with picklable values in and out.
Not here: which units a frame needs (`ring_buffer`), decoding (`decoder`), storing files (the callers).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2

from recorder.base.errors import DecodeFailed
from recorder.base.own_files import open_own
from recorder.bitstream.access_unit import AccessUnit
from recorder.stills.decoder import Picture, decode_frame, decode_jpeg_bytes, frame_from_file, turned
from recorder.stills.jpeg_budget import CARD_WIDTH_PX, fitted

JPEG_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Still:
    """A JPEG of a buffered frame; `pts_ns` is the frame's own."""

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
    """The frame shown at `pts_ns`, rotated clockwise; `units` as for `decode_frame`. Raises DecodeFailed."""
    picture, shown_ns = decode_frame(units, pts_ns)
    scaled = fit(turned(picture, rotation_deg), max_width)
    return Still(jpeg(scaled), scaled.shape[1], scaled.shape[0], shown_ns)


def filmstrip_jpegs(keyframes: Sequence[AccessUnit], width: int, rotation_deg: int = 0) -> list[Still]:
    """One small picture per keyframe; keyframes that cannot be decoded are skipped.

    Raises DecodeFailed if none can be decoded.
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


def decode_card(units: Sequence[AccessUnit], pts_ns: int, rotation_deg: int = 0) -> Still:
    """The frame shown at `pts_ns` for a card; `units` as for `decode_frame`. Raises DecodeFailed."""
    picture, shown_ns = decode_frame(units, pts_ns)
    data, width, height = card(turned(picture, rotation_deg))
    return Still(data, width, height, shown_ns)


def card_from_file(path: Path, time_s: float | None) -> ClipStill:
    """The frame a finished clip shows at `time_s` (None: its middle) for a card. Raises DecodeFailed."""
    picture, shown_s = frame_from_file(path, time_s)
    return ClipStill(*card(picture), shown_s)


def card_from_jpeg(path: Path) -> ClipStill:
    """A stored JPEG for a card. Raises DecodeFailed."""
    try:
        with open_own(path) as file:
            data = file.read()
    except OSError as error:
        raise DecodeFailed(f"The picture cannot be read: {error.strerror}.") from error
    return ClipStill(*card(decode_jpeg_bytes(data)), 0.0)


def png_from_jpeg(data: bytes) -> ClipStill:
    """A JPEG converted to PNG. Raises DecodeFailed."""
    picture = decode_jpeg_bytes(data)
    return ClipStill(png(picture), picture.shape[1], picture.shape[0], 0.0)


def png_from_file(path: Path, time_s: float, max_width: int) -> ClipStill:
    """The frame a finished clip shows at `time_s`, as PNG. Raises DecodeFailed."""
    picture, shown_s = frame_from_file(path, time_s)
    width, height = even_size(picture.shape[1], picture.shape[0], max_width)
    if picture.shape[:2] != (height, width):
        picture = _scaled(picture, (width, height))
    return ClipStill(png(picture), width, height, shown_s)


def card(picture: Picture) -> tuple[bytes, int, int]:
    """JPEG, width and height of `picture` (BGR) for a card: small in pixels and bytes."""
    width = min(CARD_WIDTH_PX, picture.shape[1])
    while True:
        scaled = fit(picture, width)
        data = fitted(partial(jpeg, scaled))
        if data is not None or width == 1:
            return data or jpeg(scaled), scaled.shape[1], scaled.shape[0]
        width = max(1, width * 3 // 4)  # noise: only fewer pixels make it smaller


def even_size(width: int, height: int, max_width: int) -> tuple[int, int]:
    """Width and height scaled down to `max_width`, never up; the height is even, except a single row."""
    new_width = min(width, max_width)
    exact = height * new_width / width
    nearest = round(exact / 2) * 2
    return new_width, max(min(2, height), min(nearest, height - height % 2))


def fit(picture: Picture, max_width: int | None) -> Picture:
    """`picture` scaled down to `max_width` pixels, never up, keeping its aspect ratio."""
    height, width = picture.shape[:2]
    if max_width is None or max_width >= width:
        return picture
    return _scaled(picture, (max_width, max(1, round(height * max_width / width))))


def _scaled(picture: Picture, size: tuple[int, int]) -> Picture:
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
