"""What hostile cameras send: good access units made bad, each way by its name, reproducible by a seed.

Here: bytes and timestamps. Not here: sockets (`server`), what must come of it (`test_hostile`).
"""

import json
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder.bitstream import h264

TICKS = 3000
"""One frame at 30 per second on RTP's 90 kHz clock."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One access unit on its way: NAL units (or a JPEG), its RTP time, and the seconds to wait after it."""

    nals: tuple[bytes, ...]
    ticks: int
    wait_s: float = 1 / 30
    ends: bool = True
    """False: the marker that ends a picture is left out."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A good unit: whole, its NAL units, and whether it is a keyframe."""

    data: bytes
    nals: tuple[bytes, ...]
    is_keyframe: bool


Way = Callable[[list[Unit], random.Random], Iterator[Sent]]


def load(path: Path) -> list[Unit]:
    """The units of a `tests.support.cameras.material` file."""
    head, _, payload = path.read_bytes().partition(b"\n")
    units, at = [], 0
    for size, _, _, key in json.loads(head)["units"]:
        data = payload[at : at + size]
        units.append(Unit(data, tuple(bytes(nal) for nal in h264.split_nal_units(data)), key))
        at += size
    return units


def flipped(data: bytes, chance: random.Random, rate: float = 0.002) -> bytes:
    """Some bits the other way round."""
    torn = bytearray(data)
    for _ in range(1 + int(len(torn) * rate)):
        if torn:
            torn[chance.randrange(len(torn))] ^= 1 << chance.randrange(8)
    return bytes(torn)


def loop(units: list[Unit]) -> Iterator[tuple[int, Unit]]:
    """Every unit with its number, for ever."""
    number = 0
    while True:
        yield number, units[number % len(units)]
        number += 1


