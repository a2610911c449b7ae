"""Part files for tests: a header, units that all differ, and a writer that is closed afterwards. No codec."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.recording.part_file import PartHeader, PartWriter

EPOCH = Epoch(Codec.H264, 1280, 720, b"\0\0\0\1\x67sps\0\0\0\1\x68pps")
HEADER = PartHeader(
    recording_id="0190-abc",
    camera_id="front",
    recorder_id="box",
    epoch=EPOCH,
    base_ns=7_000_000_000,
    base_label_us=1_761_465_600_000_000,
    start_ns=6_500_000_000,
    end_ns=36_500_000_000,
    pressed_ns=21_500_000_000,
    continued_from="0190-aaa",
    clock="synchronised",
)


def some_units(count: int, first: int = 0) -> list[AccessUnit]:
    """Units with every field different from its neighbours'."""
    return [
        AccessUnit(
            sequence=number,
            run=number // 7,
            epoch=EPOCH,
            is_keyframe=number % 5 == 0,
            pts_ns=7_000_000_000 + number * 33_333_333,
            dts_ns=6_900_000_000 + number * 33_333_334,
            duration_ns=33_333_333 + number,
            data=bytes([number % 256]) * (1 + number * 13),
        )
        for number in range(first, first + count)
    ]


@contextmanager
def written(path: Path, units: list[AccessUnit], header: PartHeader = HEADER) -> Iterator[PartWriter]:
    """A writer that has written `units`, still open."""
    writer = PartWriter(path, header)
    try:
        writer.append(units)
        yield writer
    finally:
        writer.close()


def record(kind: int, payload: bytes) -> bytes:
    """A record as the description of the format has it, for parts that no writer of ours would write."""
    check = zlib.crc32(struct.pack("<II", kind, len(payload)) + payload)
    return struct.pack("<IIIII", 0x54524150, kind, len(payload), check, 0) + payload
