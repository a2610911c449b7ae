"""Pictures kept one by one until they are a clip, through crashes."""

from datetime import datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from recorder.base.errors import PartFileDamaged
from recorder.base.values import Picture
from recorder.bitstream.access_unit import Codec
from recorder.recording.clip_files import ClipFiles
from recorder.recording.part_file import PartReader, PartWriter
from recorder.recording.timelapse_part import (
    TimelapseOrder,
    TimelapsePart,
    link_timelapse_part,
    read_timelapse_part,
)
from recorder.recording.transcode_job import TranscodeOrder, transcode

NOON = datetime(2026, 3, 1, 12)
ORDER = TimelapseOrder("clip", "front", "box", fps=10)


def picture(number: int, size: tuple[int, int] = (64, 48)) -> Picture:
    width, height = size
    grey = np.full((height, width, 3), 20 + 20 * number, np.uint8)
    jpeg = cv2.imencode(".jpg", grey)[1].tobytes()
    return Picture(jpeg, NOON + number * timedelta(minutes=1), width, height, approximate=False)


def filled(path: Path, count: int) -> TimelapsePart:
    part = TimelapsePart(path, ORDER)
    for number in range(count):
        part.append(picture(number))
    return part


def test_times_are_those_of_the_clip_to_come(tmp_path: Path) -> None:
    """A minute between two pictures is a tenth of a second of the clip; the first keeps its label."""
    path = tmp_path / "deep" / "a.part"
    filled(path, 3).close()
    reader = PartReader(path)
    assert [unit.pts_ns for unit in reader] == [0, 100_000_000, 200_000_000]
    assert (reader.header.epoch.codec, reader.header.recording_id) == (Codec.MJPEG, "clip")
    kept = read_timelapse_part(path)
    assert kept is not None
    assert (kept.pictures, kept.first_label, kept.width, kept.height) == (3, NOON, 64, 48)
    assert read_timelapse_part(tmp_path / "none") is None


@pytest.mark.parametrize("cut_bytes", [1, 10, 19, 20, 21, 400])
def test_after_a_crash_it_goes_on_behind_the_last_whole_picture(tmp_path: Path, cut_bytes: int) -> None:
    """Wherever the last one was torn: what is appended then is read, and nothing lies in between."""
    path = tmp_path / "a.part"
    part = filled(path, 3)
    part.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut_bytes])
    again = TimelapsePart(path, ORDER)
    assert again.pictures == 2
    again.append(picture(7))
    again.close()
    units = list(PartReader(path))
    assert [unit.sequence for unit in units] == [0, 1, 2]
    assert units[2].data == picture(7).jpeg


def test_a_last_picture_that_never_reached_the_disk_is_cut_off(tmp_path: Path) -> None:
    """Its head did, its content is zeroes, as after a power cut."""
    path = tmp_path / "a.part"
    filled(path, 2).close()
    whole = bytearray(path.read_bytes())
    whole[-100:] = bytes(100)
    path.write_bytes(whole)
    again = TimelapsePart(path, ORDER)
    assert again.pictures == 1
    again.append(picture(5))
    again.close()
    assert [unit.data for unit in PartReader(path)] == [picture(0).jpeg, picture(5).jpeg]


def test_a_file_that_is_no_part_is_refused(tmp_path: Path) -> None:
    """Nothing of it is touched."""
    path = tmp_path / "a.part"
    path.write_bytes(b"a stranger's")
    with pytest.raises(PartFileDamaged):
        TimelapsePart(path, ORDER)
    with pytest.raises(PartFileDamaged):
        PartWriter.reopen(path)
    assert path.read_bytes() == b"a stranger's"


def test_the_material_has_two_names_until_one_goes(tmp_path: Path) -> None:
    """Lending twice, after a try that was broken off, is the same as once."""
    path = tmp_path / "a.part"
    filled(path, 2).close()
    files = ClipFiles(tmp_path / "clips", "clip")
    files.clips_dir.mkdir()
    link_timelapse_part(path, files)
    link_timelapse_part(path, files)
    assert files.marker.exists()
    assert files.part.stat().st_ino == path.stat().st_ino
    path.unlink()
    assert PartReader(files.part).unit_count == 2


def test_pictures_become_one_clip_though_their_size_changes(tmp_path: Path) -> None:
    """The clip has the size of the first; a picture for every picture, in order."""
    path = tmp_path / "a.part"
    part = filled(path, 3)
    part.append(picture(3, (128, 96)))
    part.append(picture(4))
    part.close()
    out = tmp_path / "clip.mp4"
    made = transcode(TranscodeOrder(path, out, "libx264", follow=False), lambda _: None)
    assert (made.cut.frame_count, made.cut.width, made.cut.height) == (5, 64, 48)
    assert made.cut.duration_s == pytest.approx(0.5)
    assert made.cut.gaps == ()
    with av.open(str(out)) as container:
        lumas = [frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)]
    assert len(lumas) == 5
    assert lumas == sorted(lumas)
