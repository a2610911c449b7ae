"""Draws and reads a picture that carries its frame number; used by the synthetic source and by tests.

Here: the machine-readable counter (drawing, reading) and the test card around it. Not here: encoding
and pacing (`synthetic`). Pure functions on numpy arrays and one class that owns its prerendered card.

Geometry of the counter, so that a reader in any language can find it in a picture of W x H pixels:

    - One row of 40 cells along the top edge. A cell is W/40 wide and W/40 high (not rounded: 16 px
      at W=640, 32 px at W=1280). Cell i covers x in [i*W/40, (i+1)*W/40), y in [0, W/40); its centre
      is ((i + 0.5) * W/40, 0.5 * W/40).
    - White cells (luma >= 235 as drawn) are 1, black ones (luma <= 16) are 0.
    - Cells 0..7:   sync pattern 1 0 1 1 0 0 1 0.
    - Cells 8..31:  the counter modulo 2**24, most significant bit first.
    - Cells 32..39: check byte, most significant bit first: the three counter bytes XORed with each
      other and with 255.
    - To read: average the luma of the middle half of each cell (at least its centre pixel), threshold
      half-way between the darkest and the brightest cell, require them to differ by at least 80, then
      require the sync pattern and the check byte.

Survives scaling down to 160 pixels wide, H.264, JPEG, and both luma ranges.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

CELLS = 40
COUNTER_BITS = 24
COUNTER_MODULUS = 1 << COUNTER_BITS

_SYNC = np.array([1, 0, 1, 1, 0, 0, 1, 0], dtype=np.uint8)
_CHECK_BITS = 8
_WHITE, _BLACK = 235, 16
_MIN_CONTRAST = 80


def draw_counter(picture: npt.NDArray[Any], number: int) -> None:
    """Write `number` into the top row of `picture`: BGR, grey, or the luma plane of a YUV picture."""
    width = picture.shape[1]
    edges = _edges(width)
    luma = np.where(_cells(number) == 1, _WHITE, _BLACK).astype(np.uint8)
    row = np.repeat(luma, np.diff(edges))
    picture[: edges[1]] = row if picture.ndim == 2 else row[:, np.newaxis]


def read_counter(picture: npt.NDArray[Any]) -> int | None:
    """The number that `draw_counter` wrote, or None if there is no valid counter."""
    height, width = picture.shape[:2]
    cell = width / CELLS
    if cell < 2 or height < cell:
        return None
    strip = picture[int(cell / 4) : max(int(cell * 3 / 4), int(cell / 4) + 1)]
    rows = strip if strip.ndim == 2 else strip.mean(axis=2)
    columns = rows.mean(axis=0)
    starts = ((np.arange(CELLS) + 0.25) * cell).astype(int)
    stops = np.maximum(((np.arange(CELLS) + 0.75) * cell).astype(int), starts + 1)
    levels = np.array([columns[start:stop].mean() for start, stop in zip(starts, stops, strict=True)])
    low, high = levels.min(), levels.max()
    if high - low < _MIN_CONTRAST:
        return None
    bits = (levels > (low + high) / 2).astype(np.uint8)
    number = int.from_bytes(np.packbits(bits[8:32]).tobytes(), "big")
    return number if np.array_equal(bits, _cells(number)) else None


class TestCard:
    """A moving picture in planar YUV 4:2:0, cheap to draw: a prerendered card with a moving bar.

    Not thread-safe; `paint` returns the same array every time.
    """

    __test__ = False  # not a pytest class, despite its name

    def __init__(self, width: int, height: int) -> None:
        """`width` and `height` in pixels, both even, at least 80 x 48."""
        self._width, self._height = width, height
        self._background = _background(width, height)
        self._canvas = self._background.copy()

    def paint(self, number: int, clock_text: str) -> Picture:
        """Frame `number` as one I420 array of (height * 3/2, width); valid until the next call."""
        np.copyto(self._canvas, self._background)
        luma = self._canvas[: self._height]
        self._move_bar(luma, number)
        draw_counter(luma, number)
        scale = self._width / 640
        thickness = max(1, round(2 * scale))
        top = int(self._width / CELLS)
        style: dict[str, Any] = {"fontFace": cv2.FONT_HERSHEY_SIMPLEX, "lineType": cv2.LINE_8}
        for text, line in ((str(number), 1), (clock_text, 2)):
            origin = (round(12 * scale), round(top + line * 34 * scale))
            cv2.putText(luma, text, origin, fontScale=scale, color=_WHITE, thickness=thickness, **style)
        return self._canvas

    def _move_bar(self, luma: Picture, number: int) -> None:
        bar_width = max(2, self._width // 32)
        left = number * max(1, self._width // 160) % (self._width - bar_width)
        top = self._height * 3 // 4
        luma[top : top + self._height // 8, left : left + bar_width] = _WHITE


def _cells(number: int) -> Picture:
    counter = (number % COUNTER_MODULUS).to_bytes(3, "big")
    check = counter[0] ^ counter[1] ^ counter[2] ^ 0xFF
    bits = np.unpackbits(np.frombuffer(counter + bytes([check]), dtype=np.uint8))
    return np.concatenate([_SYNC, bits])


def _edges(width: int) -> npt.NDArray[np.intp]:
    return np.round(np.arange(CELLS + 1) * width / CELLS).astype(np.intp)


def _background(width: int, height: int) -> Picture:
    """Colour bars above a grey ramp, as I420."""
    picture = np.empty((height, width, 3), dtype=np.uint8)
    for index in range(7):  # grey, yellow, cyan, green, magenta, red, blue: the bits of 7 - index
        colour = [192 * ((7 - index) >> bit & 1) for bit in (0, 2, 1)]
        picture[:, width * index // 7 : width * (index + 1) // 7] = colour
    ramp = np.linspace(16, 160, width).astype(np.uint8)
    picture[height * 5 // 8 :] = ramp[:, np.newaxis]
    strip = int(width / CELLS)
    picture[: strip + strip * 5] = 32
    return cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
