"""Inspects a JPEG without decoding it: whether it is complete, its size, and missing Huffman tables.

Here: walking the marker segments of baseline and progressive JPEG (ITU-T T.81, annex B). Not here:
decoding, encoding. Pure functions on bytes.
"""

import re
from dataclasses import dataclass

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOS, _DHT, _RST0, _RST7, _TEM = 0xDA, 0xC4, 0xD0, 0xD7, 0x01
# SOF0..SOF15 without DHT, JPG and DAC, which share their range.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# In entropy-coded data a marker is FF and anything but a stuffed zero, a restart or a fill byte.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_FILL_BYTES = re.compile(rb"\xff+(?=\xff)")
_MOST_SEGMENTS = 1000


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """Positions in one complete JPEG. `end_bytes` is the offset after its EOI; cameras may pad after it."""

    width: int
    height: int
    scan_offset_bytes: int
    end_bytes: int
    has_huffman_tables: bool


def layout(data: bytes) -> JpegLayout | None:
    """The layout of the JPEG in `data`; None if it is truncated or torn.

    Detects lost bytes: a missing start or end, torn headers, a hole that swallowed or exposed a marker.
    Flipped bits inside the picture data are detected only by decoding.
    """
    if not data.startswith(_SOI):
        return None
    shape: tuple[int, int] | None = None
    has_tables = False
    position = len(_SOI)
    for _ in range(_MOST_SEGMENTS):
        position = _behind_fill_bytes(data, position)
        marker = _marker_at(data, position)
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker is None or length < 2 or position + 2 + length > len(data):
            return None
        if marker in _FRAME_HEADERS:
            shape = _shape(data[position + 4 : position + 2 + length])
        has_tables = has_tables or marker == _DHT
        if marker == _SOS:
            end = _end_of_scans(data, position + 2 + length)
            if shape is None or end is None:
                return None
            return JpegLayout(*shape, position, end, has_tables)
        position += 2 + length
    return None


def size(data: bytes) -> tuple[int, int]:
    """Width and height of a complete JPEG. Raises ValueError if `layout` finds it damaged."""
    found = layout(data)
    if found is None:
        raise ValueError("no whole JPEG")
    return found.width, found.height


def self_contained(data: bytes, found: JpegLayout) -> bytes:
    """The JPEG without padding and with Huffman tables.

    Many webcams omit the standard tables (AVI1 MJPEG), and JPEG decoders then fail, so the tables are
    inserted before the scan. Padding after the end is removed.
    """
    if found.has_huffman_tables:
        return data if found.end_bytes == len(data) else data[: found.end_bytes]
    at = found.scan_offset_bytes
    return b"".join((data[:at], STANDARD_TABLES, data[at : found.end_bytes]))


def _behind_fill_bytes(data: bytes, position: int) -> int:
    """Skip the fill bytes (FF) before a marker (B.1.1.2); some encoders align with them."""
    filled = _FILL_BYTES.match(data, position)
    return position if filled is None else filled.end()


def _marker_at(data: bytes, position: int) -> int | None:
    """The marker of the segment at `position`; None for a marker without length."""
    if data[position : position + 1] != b"\xff" or position + 4 > len(data):
        return None
    marker = data[position + 1]
    if marker in (0x00, 0xFF, _TEM) or _RST0 <= marker <= _EOI[1]:
        return None
    return marker


def _shape(header: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from a frame header: precision, height, width, components."""
    if len(header) < 6 or header[0] != 8 or header[5] not in (1, 3):
        return None
    height, width = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:5], "big")
    return (width, height) if width and height else None


def _end_of_scans(data: bytes, position: int) -> int | None:
    """The offset after the EOI; a progressive JPEG has tables and headers between its scans."""
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER_IN_SCAN.search(data, position)
        if found is None:
            return None
        at = found.start()
        if data[at : at + 2] == _EOI:
            return at + 2
        marker = _marker_at(data, at)
        if marker is None or marker in _FRAME_HEADERS:
            return None
        position = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if position > len(data):
            return None
    return None


def _table(kind_and_number: int, counts: str, values: str) -> bytes:
    return bytes([kind_and_number]) + bytes.fromhex(counts) + bytes.fromhex(values)


_DC_VALUES = "00010203 04050607 08090a0b"
_TABLES = b"".join(  # T.81 annex K.3
    (
        _table(0x00, "00010501 01010101 01000000 00000000", _DC_VALUES),
        _table(
            0x10,
            "00020103 03020403 05050404 0000017d",
            "01020300 04110512 21314106 13516107 22711432 8191a108 2342b1c1 1552d1f0 24336272"
            "82090a16 1718191a 25262728 292a3435 36373839 3a434445 46474849 4a535455 56575859"
            "5a636465 66676869 6a737475 76777879 7a838485 86878889 8a929394 95969798 999aa2a3"
            "a4a5a6a7 a8a9aab2 b3b4b5b6 b7b8b9ba c2c3c4c5 c6c7c8c9 cad2d3d4 d5d6d7d8 d9dae1e2"
            "e3e4e5e6 e7e8e9ea f1f2f3f4 f5f6f7f8 f9fa",
        ),
        _table(0x01, "00030101 01010101 01010100 00000000", _DC_VALUES),
        _table(
            0x11,
            "00020102 04040304 07050404 00010277",
            "00010203 11040521 31061241 51076171 13223281 08144291 a1b1c109 233352f0 156272d1"
            "0a162434 e125f117 18191a26 2728292a 35363738 393a4344 45464748 494a5354 55565758"
            "595a6364 65666768 696a7374 75767778 797a8283 84858687 88898a92 93949596 9798999a"
            "a2a3a4a5 a6a7a8a9 aab2b3b4 b5b6b7b8 b9bac2c3 c4c5c6c7 c8c9cad2 d3d4d5d6 d7d8d9da"
            "e2e3e4e5 e6e7e8e9 eaf2f3f4 f5f6f7f8 f9fa",
        ),
    )
)
STANDARD_TABLES = b"\xff\xc4" + (len(_TABLES) + 2).to_bytes(2, "big") + _TABLES
"""A DHT segment with the four standard tables, which encoders use unless they optimise their own."""