def bit_flips(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for number, unit in loop(units):
        bad = chance.random() < 0.3
        yield Sent(tuple(flipped(nal, chance) if bad else nal for nal in unit.nals), number * TICKS)


def truncations(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for number, unit in loop(units):
        cut = [nal[: chance.randrange(len(nal) + 1)] if chance.random() < 0.3 else nal for nal in unit.nals]
        yield Sent(tuple(cut), number * TICKS)


def nal_soup(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for number, unit in loop(units):
        noise = [bytes([chance.randrange(256)]) + chance.randbytes(chance.randrange(400)) for _ in range(12)]
        yield Sent((*noise, *unit.nals) if chance.random() < 0.2 else tuple(noise), number * TICKS)


def huge_sei(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """A megabyte of two-byte messages in front of every keyframe."""
    sei = b"\x06" + b"\x01\x00" * 500_000 + b"\x80"
    for number, unit in loop(units):
        yield Sent((*unit.nals[:-1], sei, unit.nals[-1]) if unit.is_keyframe else unit.nals, number * TICKS)


def absurd_sps(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """Sizes of 16384 x 16384 (possible on paper) and more."""
    sets = [_sps(chance.choice([1024, 1024, 512, 65536, 1 << 20])) for _ in range(4)]
    for number, unit in loop(units):
        nals = [chance.choice(sets) if h264.nal_type(nal) == h264.NAL_SPS else nal for nal in unit.nals]
        yield Sent(tuple(nals), number * TICKS)


def flood_of_sets(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """Picture parameter sets with ever new numbers, kilobytes each."""
    for number, unit in loop(units):
        sets = [_ue_nal(0x68, number * 8 + more, 0) + chance.randbytes(3000) for more in range(8)]
        yield Sent((*sets, *unit.nals), number * TICKS)


def never_a_keyframe(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for number, unit in loop([unit for unit in units if not unit.is_keyframe]):
        yield Sent(unit.nals, number * TICKS)


def one_endless_gop(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    yield Sent(units[0].nals, 0)
    big = [Unit(b"", (unit.nals[-1] * 40,), False) for unit in units[1:] if not unit.is_keyframe]
    for number, unit in loop(big):
        yield Sent(unit.nals, (number + 1) * TICKS)


def jumps(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    ticks = chance.randrange(1 << 32)
    for number, unit in loop(units):
        if number % 20 == 19:
            ticks += chance.choice([-1, 1]) * chance.choice([1, 4000, 80_000, 10**6, 1 << 30, 1 << 31])
        ticks += TICKS
        yield Sent(unit.nals, ticks)


def wraps(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """Right, but over the end of RTP's 32 bits after five seconds."""
    for number, unit in loop(units):
        yield Sent(unit.nals, (1 << 32) - 150 * TICKS + number * TICKS)


def frozen_clock(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for _, unit in loop(units):
        yield Sent(unit.nals, 90_000)


def hurried_clock(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """Nine tenths of a second from frame to frame: never a jump, always too fast."""
    for number, unit in loop(units):
        yield Sent(unit.nals, number * 81_000)


def wild_pts(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for number, unit in loop(units):
        yield Sent(unit.nals, number * TICKS + chance.randrange(-12, 12) * TICKS)


def nothing_in_it(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    for number, unit in loop(units):
        yield Sent((b"",) * 3 if chance.random() < 0.7 else (b"", *unit.nals), number * TICKS)


def firehose(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """200 Mb/s: thirty units of 833 kB a second."""
    filler = chance.randbytes(1 << 16).replace(b"\x00", b"\x01") * 12
    for number, unit in loop(units):
        yield Sent((*unit.nals[:-1], unit.nals[-1] + filler), number * TICKS)


def crumbs(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """Two thousand pictures of twenty bytes a second, on a clock that hardly moves."""
    yield Sent(units[0].nals, 0)
    slices = [unit.nals[-1][:20] for unit in units if not unit.is_keyframe]
    for number in range(1, 1 << 40):
        key = units[0].nals if number % 5000 == 0 else (slices[number % len(slices)],)
        yield Sent(key, number, 0.0 if number % 20 else 0.01)


def one_endless_picture(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """25 MB a second of one access unit: the time never changes, the marker never comes."""
    yield Sent(units[0].nals, 0, ends=False)
    more = b"\x41" + chance.randbytes(1 << 16).replace(b"\x00", b"\x01") * 12
    while True:
        yield Sent((more,), 0, ends=False)


def changing_sets(units: list[Unit], chance: random.Random) -> Iterator[Sent]:
    """Every frame is a keyframe of another size."""
    key = next(unit for unit in units if unit.is_keyframe)
    for number in range(1 << 40):
        sps = _sps(4 + number % 50)
        nals = [sps if h264.nal_type(nal) == h264.NAL_SPS else nal for nal in key.nals]
        yield Sent(tuple(nals), number * TICKS)


H264_WAYS: dict[str, Way] = {
    way.__name__.replace("_", "-"): way
    for way in (
        bit_flips, truncations, nal_soup, huge_sei, absurd_sps, flood_of_sets, never_a_keyframe,
        one_endless_gop, jumps, wraps, frozen_clock, hurried_clock, wild_pts, nothing_in_it, firehose, crumbs,
        one_endless_picture, changing_sets,
    )
}  # fmt: skip


def claiming(jpeg: bytes, width: int, height: int) -> bytes:
    """The JPEG with another size in its frame header."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _sps(macroblocks: int) -> bytes:
    """A baseline SPS of so many macroblocks each way, set number 0, one reference, cropping none."""
    size = _ue(macroblocks - 1) * 2
    bits = _ue(0) + _ue(0) + _ue(2) + _ue(1) + "0" + size + "1" + "1" + "0" + "0" + "1"
    return b"\x67\x42\x00\x33" + _bytes_of(bits)


def _ue_nal(head: int, *values: int) -> bytes:
    return bytes([head]) + _bytes_of("".join(_ue(value) for value in values) + "1")


def _ue(value: int) -> str:
    binary = f"{value + 1:b}"
    return "0" * (len(binary) - 1) + binary


def _bytes_of(bits: str) -> bytes:
    padded = bits + "0" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8, "big")
