"""A transcoded clip is what a remuxed one is: exact frames at their own times, and the same colours."""

import threading
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from recorder.base.errors import FinishFailed, PartFileDamaged
from recorder.bitstream.access_unit import AccessUnit
from recorder.encoding.encoder import SOFTWARE
from recorder.recording.part_file import PartWriter
from recorder.recording.transcode_job import TranscodeOrder, TranscodeReport, TranscodeResult, transcode
from tests.support.foreign import (
    FPS,
    H265Camera,
    h265_units,
    header_of,
    jpeg_of,
    jpeg_unit,
    jpeg_units,
    time_of,
    write_part,
)
from tests.support.media import play

PATCHES = [
    (0, 0, 0),
    (128, 128, 128),
    (255, 255, 255),
    (64, 64, 64),
    (0, 0, 255),
    (0, 255, 0),
    (255, 0, 0),
    (30, 120, 200),
    (200, 60, 30),
    (90, 200, 140),
    (32, 32, 32),
    (200, 200, 200),
]
"""BGR."""


def run(part: Path, follow: bool = False) -> tuple[TranscodeResult, list[TranscodeReport]]:
    """Transcode `part` beside it."""
    reports: list[TranscodeReport] = []
    order = TranscodeOrder(part, part.with_suffix(".mp4"), SOFTWARE, follow)
    return transcode(order, reports.append), reports


def cut(
    tmp_path: Path, units: list[AccessUnit], first: int, after_last: int
) -> tuple[TranscodeResult, tuple[int, ...]]:
    """The clip of a span given by counters, and the counters it shows."""
    part = write_part(tmp_path / "recording.part", units, (time_of(first), time_of(after_last)))
    result, _ = run(part)
    played = play(part.with_suffix(".mp4"))
    assert played.stream_s == Fraction(result.cut.duration_s).limit_denominator(90_000)
    return result, played.counters


def test_a_span_of_jpeg_is_exact(tmp_path: Path) -> None:
    """Start and end by the units' own times, one H.264 frame for each JPEG."""
    result, counters = cut(tmp_path, jpeg_units(range(90)), 10, 70)
    assert counters == tuple(range(10, 70))
    assert (result.cut.frame_count, result.cut.duration_s, result.frames_damaged) == (60, 2.0, 0)
    assert (result.cut.first_pts_ns, result.cut.end_ns) == (time_of(10), time_of(70))
    assert (result.cut.video_codec, result.cut.fps) == ("h264", 30.0)


@pytest.mark.parametrize("bframes", [0, 3])
@pytest.mark.parametrize("span", [(0, 60), (7, 8), (13, 52), (29, 45)])
def test_a_span_of_h265_is_exact(tmp_path: Path, bframes: int, span: tuple[int, int]) -> None:
    """Wherever it begins and ends in a GOP, with and without B-frames."""
    units = list(h265_units(H265Camera(bframes=bframes), 60))
    result, counters = cut(tmp_path, units, *span)
    assert counters == tuple(range(*span))
    assert result.cut.end_ns == time_of(span[1])


def test_irregular_times_are_kept_and_not_resampled(tmp_path: Path) -> None:
    """A webcam in the dark halves its rate; each picture stays as long as it was."""
    numbers = [*range(10), *range(10, 40, 2), 40, 41, 47]
    part = write_part(tmp_path / "recording.part", jpeg_units(numbers), (time_of(0), time_of(60)))
    run(part)
    played = play(part.with_suffix(".mp4"))
    assert played.counters == tuple(numbers)
    assert played.times_s == tuple(Fraction(number, FPS) for number in numbers)


