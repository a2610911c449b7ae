"""A part file gives back what was written, up to the first byte that is not as it was written."""

import errno
import gc
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from operator import length_hint
from pathlib import Path

import pytest

from recorder.base.errors import PartFileDamaged
from recorder.recording.part_file import PartReader, PartTail, PartWriter
from tests.support.fakes import NS_PER_S
from tests.support.part_files import EPOCH, HEADER, record, some_units, written


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Where the part file goes."""
    return tmp_path / "recording.part"


@contextmanager
def file_size_limited(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond `size_bytes`, as on a disk that is full there."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)


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


@pytest.mark.parametrize(
    "header",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"epoch": {"codec": "h266", "width": 1, "height": 1, "parameter_sets": ""}}',
        b'{"epoch": {"codec": "h264", "width": 1, "height": 1, "parameter_sets": ""}, "more": 1}',
    ],
)
def test_a_header_from_another_version_is_damaged(part: Path, header: bytes) -> None:
    """Its check is right, but its fields are not those of this version."""
    part.write_bytes(b"HSPART1\n" + record(1, header))
    with pytest.raises(PartFileDamaged, match="understood"):
        PartReader(part)


def test_a_record_of_an_unknown_kind_is_passed_over(part: Path) -> None:
    """A newer version may have written it between the units."""
    units = some_units(4)
    with written(part, units[:2]):
        pass
    older = part.read_bytes()
    part.unlink()
    with written(part, units) as writer:
        newer = part.read_bytes()[len(older) : writer.size_bytes]
    part.write_bytes(older + record(99, b"news") + newer)
    assert list(PartReader(part)) == units
    assert list(PartTail(part, follow=False, idle=lambda: None)) == units


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
        with file_size_limited(writer.size_bytes + 500), pytest.raises(OSError, match="File too large"):
            writer.append(some_units(30, first=10))
        writer.set_end(1)
    reader = PartReader(part)
    assert list(reader) == some_units(10)
    assert (reader.header.end_ns, reader.truncated_bytes) == (1, 0)


def test_a_part_that_cannot_be_begun_leaves_no_file(part: Path) -> None:
    """A full disk: the next try finds its name free."""
    with file_size_limited(30), pytest.raises(OSError, match="File too large"):
        PartWriter(part, HEADER)
    assert not part.exists()
    with written(part, some_units(1)):
        pass
    assert list(PartReader(part)) == some_units(1)


def test_a_write_that_the_kernel_portions_is_whole(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the middle of a large write makes it a short one."""
    whole = os.writev
    monkeypatch.setattr("os.writev", lambda fd, buffers: whole(fd, [b"".join(buffers)[:70]]))
    with written(part, some_units(9)) as writer:
        assert writer.size_bytes == part.stat().st_size
    assert list(PartReader(part)) == some_units(9)


def test_a_writer_may_be_closed_twice(part: Path) -> None:
    """Two ways out of a recording both close it."""
    with written(part, some_units(2)) as writer:
        writer.close()
    assert list(PartReader(part)) == some_units(2)


@pytest.mark.parametrize("torn_bytes", [0, 1, 30, 60])
def test_a_reopened_part_goes_on_behind_its_last_whole_record(part: Path, torn_bytes: int) -> None:
    """What a crash left half written is cut off, so that later records can be reached."""
    with written(part, some_units(3)) as writer:
        whole_bytes = writer.size_bytes
        writer.append(some_units(1, first=3))
    with part.open("r+b") as file:
        file.truncate(whole_bytes + torn_bytes)
    writer = PartWriter.reopen(part)
    assert writer.size_bytes == whole_bytes
    writer.append(some_units(2, first=3))
    writer.close()
    reader = PartReader(part)
    assert (list(reader), reader.truncated_bytes) == (some_units(5), 0)


def test_a_reopened_part_drops_a_last_record_that_fails_its_check(part: Path) -> None:
    """Its length reached the disk and its content did not."""
    with written(part, some_units(3)):
        pass
    data = part.read_bytes()
    part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    writer = PartWriter.reopen(part)
    writer.append(some_units(1, first=2))
    writer.close()
    assert list(PartReader(part)) == some_units(3)


def test_a_part_without_a_record_is_reopened_behind_its_header(part: Path) -> None:
    """A crash right after the start."""
    with written(part, []) as writer:
        size_bytes = writer.size_bytes
    writer = PartWriter.reopen(part)
    assert writer.size_bytes == size_bytes
    writer.append(some_units(2))
    writer.close()
    assert list(PartReader(part)) == some_units(2)


def test_reopening_on_a_broken_disk_leaves_no_descriptor_open(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error reaches the caller, who may try again for weeks."""
    with written(part, some_units(2)):
        pass

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as broken, pytest.raises(OSError, match="Input/output"):
        broken.setattr("os.fsync", fail)
        PartWriter.reopen(part)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(PartReader(part)) == some_units(2)


def test_a_tail_gives_what_is_appended_until_the_seal(part: Path) -> None:
    """A transcoding job reads along: units in order, the header as of the last control record."""
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
    """It is for a job that reads along."""
    units = some_units(3)
    with written(part, units) as writer:
        writer.seal()
    reader = PartReader(part)
    assert (list(reader), reader.truncated_bytes) == (units, 0)
