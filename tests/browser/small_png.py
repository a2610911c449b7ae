"""Pictures of the page as small PNG files: 256 colours, the most frequent ones exact. Pure."""

import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt

COLOURS = 256
_EXACT = 96
"""Flat areas keep their very colour; the rest of the palette is for gradients and photographs."""


def smaller(png: bytes) -> bytes:
    """The same picture, up to 256 colours."""
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("not a picture")
    picture = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    values = picture.reshape(-1, 3).astype(np.int32)
    packed = values @ np.array([65536, 256, 1])
    found, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.float32)
    palette = _palette(colours, counts)
    indexes = _nearest(colours, palette)[inverse].astype(np.uint8).reshape(picture.shape[:2])
    return _encoded(indexes, palette.round().astype(np.uint8))


def _palette(colours: npt.NDArray[np.float32], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    if len(colours) <= COLOURS:
        return colours
    order = np.argsort(counts)[::-1]
    exact, others = colours[order[:_EXACT]], colours[order[_EXACT:]]
    if len(others) <= COLOURS - _EXACT:
        return np.concatenate([exact, others])
    cv2.setRNGSeed(1)  # the same picture becomes the same file
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    _, _, centres = cv2.kmeans(others, COLOURS - _EXACT, np.empty(0), stop, 1, cv2.KMEANS_PP_CENTERS)
    return np.concatenate([exact, np.asarray(centres, np.float32)])


def _nearest(colours: npt.NDArray[np.float32], palette: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    pieces = np.array_split(colours, len(colours) // 4096 + 1)
    return np.concatenate(
        [((piece[:, None, :] - palette[None]) ** 2).sum(axis=2).argmin(axis=1) for piece in pieces]
    )


def _encoded(indexes: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    height, width = indexes.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indexes], axis=1)  # filter 0 before each row
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(rows.tobytes(), 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
