"""A finished clip reads back as the units it was made of."""

from pathlib import Path

import pytest

from recorder.base.errors import FinishFailed
from recorder.base.media_time import ns_of, ticks
from recorder.bitstream import h264
from recorder.mp4.finished_file import FinishedFile
from recorder.mp4.muxer import write_mp4
from tests.support.media import NS_PER_S, Camera, units_of

START_NS = 5 * NS_PER_S


def test_units_read_back_are_those_that_were_written(tmp_path: Path) -> None:
    """Same bytes, same keyframes, same times; the last shown lasts to the end of the clip."""
    units = units_of(Camera(gop=15, bframes=2), 60)
    write_mp4(tmp_path / "clip.mp4", units, START_NS, START_NS + NS_PER_S)
    with FinishedFile(tmp_path / "clip.mp4") as clip:
        read = list(clip.units(0, len(clip.video.samples)))
        assert (clip.epoch.width, clip.epoch.height) == (320, 48)
        end = clip.video.length
    assert [unit.pts_ns for unit in read] == [ns_of(ticks(u.pts_ns - START_NS)) for u in units[: len(read)]]
    assert [unit.is_keyframe for unit in read] == [unit.is_keyframe for unit in units[: len(read)]]
    for made, unit in zip(read[1:], units[1:], strict=False):
        assert pictures(made.data) == pictures(unit.data)
    last = max((unit for unit in read if unit.pts_ns < ns_of(end)), key=lambda unit: unit.pts_ns)
    assert ticks(last.pts_ns + last.duration_ns) == end


def pictures(data: bytes) -> list[bytes]:
    """The slices of a unit."""
    return [bytes(nal) for nal in h264.split_nal_units(data) if h264.nal_type(nal) in (1, 5)]


def test_a_file_without_a_clip_is_refused(tmp_path: Path) -> None:
    """Empty, cut off in the index, or something else."""
    write_mp4(tmp_path / "clip.mp4", units_of(Camera(), 60), START_NS, START_NS + NS_PER_S)
    whole = (tmp_path / "clip.mp4").read_bytes()
    for damaged in (b"", b"\x00" * 64, whole[:900], whole[:40]):
        (tmp_path / "clip.mp4").write_bytes(damaged)
        with pytest.raises(FinishFailed):
            FinishedFile(tmp_path / "clip.mp4")
