"""OpenCV's own V4L2 code against a fake device: every frame arrives, and every mishap heals."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from recorder.bitstream.access_unit import Codec
from recorder.sources.usb.webcam import encode_raw
from tests.support.cameras.fake_v4l2.camera import BY_ID, FakeCamera, Mode, mjpeg, yuyv
from tests.support.cameras.fake_v4l2.capture import Capture, Kept

pytestmark = pytest.mark.timeout(60)


def is_live(status: dict[str, object]) -> bool:
    return status["state"] == "live"


def assert_nothing_lost(units: list[Kept], shown: int, period: int) -> None:
    """Every frame the device had `shown` before, but for the first, is in the ring, in order."""
    counters = [unit.counter for unit in units]
    assert counters == [(1 + n) % period for n in range(len(units))]
    assert shown - 1 - len(units) <= 20  # what the timeline still holds


@pytest.mark.real_time("the camera sends thirty pictures a second, whether they are read or not")
def test_every_jpeg_of_a_webcam_arrives_as_it_was_sent(tmp_path: Path) -> None:
    """MJPEG at the wanted size, undecoded, with the kernel's times; nothing dropped by the device."""
    small, wanted = mjpeg(160, 120, count=30), mjpeg(320, 240, count=100)
    with (
        FakeCamera(tmp_path, [yuyv(320, 240, count=2), small, wanted]) as camera,
        Capture(camera, width_px=320, height_px=240) as capture,
    ):
        capture.wait(lambda status: status["units"] >= 120)
        shown, units = camera.shown, capture.units()
        status = capture.status()
        assert_nothing_lost(units, shown, 100)
        assert camera.dropped == 0
    assert {(unit.codec, unit.width, unit.height) for unit in units} == {(Codec.MJPEG, 320, 240)}
    assert (status["codec"], status["fps"], status["units_damaged"]) == ("mjpeg", 30.0, 0)
    steps = [later.pts_ns - earlier.pts_ns for earlier, later in pairwise(units)]
    assert sum(steps) / len(steps) == pytest.approx(1e9 / 30, rel=0.01)
    assert {unit.run for unit in units} == {0}


def test_frames_without_a_time_are_placed_by_their_arrival(tmp_path: Path) -> None:
    """Also in the middle: the driver's times may stop being usable at any frame."""
    with FakeCamera(tmp_path, [mjpeg()]) as camera, Capture(camera) as capture:
        capture.wait_for_frames(30)
        camera.stamp_nothing()
        capture.wait_for_frames(60)
        units, status = capture.units(), capture.status()
    assert {unit.run for unit in units} == {0}
    assert status["discontinuities"] == 0
    times = [unit.pts_ns for unit in units]
    assert times == sorted(set(times))
    assert (times[-1] - times[0]) / (len(times) - 1) == pytest.approx(1e9 / 30, rel=0.05)


