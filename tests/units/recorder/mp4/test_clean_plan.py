"""What is copied and what is encoded, decided over times alone."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.mp4.clean_plan import CleanPlan, joined_sets, plan_clean
from tests.support.fakes import shown_numbers, units
from tests.support.h264_sets import pps, sets, sps


def test_a_clip_without_hidden_pictures_is_copied() -> None:
    """Nothing before 0, nothing from the end on."""
    plan = plan_clean([0, 1, 2], [1, 0, 0], 3, lambda _: True)
    assert plan == CleanPlan(0, 3, 3, 3)
    assert plan.copies_all


def test_copying_begins_at_the_first_idr_picture_that_is_shown_after_all_before() -> None:
    """Hidden keyframes, recovery points and late pictures of the GOP before do not count."""
    pts = [-3, -2, -1, 0, 1, 2, 3, 4]
    keys = [1, 0, 1, 0, 1, 0, 1, 0]
    assert plan_clean(pts, keys, 9, lambda _: True).head == 4
    assert plan_clean(pts, keys, 9, lambda index: index == 6).head == 6
    none = plan_clean(pts, keys, 9, lambda _: False)
    assert none.head == 8
    assert none.copies_none


def test_pictures_behind_the_end_are_left_out_with_what_hangs_on_them() -> None:
    """Decode order I0 P3 B1 B2 | P6(hidden) B4 B5: B4 and B5 are encoded from the keyframe on."""
    plan = plan_clean([0, 3, 1, 2, 6, 4, 5], [1, 0, 0, 0, 0, 0, 0], 6, lambda _: True)
    assert plan == CleanPlan(0, 4, 0, 7)


def test_hidden_pictures_that_nothing_refers_to_are_dropped() -> None:
    """Nothing is decoded for them."""
    assert plan_clean([0, 1, 2, 3], [1, 0, 0, 0], 3, lambda _: True) == CleanPlan(0, 3, 3, 4)


def test_an_order_no_encoder_makes_is_encoded_as_a_whole() -> None:
    """A copied picture would be shown after an encoded one that stands behind it in the file."""
    assert plan_clean([0, 3, 9, 1, 2], [1, 0, 0, 0, 0], 4, lambda _: True).copies_none


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 4), st.integers(0, 59), st.integers(1, 60))
def test_any_plan_copies_as_much_as_can_be_decoded_by_itself(
    count: int, gop: int, bframes: int, hidden: int, length: int
) -> None:
    """Nothing hidden is copied; what is copied begins at a keyframe and is shown between what is encoded."""
    stream = units(count, gop=gop, bframes=bframes)
    pts = [number - hidden for number in shown_numbers(stream)]
    plan = plan_clean(pts, [int(unit.is_keyframe) for unit in stream], length, lambda _: True)
    keys = [index for index, unit in enumerate(stream) if unit.is_keyframe]
    assert plan.head == (next((i for i in keys if pts[i] > 0), count) if hidden else 0)
    if plan.copies_none:
        return
    copied = pts[plan.head : plan.tail]
    encoded_behind = [time for time in pts[plan.tail :] if time < length]
    assert all(0 <= time < length for time in copied)
    assert max(pts[: plan.head], default=-1) < min(copied)
    assert max(copied) < min(encoded_behind, default=length)
    assert not encoded_behind or stream[plan.tail_key].is_keyframe


@pytest.mark.parametrize(("profile", "name"), [(66, "baseline"), (77, "main"), (100, "high")])
def test_sets_get_the_first_number_the_camera_does_not_use(profile: int, name: str) -> None:
    """Profile and level are the camera's."""
    joined = joined_sets(sets(sps(profile), numbers=[0, 1, 2, 4]))
    assert joined is not None
    assert (joined.number, joined.profile, joined.level, joined.aspect) == (3, name, "3.1", Fraction(0))


def test_the_shape_of_a_pixel_is_the_cameras() -> None:
    """A pixel that is twice as wide as it is high stays so."""
    joined = joined_sets(sets(sps(aspect="11" + f"{255:08b}" + f"{2:016b}" + f"{1:016b}"), pps()))
    assert joined is not None
    assert joined.aspect == 2


def test_a_level_without_a_name_is_left_to_the_encoder() -> None:
    """9 is level 1b, which encoders have other names for."""
    joined = joined_sets(sets(sps(level=9), pps()))
    assert joined is not None
    assert joined.level is None


@pytest.mark.parametrize(
    "own",
    [
        sets(sps(), sps(), pps()),
        sets(pps()),
        sets(sps(110), pps()),
        sets(sps(frames_only=False), pps()),
        sets(sps(), numbers=range(32)),
    ],
    ids=["two SPS", "no SPS", "High 10", "fields", "no free number"],
)
def test_sets_that_ours_cannot_go_beside_are_encoded_as_a_whole(own: bytes) -> None:
    """Players tell sets of one file apart by number, and all must have one size and profile."""
    assert joined_sets(own) is None
