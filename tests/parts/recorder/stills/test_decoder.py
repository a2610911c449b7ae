"""The decoded frame is the one asked for, at any place in a GOP."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.base.errors import DecodeFailed
from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.mp4.muxer import write_mp4
from recorder.stills.decoder import decode_frame, decode_keyframe, frame_extent, frame_from_file
from tests.support.hostile.mutations import claiming
from tests.support.media import NS_PER_S, Camera, counter_in, counter_times, units_of

START_NS = 5 * NS_PER_S


def needed(units: list[AccessUnit], pts_ns: int) -> list[AccessUnit]:
    """Units in decode order up to the one shown at `pts_ns`, as the ring hands them over."""
    last = max(index for index, unit in enumerate(units) if unit.pts_ns <= pts_ns)
    return units[: last + 1]


@pytest.mark.parametrize(
    "camera",
    [
        Camera(),
        Camera(bframes=3),
        Camera(bframes=2, inline=False),
        Camera(codec=Codec.H265, bframes=2, height=64),
        Camera(codec=Codec.H265, inline=False, height=64),
        Camera(codec=Codec.MJPEG),
    ],
    ids=str,
)
def test_every_frame_of_a_gop_is_decoded_exactly(camera: Camera) -> None:
    """By equality of counters, whatever it refers to."""
    units = units_of(camera, 24)
    for counter, pts_ns in enumerate(counter_times(START_NS, camera.fps, range(20))):
        picture, shown_ns = decode_frame(needed(units, pts_ns), pts_ns)
        assert (counter_in(picture), shown_ns) == (counter, pts_ns)
        picture, shown_ns = decode_frame(units, pts_ns + 16_000_000)
        assert (counter_in(picture), shown_ns) == (counter, pts_ns), "the frame shown in between"


def test_before_the_first_frame_the_first_is_shown() -> None:
    """A moment the ring rounded up to its oldest frame."""
    units = units_of(Camera(bframes=2), 10)
    picture, shown_ns = decode_frame(units, 0)
    assert (counter_in(picture), shown_ns) == (0, START_NS)


def test_a_keyframe_needs_nothing_else() -> None:
    """Not even inline parameter sets."""
    units = units_of(Camera(gop=20, inline=False), 60)
    keyframes = [unit for unit in units if unit.is_keyframe]
    assert [counter_in(decode_keyframe(unit)) for unit in keyframes] == [0, 20, 40]


def test_what_cannot_be_decoded_fails_with_a_sentence() -> None:
    """Nothing, no keyframe, noise, another codec."""
    units = units_of(Camera(), 5)
    noise = replace(units[0], data=b"\0\0\0\1\x65" + bytes(range(256)), pts_ns=START_NS)
    foreign = replace(units[0], epoch=replace(units[0].epoch, codec=Codec.H265))
    no_jpeg = replace(units[0], epoch=replace(units[0].epoch, codec=Codec.MJPEG))
    for broken in ([], units[1:], [noise], [foreign], [no_jpeg], [replace(no_jpeg, data=b"")]):
        with pytest.raises(DecodeFailed):
            decode_frame(broken, START_NS)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip of counters 17 to 77, cut inside GOPs with B-frames: two seconds."""
    camera = Camera(gop=30, bframes=3)
    start_ns, end_ns = counter_times(START_NS, camera.fps, (17, 77))
    write_mp4(tmp_path / "clip.mp4", units_of(camera, 120), start_ns, end_ns)
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize(
    ("time_s", "counter"),
    [
        (0.0, 17),
        (1 / 30, 18),
        (0.05, 18),
        (0.3333, 26),
        (0.333333, 27),
        (0.3334, 27),
        (1.0, 47),
        (59 / 30, 76),
        (2.0, 76),
        (99.0, 76),
        (-1.0, 17),
    ],
)
def test_a_clip_gives_the_frame_it_shows_at_a_time(clip: Path, time_s: float, counter: int) -> None:
    """The hidden lead-in and tail are never shown; times outside are clamped."""
    picture, shown_s = frame_from_file(clip, time_s)
    assert counter_in(picture) == counter
    assert shown_s == pytest.approx((counter - 17) / 30)


def test_the_middle_of_a_clip_is_the_frame_at_half_its_length(clip: Path) -> None:
    """Of 60 frames the 31st."""
    picture, shown_s = frame_from_file(clip, None)
    assert counter_in(picture) == 47
    assert shown_s == pytest.approx(1.0)


def test_a_file_that_is_no_clip_fails(tmp_path: Path) -> None:
    """Missing, or something else."""
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("text.mp4", "missing.mp4"):
        with pytest.raises(DecodeFailed):
            frame_from_file(tmp_path / name, 0.0)


@pytest.mark.parametrize("size", [(65535, 65535), (30000, 30000), (16384, 16384)])
def test_a_picture_larger_than_any_camera_sends_is_refused_at_once(size: tuple[int, int]) -> None:
    """A kilobyte that claims a billion pixels would hold up everybody else's pictures."""
    (unit,) = units_of(Camera(codec=Codec.MJPEG), 1)
    with pytest.raises(DecodeFailed, match="no camera sends"):
        decode_keyframe(replace(unit, data=claiming(unit.data, *size)))


@pytest.mark.parametrize("counter", [17, 29, 30, 31, 46, 59, 60, 76])
def test_a_frame_is_decoded_from_its_extent_alone(clip: Path, counter: int) -> None:
    """Of a clip in a store only the index and these bytes need be fetched."""
    data = clip.read_bytes()
    time_s = (counter - 17) / 30
    with_holes = clip.with_name("holes.mp4")
    with_holes.write_bytes(data[: data.index(b"mdat") + 4])
    os.truncate(with_holes, len(data))
    first, end = frame_extent(with_holes, time_s)
    assert len(data[: data.index(b"mdat")]) < first < end <= len(data)
    with with_holes.open("r+b") as file:
        file.seek(first)
        file.write(data[first:end])
    assert counter_in(frame_from_file(with_holes, time_s)[0]) == counter
