"""Sound in the part file: what was written comes back, whole or cut off, and old files still read."""

from operator import length_hint
from pathlib import Path

from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.recording.part_file import PartHeader, PartReader, PartTail, PartWriter
from tests.support.fakes import units
from tests.support.part_files import record

MONO = AudioFormat(48_000, 1, b"\x11\x88")
OTHER = AudioFormat(16_000, 2, b"\x14\x10")
MONO_RECORD = b'{"sample_rate_hz":48000,"channels":1,"config":"1188"}'
OTHER_RECORD = b'{"sample_rate_hz":16000,"channels":2,"config":"1410"}'
UNITS = units(60)
HEARD = [
    AudioUnit(
        number, MONO if number < 80 else OTHER, UNITS[0].pts_ns + number * 21_333_333, b"%d" % number * 9
    )
    for number in range(90)
]


def written(path: Path) -> None:
    header = PartHeader("clip", "cam", "rig", UNITS[0].epoch, 0, 0, UNITS[0].pts_ns, None, UNITS[0].pts_ns)
    writer = PartWriter(path, header)
    for second in (0, 1):
        writer.append(UNITS[30 * second : 30 * second + 30])
        writer.append_sound(HEARD[45 * second : 45 * second + 45])
    writer.sync()
    writer.close()


def test_units_and_sound_come_back_each_by_itself(tmp_path: Path) -> None:
    """They lie between each other in the file; a cut reads them side by side."""
    written(tmp_path / "part")
    reader = PartReader(tmp_path / "part")
    assert list(reader) == UNITS
    assert list(reader.sound) == HEARD
    assert reader.truncated_bytes == 0
    assert length_hint(reader.sound) >= len(HEARD)


def test_a_torn_end_costs_what_was_torn(tmp_path: Path) -> None:
    """A kill in the middle of a write leaves everything before."""
    path = tmp_path / "part"
    written(path)
    whole = path.read_bytes()
    for cut in range(1, 400, 7):
        path.write_bytes(whole[:-cut])
        reader = PartReader(path)
        sound = list(reader.sound)
        assert sound == HEARD[: len(sound)]
        assert len(sound) >= 80
        assert list(reader) == UNITS


def test_a_file_without_sound_has_none(tmp_path: Path) -> None:
    """Those of cameras without sound, and of older versions."""
    header = PartHeader("clip", "cam", "rig", UNITS[0].epoch, 0, 0, UNITS[0].pts_ns, None, UNITS[0].pts_ns)
    writer = PartWriter(tmp_path / "part", header)
    writer.append(UNITS)
    writer.append_sound([])
    writer.close()
    reader = PartReader(tmp_path / "part")
    assert (list(reader), list(reader.sound), length_hint(reader.sound)) == (UNITS, [], 0)


def test_a_tail_gives_the_sound_in_front_of_each_unit(tmp_path: Path) -> None:
    """A job that reads along takes it as it goes; what follows the last unit can be taken afterwards."""
    path = tmp_path / "part"
    written(path)
    tail = PartTail(path, follow=False, idle=lambda: None)
    heard = []
    for number, _ in enumerate(tail):
        heard += list(tail.sound)
        assert len(heard) == (0 if number < 30 else 45)
    assert [*heard, *tail.sound] == HEARD


def test_sound_without_its_format_is_left_out(tmp_path: Path) -> None:
    """It could not be decoded; the pictures around it stay."""
    path = tmp_path / "part"
    written(path)
    whole = path.read_bytes()
    formats = [record(16, config) for config in (MONO_RECORD, OTHER_RECORD)]
    for one in formats:
        assert whole.count(one) == 1
        whole = whole.replace(one, b"")
    path.write_bytes(whole)
    reader = PartReader(path)
    assert (list(reader), list(reader.sound), length_hint(reader.sound)) == (UNITS, [], 0)
    tail = PartTail(path, follow=False, idle=lambda: None)
    assert (list(tail), list(tail.sound)) == (UNITS, [])


def test_a_damaged_last_frame_of_sound_costs_that_frame(tmp_path: Path) -> None:
    """A power loss leaves zeros in it: a time of 0 would make the length hint negative, and no clip."""
    path = tmp_path / "part"
    written(path)
    whole = path.read_bytes()
    expected = length_hint(PartReader(path).sound)
    for zeros in (25, 21, 5):
        path.write_bytes(whole + record(17, b"sequence, a time, data")[:-zeros] + bytes(zeros))
        reader = PartReader(path)
        assert length_hint(reader.sound) == expected
        assert (list(reader), list(reader.sound)) == (UNITS, HEARD)
