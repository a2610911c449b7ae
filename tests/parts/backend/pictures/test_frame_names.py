"""A frame of a clip named by its number, its label or a time becomes the moment it is first shown."""

from array import array
from datetime import timedelta

import pytest

from backend.http.problems import STATUSES
from backend.http.wire.pictures import ManualRequest
from backend.pictures.manual import FrameToShow, checked_time_s, time_of
from backend.problems.refused import Refused
from recorder import FrameTimes
from tests.support.backend.clips import AT, a_clip

# Held for half a second, then a burst: no constant rate.
TICKS = [0, 3003, 6006, 51006, 51009, 54009]
TIMES = FrameTimes(array("q", TICKS), 0.8, hides_pictures=True)
CLIP = a_clip(duration_s=0.65)


@pytest.mark.parametrize("number", range(len(TICKS)))
def test_a_frame_has_the_same_time_by_its_number_and_by_its_label(number: int) -> None:
    """A label is cut to microseconds, a file rounds to ticks of eleven: both mean that frame."""
    exact = TICKS[number] / 90_000
    assert time_of(CLIP, FrameToShow(number=number), TIMES) == exact
    for off_us in (-5, 0, 5):
        if number or off_us >= 0:
            label = AT + timedelta(microseconds=int(exact * 1e6) + off_us)
            assert time_of(CLIP, FrameToShow(label=label), TIMES) == exact


def test_a_label_between_two_frames_is_that_of_the_one_on_show() -> None:
    """Also through an outage, where a frame is held."""
    for us, number in ((33_000, 0), (300_000, 2), (649_999, 5)):
        label = AT + timedelta(microseconds=us)
        assert time_of(CLIP, FrameToShow(label=label), TIMES) == TICKS[number] / 90_000


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (FrameToShow(number=-1), "frame"),
        (FrameToShow(number=6), "frame"),
        (FrameToShow(label=AT - timedelta(microseconds=1)), "label"),
        (FrameToShow(label=AT + timedelta(seconds=0.65)), "label"),
    ],
)
def test_a_name_of_no_frame_is_refused_with_its_field(frame: FrameToShow, field: str) -> None:
    """400, and the sentence says what there is."""
    with pytest.raises(Refused) as refused:
        time_of(CLIP, frame, TIMES)
    assert (STATUSES[refused.value.kind], refused.value.field) == (400, field)
    assert ("6 frames" if field == "frame" else "08:00:00.65") in refused.value.detail


def test_a_time_outside_the_clip_is_refused() -> None:
    """NaN is nowhere."""
    assert checked_time_s(CLIP, 0.6) == 0.6
    for time_s in (-0.001, 0.65, float("nan"), float("inf")):
        with pytest.raises(Refused):
            checked_time_s(CLIP, time_s)


def test_exactly_one_name_is_taken() -> None:
    """A request with two might mean two frames."""
    for body in ({}, {"time": 1, "frame": 3}, {"label": "2025-10-26T08:00:00Z", "frame": 3}):
        with pytest.raises(Refused) as refused:
            ManualRequest.model_validate(body).frame_to_show()
        assert (STATUSES[refused.value.kind], refused.value.field) == (422, "time")
    naive = ManualRequest.model_validate({"label": "2025-10-26T08:00:00.25"}).frame_to_show()
    assert naive == FrameToShow(label=AT + timedelta(seconds=0.25))
    assert ManualRequest.model_validate({"frame": 7, "width": 320}).frame_to_show() == FrameToShow(
        number=7, width_px=320
    )
