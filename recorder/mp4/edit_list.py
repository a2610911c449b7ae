"""Patches how an MP4 presents its pictures: hides the tail that only decoding needs, and rotates.

FFmpeg's muxer writes an edit list that hides a lead-in (negative timestamps) but cannot hide the end.
Cutting inside a B-pyramid needs both, so the length in the edit list is patched after the file is
closed, along with the durations in `mvhd` and `tkhd`, which must agree (ISO/IEC 14496-12, 8.2.2.3,
8.3.2.3, 8.6.6). The matrix in `tkhd` makes players rotate the pictures of a camera mounted on its side, at no
cost. Here: locating these fields in a `moov` box. Not here: files. Pure.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_ONE = 1 << 16
# For a clockwise rotation: the images of the unit vectors right and down (x, y; 16.16).
_TURNS = {
    0: (_ONE, 0, 0, _ONE),
    90: (0, _ONE, -_ONE, 0),
    180: (-_ONE, 0, 0, -_ONE),
    270: (0, -_ONE, _ONE, 0),
}


class Patch(NamedTuple):
    """Replaces the bytes at `offset` (from the start of the `moov` box) by `data`."""

    offset: int
    data: bytes


class Box(NamedTuple):
    """A box within a buffer: its type, the start of its content, and its end."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The consecutive boxes in `data[start:end]`. Raises ValueError if one is malformed."""
    while start < end:
        if end - start < 8:
            raise ValueError("An MP4 box is cut off.")
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and end - start >= 16:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        if size < head or start + size > end:
            raise ValueError(f"The MP4 box {kind!r} has an impossible size.")
        yield Box(kind, start + head, start + size)
        start += size


def presentation_patches(moov: bytes, length: int) -> list[Patch]:
    """The patches that make a file present exactly `length` movie ticks of its pictures.

    A longer sound track is shortened to the same length. `moov` is the whole box with its header. Raises
    ValueError if it has an unexpected structure.
    """
    mvhd = _descend(moov, b"moov", b"mvhd")
    # Version and flags, creation and modification time, then the time scale or the track id.
    patches = [_length_at(moov, mvhd.start, mvhd.start + (24 if moov[mvhd.start] else 16), length)]
    inside = _descend(moov, b"moov")
    for track in boxes(moov, inside.start, inside.end):
        if track.kind == b"trak":
            patches += _track_patches(moov, track, length)
    return patches


def _track_patches(moov: bytes, track: Box, length: int) -> list[Patch]:
    tkhd = within(moov, track, b"tkhd")
    elst = within(moov, track, b"edts", b"elst")
    handler = within(moov, track, b"mdia", b"hdlr")
    (entries,) = struct.unpack_from(">I", moov, elst.start + 4)
    if entries != 1:
        raise ValueError(f"The edit list has {entries} entries instead of one.")
    if moov[handler.start + 8 : handler.start + 12] == b"soun":
        (own,) = struct.unpack_from(">Q" if moov[elst.start] == 1 else ">I", moov, elst.start + 8)
        length = min(length, own)
    return [
        _length_at(moov, tkhd.start, tkhd.start + (28 if moov[tkhd.start] else 20), length),
        _length_at(moov, elst.start, elst.start + 8, length),
    ]


def _descend(data: bytes, *path: bytes) -> Box:
    return within(data, Box(b"", 0, len(data)), *path)


def within(data: bytes, found: Box, *path: bytes) -> Box:
    """The first box at `path` inside `found`. Raises ValueError if there is none."""
    for kind in path:
        inside = (box for box in boxes(data, found.start, found.end) if box.kind == kind)
        following = next(inside, None)
        if following is None:
            raise ValueError(f"The file has no {kind.decode()} box where one is needed.")
        found = following
    return found


def _length_at(data: bytes, full_box: int, offset: int, length: int) -> Patch:
    wide = data[full_box] == 1
    if not wide and length >= 1 << 32:
        raise ValueError("The length does not fit the box FFmpeg wrote.")
    return Patch(offset, struct.pack(">Q" if wide else ">I", length))


def matrix_patch(moov: bytes, rotation_deg: int) -> Patch:
    """The patch that makes players rotate the first track's pictures clockwise (8.3.2.3, 6.2.2).

    Raises ValueError if `moov` has an unexpected structure.
    """
    tkhd = _descend(moov, b"moov", b"trak", b"tkhd")
    at = tkhd.start + (52 if moov[tkhd.start] else 40)
    width, height = struct.unpack_from(">II", moov, at + 36)
    right_x, right_y, down_x, down_y = _TURNS[rotation_deg]
    left, top = {0: (0, 0), 90: (height, 0), 180: (width, height), 270: (0, width)}[rotation_deg]
    return Patch(at, struct.pack(">9i", right_x, right_y, 0, down_x, down_y, 0, left, top, 1 << 30))


def rotation_of(moov: bytes, tkhd: Box) -> int:
    """The clockwise rotation in `tkhd`. Raises ValueError if it is not a multiple of 90 degrees."""
    at = tkhd.start + (52 if moov[tkhd.start] else 40)
    right_x, right_y, _, down_x, down_y = struct.unpack_from(">5i", moov, at)
    for rotation_deg, turn in _TURNS.items():
        if turn == (right_x, right_y, down_x, down_y):
            return rotation_deg
    raise ValueError("The file turns its pictures by less than a quarter.")
