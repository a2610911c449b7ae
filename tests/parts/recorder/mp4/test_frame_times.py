"""A finished file's index says when it shows its frames, and whether it hides some."""

from pathlib import Path

import pytest

from recorder.base.errors import FinishFailed
from recorder.mp4.frame_times import read_frame_times
from recorder.mp4.muxer import write_mp4
from tests.support.media import NS_PER_S, Camera, counter_times, units_of

START_NS = 5 * NS_PER_S
CAMERA = Camera(gop=30, bframes=2)


@pytest.mark.parametrize(
    ("first", "after_last", "hides"),
    [(30, 60, False), (0, 57, True), (45, 60, True), (30, 61, False), (31, 57, True)],
    ids=["whole GOP", "hidden tail", "lead-in", "into the next GOP", "both"],
)
def test_the_shown_frames_are_listed_in_the_order_they_are_shown(
    tmp_path: Path, first: int, after_last: int, hides: bool
) -> None:
    """Not in that of decoding; what is hidden on either side is not among them."""
    path = tmp_path / "clip.mp4"
    write_mp4(path, units_of(CAMERA, 90), *counter_times(START_NS, CAMERA.fps, (first, after_last)))
    times = read_frame_times(path)
    assert list(times.pts) == [3000 * number for number in range(after_last - first)]
    assert times.hides_pictures is hides
    reorder_s = 2 / 30
    assert times.media_start_s == pytest.approx(reorder_s + (first % 30) / 30, abs=0.04)
    assert times.offsets_us()[:3] == (0, 33_333, 66_667)
    assert [times.number_at(us) for us in times.offsets_us()] == list(range(after_last - first))


def test_the_index_is_enough(tmp_path: Path) -> None:
    """Of a clip in a store only the first bytes are fetched."""
    path = tmp_path / "clip.mp4"
    write_mp4(path, units_of(CAMERA, 90), *counter_times(START_NS, CAMERA.fps, (31, 60)))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"mdat") + 4].ljust(len(whole), b"\x00"))
    assert len(read_frame_times(path).pts) == 29
    path.write_bytes(b"no clip")
    with pytest.raises(FinishFailed):
        read_frame_times(path)
