"""Stills are the right frame at the right size, in this process and in a worker."""

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.errors import DecodeFailed
from recorder.base.workers import WorkerPool
from recorder.mp4.muxer import write_mp4
from recorder.stills.decoder import Picture
from recorder.stills.thumbnail import (
    card,
    card_from_file,
    card_from_jpeg,
    decode_jpeg,
    even_size,
    filmstrip_jpegs,
    fit,
    png_from_file,
    png_from_jpeg,
)
from tests.support.media import NS_PER_S, Camera, counter_in, counter_times, units_of

START_NS = 5 * NS_PER_S
CAMERA = Camera(gop=20, bframes=2, width=640, height=96)


def picture_in(data: bytes) -> Picture:
    """The picture in JPEG or PNG bytes."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8, copy=False)


def test_a_still_of_the_buffer_is_the_frame_asked_for_and_fits() -> None:
    """Scaled down with its proportions, never up."""
    (pts_ns,) = counter_times(START_NS, CAMERA.fps, [13])
    still = decode_jpeg(units_of(CAMERA, 20), pts_ns, 320)
    picture = picture_in(still.jpeg)
    assert (counter_in(picture), still.pts_ns) == (13, pts_ns)
    assert picture.shape[:2] == (still.height, still.width) == (48, 320)
    assert decode_jpeg(units_of(CAMERA, 20), pts_ns, None).width == 640
    assert decode_jpeg(units_of(CAMERA, 20), pts_ns, 5000).width == 640


def test_a_filmstrip_leaves_out_what_is_damaged() -> None:
    """One bad keyframe does not cost the strip; nothing but bad ones does."""
    units = units_of(CAMERA, 80)
    keyframes = [unit for unit in units if unit.is_keyframe]
    stills = filmstrip_jpegs([keyframes[0], units[1], *keyframes[1:]], 320)
    assert [counter_in(picture_in(still.jpeg)) for still in stills] == [0, 20, 40, 60]
    with pytest.raises(DecodeFailed):
        filmstrip_jpegs(units[1:3], 320)


def test_a_still_of_a_clip_comes_as_a_card_or_as_png(tmp_path: Path) -> None:
    """Middle by default; a PNG where a person picked the frame."""
    clip = tmp_path / "clip.mp4"
    start_ns, end_ns = counter_times(START_NS, CAMERA.fps, (7, 67))
    write_mp4(clip, units_of(CAMERA, 80), start_ns, end_ns)
    middle = card_from_file(clip, None)
    assert middle.data.startswith(b"\xff\xd8")
    assert counter_in(picture_in(middle.data)) == 37
    assert middle.time_s == pytest.approx(1.0)
    manual = png_from_file(clip, 0.5, 5000)
    assert manual.data.startswith(b"\x89PNG")
    assert (counter_in(picture_in(manual.data)), manual.width, manual.height) == (22, 640, 96)
    small = png_from_file(clip, 0.5, 500)
    assert (counter_in(picture_in(small.data)), small.width, small.height) == (22, 500, 76)
    assert picture_in(small.data).shape[:2] == (76, 500)


def test_a_png_of_a_jpeg_is_the_same_picture(tmp_path: Path) -> None:
    """Pixel by pixel; what is no JPEG, or not there, fails with a sentence."""
    data = decode_jpeg(units_of(CAMERA, 20), START_NS, None).jpeg
    same = png_from_jpeg(data)
    assert np.array_equal(picture_in(same.data), picture_in(data))
    (tmp_path / "snapshot.jpg").write_bytes(data)
    assert counter_in(picture_in(card_from_jpeg(tmp_path / "snapshot.jpg").data)) == 0
    with pytest.raises(DecodeFailed):
        png_from_jpeg(b"no picture")
    with pytest.raises(DecodeFailed, match="cannot be read"):
        card_from_jpeg(tmp_path / "missing.jpg")


@given(
    width=st.integers(2, 8192),
    height=st.integers(1, 8192),
    most=st.one_of(st.integers(16, 7680), st.just(1280)),
)
def test_a_picked_picture_is_never_larger_and_even_in_height(width: int, height: int, most: int) -> None:
    """Its proportions stay within one pixel pair."""
    new_width, new_height = even_size(width, height, most)
    assert new_width == min(width, most)
    assert 0 < new_height <= height
    assert new_height % 2 == 0 or height == 1
    assert abs(new_height - height * new_width / width) <= 2


def test_a_card_is_small_in_pixels_and_bytes() -> None:
    """A calm scene, a detailed one, noise, and one in portrait: at most 640 px and 50 KB each."""
    noise = np.random.default_rng(1)
    ramp = np.linspace(0, 255, 1920, dtype=np.uint8)[None, :, None].repeat(1080, 0).repeat(3, 2)
    detailed = (ramp // 2 + noise.integers(0, 90, ramp.shape, np.uint8)).astype(np.uint8)
    full = noise.integers(0, 255, (720, 1280, 3), np.uint8).astype(np.uint8)
    for picture in (ramp, detailed, full, np.rot90(detailed), full[:300, :400]):
        data, width, height = card(np.ascontiguousarray(picture))
        assert picture_in(data).shape[:2] == (height, width)
        assert len(data) <= 50_000
        assert width <= 640
        assert width / height == pytest.approx(picture.shape[1] / picture.shape[0], rel=0.02)


def test_the_smallest_picture_keeps_a_row() -> None:
    """Extreme proportions do not end in a picture without pixels."""
    assert fit(np.zeros((2, 1000, 3), np.uint8), 10).shape == (1, 10, 3)


async def test_the_jobs_run_in_a_worker(tmp_path: Path) -> None:
    """Units and results cross the process border; a refusal keeps its sentence."""
    pool = WorkerPool(size=1)
    try:
        units = units_of(CAMERA, 20)
        (pts_ns,) = counter_times(START_NS, CAMERA.fps, [9])
        still = await pool.run(decode_jpeg, units, pts_ns, 320, timeout_s=60.0)
        assert counter_in(picture_in(still.jpeg)) == 9
        with pytest.raises(DecodeFailed, match="could not be decoded"):
            await pool.run(card_from_file, tmp_path / "missing.mp4", None, timeout_s=60.0)
    finally:
        await asyncio.to_thread(pool.close)


@pytest.mark.parametrize(("rotation_deg", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_stills_of_a_turned_camera_are_upright(tmp_path: Path, rotation_deg: int, turns: int) -> None:
    """From the buffer by the setting, from a finished clip by the matrix in the file."""
    units = units_of(CAMERA, 20)
    pts_ns = units[5].pts_ns
    plain = picture_in(decode_jpeg(units, pts_ns, None).jpeg)
    still = decode_jpeg(units, pts_ns, None, rotation_deg)
    assert np.array_equal(picture_in(still.jpeg).shape, np.rot90(plain, -turns).shape)
    assert np.abs(picture_in(still.jpeg).astype(int) - np.rot90(plain, -turns)).mean() < 3
    assert (still.width, still.height) == picture_in(still.jpeg).shape[1::-1]
    write_mp4(tmp_path / "clip.mp4", units, units[0].pts_ns, pts_ns + 1, rotation_deg=rotation_deg)
    again = png_from_file(tmp_path / "clip.mp4", 0.0, 5000)
    assert picture_in(again.data).shape == picture_in(still.jpeg).shape
    (strip,) = filmstrip_jpegs(units[:1], 1000, rotation_deg)
    assert (strip.width, strip.height) == (still.width, still.height)
