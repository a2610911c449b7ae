"""A part file gives back what was written, up to the first byte that is not as it was written."""

import gc
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from operator import length_hint
from pathlib import Path

import pytest

from recorder.access_unit import AccessUnit, Codec, Epoch
from recorder.errors import PartFileDamaged
from recorder.muxer import write_mp4
from recorder.part_file import PartHeader, PartReader, PartTail, PartWriter
from tests.support.daemon import ROOT
from tests.support.media import NS_PER_S, Camera, joined, play, units_of

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


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Where the part file goes."""
    return tmp_path / "recording.part"


def test_units_and_header_come_back_equal(part: Path) -> None:
    """Also when there are more than one system call can write at once."""
    units = some_units(700)
    with written(part, units):
        pass
    reader = PartReader(part)
    assert reader.header == HEADER
    assert list(reader) == units
    assert list(reader) == units, "iterating twice gives the same"
    assert (reader.unit_count, reader.truncated_bytes) == (700, 0)


def test_later_control_records_replace_the_header(part: Path) -> None:
    """Wherever they stand between units."""
    units = some_units(20)
    with written(part, units[:10]) as writer:
        writer.set_end(None)
        writer.append(units[10:])
        writer.set_end(50_000_000_000)
        writer.relabel(8_000_000_000, 1_800_000_000_000_000)
    reader = PartReader(part)
    expected = replace(
        HEADER, end_ns=50_000_000_000, base_ns=8_000_000_000, base_label_us=1_800_000_000_000_000
    )
    assert reader.header == expected
    assert list(reader) == units


def test_a_file_cut_at_any_byte_gives_every_whole_unit_before_the_cut(part: Path, tmp_path: Path) -> None:
    """What a power loss leaves: never an error, never half a picture."""
    units = some_units(4)
    sizes = []
    with written(part, []) as writer:
        for unit in units:
            writer.append([unit])
            sizes.append(writer.size_bytes)
    data = part.read_bytes()
    header_bytes = sizes[0] - 20 - 40 - len(units[0].data)
    torn = tmp_path / "torn.part"
    for cut_at in range(header_bytes, len(data)):
        torn.write_bytes(data[:cut_at])
        reader = PartReader(torn)
        whole = sum(size <= cut_at for size in sizes)
        assert list(reader) == units[:whole]
        assert reader.truncated_bytes == cut_at - max([header_bytes, *sizes[:whole]])


def test_a_flipped_bit_ends_the_reading_there(part: Path) -> None:
    """Anywhere in a record: the units before it are intact, none after it is trusted."""
    units = some_units(6)
    with written(part, units[:3]) as writer:
        start = writer.size_bytes
        writer.append(units[3:4])
        end = writer.size_bytes
        writer.append(units[4:])
    data = part.read_bytes()
    for position in range(start, end):
        if position - start in range(16, 20):
            continue  # reserved bytes say nothing
        part.write_bytes(data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :])
        reader = PartReader(part)
        assert list(reader) == units[:3]
        assert reader.truncated_bytes > 0


def test_a_tail_of_zeros_is_truncated(part: Path) -> None:
    """File systems may have extended the file before its content reached the disk."""
    units = some_units(5)
    with written(part, units):
        pass
    with part.open("ab") as file:
        file.write(bytes(4096))
    reader = PartReader(part)
    assert list(reader) == units
    assert reader.truncated_bytes == 4096


@pytest.mark.parametrize("content", [b"", b"HSPART1\n", b"something else entirely", bytes(100)])
def test_a_file_without_a_usable_header_is_damaged(part: Path, content: bytes) -> None:
    """The caller quarantines it; nothing is guessed."""
    part.write_bytes(content)
    with pytest.raises(PartFileDamaged):
        PartReader(part)


def test_a_damaged_header_is_damaged(part: Path) -> None:
    """Its check covers every byte."""
    with written(part, some_units(1)):
        pass
    data = bytearray(part.read_bytes())
    data[60] ^= 1
    part.write_bytes(data)
    with pytest.raises(PartFileDamaged, match="header"):
        PartReader(part)


def test_a_part_file_is_never_overwritten(part: Path) -> None:
    """Two recordings of one id cannot be."""
    with written(part, some_units(2)):
        pass
    with pytest.raises(FileExistsError):
        PartWriter(part, HEADER)
    assert list(PartReader(part)) == some_units(2)


def test_a_unit_of_another_epoch_is_refused(part: Path) -> None:
    """One part, one set of codec parameters."""
    stranger = replace(some_units(1)[0], epoch=replace(EPOCH, width=640))
    with written(part, some_units(2)) as writer, pytest.raises(ValueError, match="epoch"):
        writer.append([stranger])
    assert list(PartReader(part)) == some_units(2)


def test_a_reader_sees_the_part_as_it_was_when_it_was_opened(part: Path) -> None:
    """Recording goes on meanwhile; the next reader sees more."""
    with written(part, some_units(5)) as writer:
        reader = PartReader(part)
        writer.append(some_units(5, first=5))
        writer.sync()
        assert list(reader) == some_units(5)
        assert list(PartReader(part)) == some_units(10)


def test_the_iterator_tells_how_many_units_may_come(part: Path) -> None:
    """So that the muxer can reserve space; leaving it half-way closes the file."""
    with written(part, some_units(8)):
        pass
    units = iter(PartReader(part))
    assert length_hint(units) == 8
    assert len(list(islice(units, 3))) == 3
    assert length_hint(units) == 5
    del units
    gc.collect()  # an open file would warn here, and warnings are errors


def test_a_write_that_fails_half_way_is_taken_back(part: Path) -> None:
    """A full disk: what was written stays readable, and what comes after it too."""
    with written(part, some_units(10)) as writer:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (writer.size_bytes + 500, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                writer.append(some_units(30, first=10))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, former)
        writer.set_end(1)
    reader = PartReader(part)
    assert list(reader) == some_units(10)
    assert (reader.header.end_ns, reader.truncated_bytes) == (1, 0)


def test_what_was_synced_survives_the_death_of_the_process(part: Path) -> None:
    """kill -9 in the middle of writing: the synced units are there."""
    script = ROOT / "tests/support/part_writer.py"
    writer = subprocess.Popen([sys.executable, script, part], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout:
        synced = [int(writer.stdout.readline()) for _ in range(20)][-1]
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    numbers = [unit.sequence for unit in PartReader(part)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= synced


def test_a_clip_made_of_a_part_file_is_that_of_the_units(part: Path, tmp_path: Path) -> None:
    """Runs, times and parameter sets survive the detour, byte for byte."""
    camera = Camera(gop=30, bframes=3, inline=False)
    start_ns = 5 * NS_PER_S
    units = joined(units_of(camera, 60), units_of(camera, 60, first=200, start_ns=start_ns + 20 * NS_PER_S))
    header = replace(HEADER, epoch=units[0].epoch)
    with written(part, units, header):
        pass
    direct = write_mp4(tmp_path / "direct.mp4", units, start_ns + NS_PER_S, 2**62)
    detour = write_mp4(tmp_path / "detour.mp4", iter(PartReader(part)), start_ns + NS_PER_S, 2**62)
    assert detour == direct
    assert play(tmp_path / "detour.mp4").counters == (*range(30, 60), *range(200, 260))


def test_a_tail_gives_what_is_appended_until_the_seal(part: Path) -> None:
    """Whoever transcodes reads along: units in order, the header as of the last control record."""
    units = some_units(6)
    with written(part, units[:2]) as writer:
        waits: list[int] = []

        def append_more() -> None:
            waits.append(len(waits))
            if len(waits) == 1:
                writer.append(units[2:5])
                writer.set_end(7 * NS_PER_S)
            elif len(waits) == 2:
                writer.append(units[5:])
                writer.seal()

        tail = PartTail(part, follow=True, idle=append_more)
        assert list(tail) == units
    assert (tail.sealed, tail.header.end_ns) == (True, 7 * NS_PER_S)
    assert tail.read_bytes == tail.size_bytes == part.stat().st_size


def test_a_tail_waits_for_the_rest_of_a_record(part: Path) -> None:
    """A record is seen whole or not at all, however slowly its bytes arrive."""
    units = some_units(3)
    with written(part, units) as writer:
        writer.seal()
    whole = part.read_bytes()
    pieces = iter([whole[:-cut] if cut else whole for cut in (90, 40, 19, 1, 0)])

    def more() -> None:
        part.write_bytes(next(pieces))

    part.write_bytes(whole[:-130])
    assert list(PartTail(part, follow=True, idle=more)) == units


def test_a_tail_that_does_not_follow_ends_where_the_file_does(part: Path) -> None:
    """What a killed daemon left is never sealed."""
    units = some_units(3)
    with written(part, units):
        pass
    with part.open("ab") as file:
        file.write(b"torn")
    tail = PartTail(part, follow=False, idle=lambda: None)
    assert list(tail) == units
    assert not tail.sealed


def test_a_seal_changes_nothing_for_a_reader(part: Path) -> None:
    """It is for who reads along."""
    units = some_units(3)
    with written(part, units) as writer:
        writer.seal()
    reader = PartReader(part)
    assert (list(reader), reader.truncated_bytes) == (units, 0)
