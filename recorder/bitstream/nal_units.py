"""Parses what H.264 and H.265 share: Annex B framing and bit fields.

Pure. Clause numbers are those of ITU-T H.264; H.265 has equivalent clauses.
"""

from collections.abc import Callable, Iterable

START_CODE = b"\x00\x00\x00\x01"
MOST_SET_BYTES = 16 * 1024
"""Longer parameter sets are damaged: even with all scaling lists they are below four kilobytes."""


def split_nal_units(data: bytes) -> list[memoryview]:
    """The NAL units of Annex B `data` without start codes or trailing zeros, as views of it."""
    view = memoryview(data)
    units: list[memoryview] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        following = data.find(b"\x00\x00\x01", start)
        units += _trimmed(view, start, len(data) if following < 0 else following)
        start = following
    return units


def leading_nal_units(data: bytes, is_picture: Callable[[memoryview], bool]) -> list[memoryview]:
    """The NAL units up to and including the first slice, whose view runs to the end of `data`.

    Everything that classifies a unit precedes its slices, which are nearly all of its bytes. Stopping there
    costs a tenth of splitting the whole unit.
    """
    view = memoryview(data)
    units: list[memoryview] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        if start < len(data) and is_picture(view[start:]):
            return [*units, view[start:]]
        following = data.find(b"\x00\x00\x01", start)
        units += _trimmed(view, start, len(data) if following < 0 else following)
        start = following
    return units


def _trimmed(view: memoryview, start: int, end: int) -> list[memoryview]:
    while end > start and view[end - 1] == 0:  # a four-byte start code, or trailing_zero_8bits
        end -= 1
    return [view[start:end]] if end > start else []


def annex_b(nals: Iterable[bytes | memoryview]) -> bytes:
    """NAL units as Annex B with four-byte start codes."""
    return b"".join(START_CODE + bytes(nal) for nal in nals)


class BitReader:
    """Reads an RBSP bit by bit, without emulation prevention (7.4.1.1). Raises ValueError at its end."""

    def __init__(self, payload: bytes | memoryview) -> None:
        raw = bytes(payload).replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(raw, "big")
        self._left = len(raw) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            msg = "The NAL unit ends too early."
            raise ValueError(msg)
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """ue(v), 9.1."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > 32:
                msg = "An Exp-Golomb code is longer than any field may be."
                raise ValueError(msg)
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> int:
        """se(v), 9.1.1."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def possible_size(width: int, height: int) -> tuple[int, int]:
    """Return the size. Raises ValueError if no camera sends such pictures."""
    if not (0 < width <= 16384 and 0 < height <= 16384):
        msg = f"The SPS gives an impossible picture size of {width}x{height}."
        raise ValueError(msg)
    return width, height


def possible_set(nal: bytes | memoryview) -> bytes:
    """Return a copy of the parameter set. Raises ValueError if it is impossibly long."""
    if len(nal) > MOST_SET_BYTES:
        msg = f"A parameter set of {len(nal)} bytes is damaged."
        raise ValueError(msg)
    return bytes(nal)


def below(number: int, most: int) -> int:
    """Return the id. Raises ValueError if it is not below `most`, which bounds the number of stored sets."""
    if number >= most:
        msg = f"A parameter set is numbered {number}, and there can be {most}."
        raise ValueError(msg)
    return number
