"""What is copied and what is encoded, decided over times alone."""

from fractions import Fraction

from recorder import h264
from recorder.clean_plan import CleanPlan, joined_sets, plan_clean
from recorder.nal_units import annex_b
from tests.support.media import Camera, encode


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


def test_sets_get_the_first_number_the_camera_does_not_use() -> None:
    """Profile and level are the camera's."""
    sets = annex_b([*sets_of(Camera())])
    joined = joined_sets(sets)
    assert joined is not None
    assert (joined.number, joined.profile, joined.aspect) == (1, "high", Fraction(0))
    assert joined.level is not None


def test_two_sps_or_an_unknown_profile_cannot_be_joined() -> None:
    """High 10 and several sets are encoded as a whole."""
    sps, pps = sets_of(Camera())
    assert joined_sets(annex_b([sps, sps, pps])) is None
    assert joined_sets(annex_b([sps[:1] + b"\x6e" + sps[2:], pps])) is None


def sets_of(camera: Camera) -> tuple[bytes, bytes]:
    """SPS and PPS of a camera."""
    nals = [bytes(nal) for nal in h264.split_nal_units(encode(camera, 1)[0][0])]
    kinds = {h264.nal_type(nal): nal for nal in nals}
    return kinds[h264.NAL_SPS], kinds[h264.NAL_PPS]