@pytest.mark.parametrize("codec", ["mjpeg", "h265"])
def test_an_outage_is_held_and_declared(tmp_path: Path, codec: str) -> None:
    """As in a remux: the last picture before it stays, and the clip says so."""
    if codec == "mjpeg":
        units = [*jpeg_units(range(40)), *jpeg_units(range(100, 140), run=1)]
    else:
        units = [*h265_units(H265Camera(), 40), *h265_units(H265Camera(), 40, 100, 1)]
    result, counters = cut(tmp_path, units, 10, 130)
    assert counters == (*range(10, 40), *range(100, 130))
    assert result.cut.gaps == ((time_of(40), time_of(100)),)
    assert result.cut.duration_s == 4.0


def test_a_gap_where_a_slow_disk_lost_units_is_declared(tmp_path: Path) -> None:
    """Within one run the sequence numbers tell."""
    result, counters = cut(tmp_path, jpeg_units([*range(21), *range(36, 60)]), 5, 55)
    assert counters == (*range(5, 21), *range(36, 55))
    assert result.cut.gaps == ((time_of(21), time_of(36)),)


def test_a_recording_that_broke_off_ends_where_its_pictures_do(tmp_path: Path) -> None:
    """What a killed daemon left has no seal and may be torn in the middle of a record."""
    part = write_part(tmp_path / "recording.part", jpeg_units(range(50)), (time_of(5), None))
    with part.open("r+b") as file:
        file.truncate(part.stat().st_size - 100)
    result, _ = run(part)
    assert play(part.with_suffix(".mp4")).counters == tuple(range(5, 49))
    assert result.cut.frame_count == 44


@pytest.mark.parametrize("kept", range(46, 60))
def test_b_frames_that_broke_off_leave_no_hole(tmp_path: Path, kept: int) -> None:
    """A picture whose predecessors on the screen are missing is not shown."""
    units = h265_units(H265Camera(bframes=4, gop=30), 60)[:kept]
    part = write_part(tmp_path / "recording.part", units, (time_of(5), None))
    run(part)
    shown = play(part.with_suffix(".mp4")).counters
    assert shown == tuple(range(5, 5 + len(shown)))
    assert len(shown) > kept - 12


def test_a_damaged_jpeg_is_counted_and_the_one_before_it_held(tmp_path: Path) -> None:
    """One bad transfer on the USB wire must not cost the clip."""
    units = jpeg_units(range(30))
    units[12] = jpeg_unit(b"\xff\xd8 this is no picture", 12, (320, 96))
    result, counters = cut(tmp_path, units, 0, 30)
    assert counters == (*range(12), *range(13, 30))
    assert (result.frames_damaged, result.cut.duration_s) == (1, 1.0)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("sampling", ["420", "422", "444"])
