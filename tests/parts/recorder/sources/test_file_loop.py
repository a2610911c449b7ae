"""A file that plays for ever as if it were a camera."""

import threading
from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from recorder.base.clock import SystemClock
from recorder.base.errors import SourceLost, SourceUnsupported
from recorder.bitstream import h264
from recorder.bitstream.access_unit import Codec, SourceUnit
from recorder.bitstream.nal_units import START_CODE
from recorder.sources.file_loop import FileLoopSource
from recorder.sources.source import SourceItem
from recorder.sources.test_picture.test_card import draw_counter
from tests.support.counters import counters_of

FRAMES = 20


def write_film(path: Path, codec: str = "libx264", bframes: int = 0) -> None:
    """Twenty numbered frames at 100 a second."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=100)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = 320, 180
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.time_base = Fraction(1, 100)
        if codec == "libx265":
            stream.options = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=10:bframes=0"}
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "x264-params": f"keyint=10:bframes={bframes}:b-adapt=0"}
        for index in range(FRAMES):
            picture = np.full((180, 320, 3), 90, dtype=np.uint8)
            draw_counter(picture, index)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def pictures_of(told: Sequence[SourceItem]) -> list[SourceUnit]:
    return [item for item in told if isinstance(item, SourceUnit)]


def played(path: Path, count: int) -> list[SourceUnit]:
    units: list[SourceUnit] = []
    with closing(FileLoopSource(f"file:{path}", SystemClock(), threading.Event())) as source:
        source.open()
        while len(units) < count:
            units += pictures_of(source.read())
    return units


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts"])
@pytest.mark.parametrize("bframes", [0, 2])
def test_the_loop_has_no_seam(tmp_path: Path, name: str, bframes: int) -> None:
    """Times go on at the same pace where the file begins again, and every unit is Annex B."""
    path = tmp_path / name
    write_film(path, bframes=bframes)
    units = played(path, 3 * FRAMES)
    times = sorted(unit.pts * unit.time_base for unit in units if unit.pts is not None)
    assert len(times) == 3 * FRAMES
    steps = [float(later - earlier) for earlier, later in pairwise(times)]
    assert all(step == pytest.approx(0.01, abs=0.0011) for step in steps)
    assert all(later.dts > earlier.dts for earlier, later in pairwise(units) if later.dts and earlier.dts)
    assert all(unit.data.startswith((h264.START_CODE, b"\x00\x00\x01")) for unit in units)
    assert len({unit.epoch for unit in units}) == 1
    assert units[0].is_keyframe
    counters = counters_of(unit.data for unit in units)
    assert counters == list(range(FRAMES)) * 3


@pytest.mark.parametrize(
    ("name", "encoder", "codec"),
    [
        ("film.mp4", "libx265", Codec.H265),
        ("film.mkv", "libx265", Codec.H265),
        ("film.mov", "mjpeg", Codec.MJPEG),
        ("film.mkv", "mjpeg", Codec.MJPEG),
    ],
)
def test_other_codecs_go_round_as_well(tmp_path: Path, name: str, encoder: str, codec: Codec) -> None:
    """H.265 becomes Annex B at the door, and each JPEG is a keyframe."""
    write_film(tmp_path / name, encoder)
    units = played(tmp_path / name, 2 * FRAMES)
    assert {(unit.epoch.codec, unit.epoch.width, unit.epoch.height) for unit in units} == {(codec, 320, 180)}
    if codec is Codec.MJPEG:
        assert all(unit.is_keyframe for unit in units)
    else:
        assert all(unit.data.startswith(START_CODE) for unit in units)
    counters = counters_of((unit.data for unit in units), units[0].epoch.parameter_sets, codec)
    assert counters == list(range(FRAMES)) * 2


def test_a_missing_file_is_lost_and_a_wrong_one_unsupported(tmp_path: Path) -> None:
    """The first may come back (a mount), the second needs the operator."""
    with pytest.raises(SourceLost, match="No such file"):
        played(tmp_path / "none.mp4", 1)
    with pytest.raises(SourceUnsupported, match=r"only .*\.mp4"):
        played(tmp_path / "notes.txt", 1)
    (tmp_path / "junk.mp4").write_bytes(b"junk" * 1000)
    with pytest.raises(SourceLost, match="no video stream"):
        played(tmp_path / "junk.mp4", 1)


def test_another_codec_is_refused_by_name(tmp_path: Path) -> None:
    """The sentence says what was found and what is taken."""
    write_film(tmp_path / "old.mp4", codec="mpeg4")
    with pytest.raises(SourceUnsupported, match=r"MPEG4.*set the camera to H\.264"):
        played(tmp_path / "old.mp4", 1)
