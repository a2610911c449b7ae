"""Hand-made MP4 boxes (ISO/IEC 14496-12), for the index of a file that no muxer wrote. No codec.

`wide` boxes count in 64 bits. Times and lengths are ticks; a run is (how many samples, their value).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

ONE = 1 << 16
UPRIGHT = (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
Runs = Sequence[tuple[int, int]]


def box(kind: bytes, *content: bytes) -> bytes:
    """A box with its header."""
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def full_box(kind: bytes, version: int, *content: bytes) -> bytes:
    """A box whose content begins with a version and no flags."""
    return box(kind, bytes([version, 0, 0, 0]), *content)


@dataclass(frozen=True)
class Table:
    """The sample table of a track. None leaves its box out; one size in `sizes` with `count` is common."""

    sizes: Sequence[int] = (10, 20, 30)
    deltas: Runs = ((3, 3000),)
    shifts: Runs | None = None
    shifts_signed: bool = True
    keys: Sequence[int] | None = (1,)
    chunks: Sequence[int] = (1000,)
    per_chunk: Sequence[tuple[int, int]] = ((1, 3),)
    """(first chunk, samples in each from there on), chunks numbered from 1."""
    wide: bool = False
    count: int | None = None
    entry: bytes = b"avc1 entry"

    def made(self) -> bytes:
        """The `stbl` box."""
        return box(
            b"stbl",
            full_box(b"stsd", 0, struct.pack(">I", 1), box(b"avc1", self.entry)),
            full_box(b"stts", 0, _runs(self.deltas, ">II")),
            *self._optional(),
            full_box(b"stsc", 0, struct.pack(">I", len(self.per_chunk)), *self._stsc()),
            self._stsz(),
            full_box(b"co64" if self.wide else b"stco", 0, _words(self.chunks, "Q" if self.wide else "I")),
        )

    def _optional(self) -> list[bytes]:
        made = []
        if self.shifts is not None:
            form = ">Ii" if self.shifts_signed else ">II"
            made.append(full_box(b"ctts", int(self.shifts_signed), _runs(self.shifts, form)))
        if self.keys is not None:
            made.append(full_box(b"stss", 0, _words(self.keys, "I")))
        return made

    def _stsc(self) -> list[bytes]:
        return [struct.pack(">III", first, samples, 1) for first, samples in self.per_chunk]

    def _stsz(self) -> bytes:
        if self.count is not None:
            return full_box(b"stsz", 0, struct.pack(">II", self.sizes[0], self.count))
        return full_box(b"stsz", 0, struct.pack(">I", 0), _words(self.sizes, "I"))


@dataclass(frozen=True)
class Trak:
    """A track: how it is presented, and its sample table."""

    kind: bytes = b"vide"
    time_scale: int = 90_000
    length: int = 9000
    media_time: int = 0
    edits: int = 1
    matrix: Sequence[int] = UPRIGHT
    size: tuple[int, int] = (320, 48)
    wide: bool = False
    table: Table = field(default_factory=Table)

    def made(self) -> bytes:
        """The `trak` box."""
        version, times, word = int(self.wide), bytes(16 if self.wide else 8), ">Q" if self.wide else ">I"
        place = (
            bytes(16) + struct.pack(">9i", *self.matrix) + struct.pack(">II", *(n << 16 for n in self.size))
        )
        length = struct.pack(word, self.length)
        edit = length + struct.pack(">qi" if self.wide else ">ii", self.media_time, ONE)
        handler = full_box(b"hdlr", 0, bytes(4), self.kind, bytes(12), b"made\0")
        scale = struct.pack(">I", self.time_scale)
        return box(
            b"trak",
            full_box(b"tkhd", version, times, bytes(8), length, place),
            box(b"edts", full_box(b"elst", version, struct.pack(">I", self.edits), edit * self.edits)),
            box(
                b"mdia",
                full_box(b"mdhd", version, times, scale, length, bytes(4)),
                handler,
                box(b"minf", self.table.made()),
            ),
        )


def moov(*traks: Trak, wide: bool = False, length: int = 9000, more: bytes = b"") -> bytes:
    """The index of a file with these tracks, and a box of `more` that nobody reads."""
    times, word = bytes(16 if wide else 8), ">Q" if wide else ">I"
    head = full_box(
        b"mvhd", int(wide), times, struct.pack(">I", 90_000), struct.pack(word, length), bytes(80)
    )
    return box(b"moov", head, *(trak.made() for trak in traks), box(b"udta", more))


def _runs(runs: Runs, form: str) -> bytes:
    return struct.pack(">I", len(runs)) + b"".join(struct.pack(form, count, value) for count, value in runs)


def _words(values: Sequence[int], word: str) -> bytes:
    return struct.pack(f">I{len(values)}{word}", len(values), *values)