def test_colours_are_those_of_the_jpeg(tmp_path: Path, sampling: str, rotation_deg: int) -> None:
    """Within two levels on every patch, decoded as the tags say; pictures are turned clockwise."""
    width, height, cell = 256, 192, 64
    picture = np.zeros((height, width, 3), np.uint8)
    for index, colour in enumerate(PATCHES):
        row, column = divmod(index, width // cell)
        picture[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = colour
    data = jpeg_of(picture, sampling)
    units = [jpeg_unit(data, number, (width, height)) for number in range(6)]
    part = write_part(tmp_path / "recording.part", units, (time_of(0), None), rotation_deg)
    result, _ = run(part)
    source = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert source is not None
    wanted = np.rot90(source.astype(np.uint8), -rotation_deg // 90)
    assert (result.cut.height, result.cut.width) == wanted.shape[:2]
    with av.open(str(part.with_suffix(".mp4"))) as container:
        for frame in container.decode(video=0):
            assert (frame.format.name, frame.color_range, frame.colorspace) == ("yuv420p", 1, 6)
            seen = frame.to_ndarray(format="bgr24").astype(np.uint8)
            assert _worst(seen, wanted, cell) <= 2.0


def _worst(seen: npt.NDArray[np.uint8], wanted: npt.NDArray[np.uint8], cell: int) -> float:
    """The largest difference of a patch's mean, its edges left out."""
    worst = 0.0
    for top in range(0, wanted.shape[0], cell):
        for left in range(0, wanted.shape[1], cell):
            inside = (slice(top + 16, top + cell - 16), slice(left + 16, left + cell - 16))
            off = seen[inside].mean((0, 1)) - wanted[inside].mean((0, 1))
            worst = max(worst, float(np.abs(off).max()))
    return worst


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    """H.264 in 4:2:0 knows no odd ones."""
    picture = np.full((97, 321, 3), 90, np.uint8)
    units = [jpeg_unit(jpeg_of(picture), number, (321, 97)) for number in range(4)]
    result, _ = run(write_part(tmp_path / "recording.part", units, (time_of(0), None)))
    assert (result.cut.width, result.cut.height) == (320, 96)


def test_it_reads_along_and_ends_with_the_seal(tmp_path: Path) -> None:
    """The end of a recording until stopped comes last."""
    units = jpeg_units(range(60))
    part = tmp_path / "recording.part"
    writer = PartWriter(part, header_of(units[0], (time_of(5), None)))
    done: list[TranscodeResult] = []
    reader = threading.Thread(target=lambda: done.append(run(part, follow=True)[0]), daemon=True)
    reader.start()
    for begin in range(0, 60, 10):
        writer.append(units[begin : begin + 10])
        reader.join(0.05)
    assert reader.is_alive()
    writer.set_end(time_of(60))
    writer.seal()
    writer.close()
    reader.join(30)
    assert done
    assert done[0].cut.frame_count == 55
    assert play(part.with_suffix(".mp4")).counters == tuple(range(5, 60))


def test_frames_behind_the_end_wait_for_an_extension(tmp_path: Path) -> None:
    """B-pictures need what is shown after them; whether that is in the clip is known at the seal."""
    units = h265_units(H265Camera(bframes=4, gop=30), 60)
    part = tmp_path / "recording.part"
    writer = PartWriter(part, header_of(units[0], (time_of(5), time_of(32))))
    first = [unit for unit in units if unit.dts_ns < time_of(32)]
    writer.append(first)
    writer.set_end(time_of(41))
    writer.append([unit for unit in units[len(first) :] if unit.dts_ns < time_of(41)])
    writer.seal()
    writer.close()
    run(part, follow=True)
    assert play(part.with_suffix(".mp4")).counters == tuple(range(5, 41))


def test_progress_comes_regularly_and_never_exceeds_the_whole(tmp_path: Path) -> None:
    """It is also the sign of life that keeps the process from being ended."""
    part = write_part(tmp_path / "recording.part", jpeg_units(range(200), (1280, 720)), (time_of(0), None))
    _, reports = run(part)
    assert reports
    assert all(0 < report.share <= 1 for report in reports)
    assert [report.frames for report in reports] == sorted(report.frames for report in reports)


def test_a_span_without_a_picture_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    """No placeholder is ever made."""
    part = write_part(tmp_path / "recording.part", jpeg_units(range(5)), (time_of(50), None))
    with pytest.raises(FinishFailed, match="no frame"):
        run(part)
    assert [path.name for path in tmp_path.iterdir()] == ["recording.part"]


def test_material_that_never_decodes_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    """The part file stays for whoever wants to look at it."""
    units = [jpeg_unit(b"\xff\xd8nothing", number, (320, 96)) for number in range(5)]
    part = write_part(tmp_path / "recording.part", units, (time_of(0), None))
    with pytest.raises(FinishFailed, match="no frame"):
        run(part)
    assert [path.name for path in tmp_path.iterdir()] == ["recording.part"]


def test_a_part_file_that_is_none_is_told_from_one_that_cannot_be_read(tmp_path: Path) -> None:
    """The reason reaches the person who pressed Retry."""
    (tmp_path / "recording.part").write_bytes(b"something else")
    with pytest.raises(PartFileDamaged):
        run(tmp_path / "recording.part")
    with pytest.raises(FinishFailed, match="cannot be read"):
        run(tmp_path / "missing.part")