def test_a_camera_that_sends_raw_pictures_only_becomes_jpeg_of_the_same_colours(tmp_path: Path) -> None:
    """Grey and colour patches stay within two levels of what the sensor saw."""
    mode = yuyv(320, 240, count=60)
    with FakeCamera(tmp_path, [mode]) as camera, Capture(camera) as capture:
        capture.wait(lambda status: status["units"] >= 60)
        shown, units = camera.shown, capture.units()
        assert_nothing_lost(units, shown, 60)
    raw = np.frombuffer(mode.frames[1], np.uint8).reshape(240, 320, 2)
    true = cv2.cvtColor(raw, cv2.COLOR_YUV2BGR_YUYV)
    places = [(y, 320 * (2 * index + 1) // 32) for y in (120, 165) for index in range(16)]
    for (y, x), seen in zip(places, units[0].colours, strict=True):
        flat = true[y - 4 : y + 4, x - 4 : x + 4].reshape(-1, 3)
        if np.max(np.ptp(flat, axis=0)) <= 6:  # not where two colour bars meet
            assert np.abs(true[y, x].astype(int) - seen).max() <= 2, (x, y)


@pytest.mark.parametrize("make", [mjpeg, yuyv])
def test_corrupt_and_empty_frames_are_counted_and_cost_nothing_else(
    tmp_path: Path, make: Callable[..., Mode]
) -> None:
    """The frames around them are all there, in the same run."""
    with FakeCamera(tmp_path, [make(count=300)]) as camera, Capture(camera) as capture:
        capture.wait_for_frames(30)
        camera.corrupt(3)
        capture.wait(lambda status: status["units_damaged"] >= 3 and camera.has_done_damage)
        capture.wait_for_frames(15)
        camera.send_nothing(2)
        capture.wait(lambda status: status["units_damaged"] >= 5 and camera.has_done_damage)
        capture.wait_for_frames(15)
        status, units = capture.status(), capture.units()
    counters = [unit.counter for unit in units if unit.counter is not None]
    assert len(counters) == len(units)
    missing = sorted(set(range(1, counters[-1])) - set(counters))
    assert len(missing) == status["units_damaged"] == 5
    assert missing[:3] == list(range(missing[0], missing[0] + 3))
    assert missing[3:] == [missing[3], missing[3] + 1]
    assert is_live(status)
    assert {unit.run for unit in units} == {0}
    assert status["discontinuities"] == status["reconnects"] == 0


def test_an_unplugged_camera_is_told_and_found_again_at_another_node(tmp_path: Path) -> None:
    """Its number may be another one afterwards; `0` still means this camera."""
    with FakeCamera(tmp_path, [mjpeg(count=300)]) as camera, Capture(camera, source="0") as capture:
        capture.wait_for_frames(20)
        camera.unplug()
        lost = capture.wait(lambda status: status["state"] == "reconnecting")
        assert "unplugged" in lost["last_error"]
        camera.plug_in(node=3)
        found = capture.wait(lambda status: is_live(status) and status["reconnects"] == 1)
        assert (found["losses"], found["stalls"], found["freezes"]) == (1, 0, 0)
        capture.wait_for_frames(20)
        units = capture.units()
    assert {unit.run for unit in units} == {0, 1}
    for run in (0, 1):
        counters = [unit.counter or 0 for unit in units if unit.run == run]
        assert [later - earlier for earlier, later in pairwise(counters)] == [1] * (len(counters) - 1)


def test_a_by_id_address_follows_the_camera_by_itself(tmp_path: Path) -> None:
    """udev keeps that name."""
    with FakeCamera(tmp_path, [mjpeg()], node=5) as camera, Capture(camera, source=BY_ID) as capture:
        capture.wait(is_live)
        camera.unplug()
        capture.wait(lambda status: status["state"] == "reconnecting")
        camera.plug_in(node=1)
        capture.wait(lambda status: is_live(status) and status["reconnects"] == 1)


def test_another_camera_at_the_old_number_is_not_taken_for_ours(tmp_path: Path) -> None:
    """The clip of the front door must not show the back door."""
    with FakeCamera(tmp_path, [mjpeg()]) as camera, Capture(camera, source="/dev/video0") as capture:
        capture.wait_for_frames(20)
        camera.unplug()
        capture.wait(lambda status: status["state"] == "reconnecting")
        camera.plug_in(card="Another Camera")
        told = capture.wait(lambda status: "another camera" in (status["last_error"] or ""))
        assert "waiting for Fake Camera" in told["last_error"]
        camera.plug_in(node=2, bus="usb-fake-7")
        capture.wait(is_live)


def test_a_stalled_camera_is_shown_at_once_and_opened_again_after_three_seconds(tmp_path: Path) -> None:
    """Neither waits for the other: no picture is no error yet."""
    with FakeCamera(tmp_path, [mjpeg()]) as camera, Capture(camera) as capture:
        capture.wait_for_frames(20)
        camera.stall()
        capture.wait(lambda status: status["state"] == "stalled", 4)
        told = capture.wait(lambda status: status["state"] == "reconnecting", 4)
        assert told["last_error"] == "The camera sent no picture for 3 s."
        assert (told["losses"], told["stalls"], told["freezes"]) == (1, 1, 0)
        camera.stall(False)
        capture.wait(lambda status: is_live(status) and status["reconnects"] >= 1)


def test_a_frozen_picture_is_told_and_opened_again(tmp_path: Path) -> None:
    """A camera that repeats itself shows a calm front door while somebody walks through it."""
    with FakeCamera(tmp_path, [mjpeg()]) as camera, Capture(camera) as capture:
        capture.wait_for_frames(20)
        camera.freeze()
        told = capture.wait(lambda status: status["last_error"])
        assert "frozen" in told["last_error"]
        assert told["units_damaged"] >= 100
        assert (told["losses"], told["stalls"], told["freezes"]) == (1, 0, 1)
        camera.freeze(False)
        capture.wait(lambda status: is_live(status) and status["reconnects"] == 1)
        capture.wait_for_frames(20)


def test_a_missing_camera_is_waited_for(tmp_path: Path) -> None:
    """The box may boot before its camera."""
    with FakeCamera(tmp_path, [mjpeg()]) as camera:
        camera.unplug()
        with Capture(camera) as capture:
            told = capture.wait(lambda status: status["last_error"])
            assert "There is no camera at /dev/video0" in told["last_error"]
            camera.plug_in()
            capture.wait(is_live)


@pytest.mark.parametrize(
    ("fourcc", "conversion", "shape"),
    [
        ("YU12", cv2.COLOR_BGR2YUV_I420, (96, 64)),
        ("YV12", cv2.COLOR_BGR2YUV_YV12, (96, 64)),
        ("YUYV", cv2.COLOR_BGR2YUV_YUYV, (64, 64, 2)),
        ("UYVY", cv2.COLOR_BGR2YUV_UYVY, (64, 64, 2)),
        ("RGB3", cv2.COLOR_BGR2RGB, (64, 64, 3)),
        ("BGR3", None, (64, 64, 3)),
        ("GREY", cv2.COLOR_BGR2GRAY, (64, 64)),
    ],
)
@pytest.mark.parametrize(
    "colour", [(16, 16, 16), (128, 128, 128), (235, 235, 235), (40, 60, 200), (180, 90, 30)]
)
def test_raw_formats_keep_their_colours(
    fourcc: str, conversion: int | None, shape: tuple[int, ...], colour: tuple[int, int, int]
) -> None:
    """Within two levels, black and white included: the range is expanded exactly once."""
    flat = np.full((64, 64, 3), colour, np.uint8)
    raw = flat if conversion is None else cv2.cvtColor(flat, conversion)
    assert raw.shape == shape
    shown = cv2.imdecode(np.frombuffer(encode_raw(raw, fourcc), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    true = cv2.cvtColor(raw, cv2.COLOR_GRAY2BGR) if fourcc == "GREY" else flat
    assert np.abs(shown.astype(int) - true).max() <= 2
