"""H.264 bytes, checked against what libx264 really writes and against FFmpeg's own reading of it."""

from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest

from recorder.bitstream import h264


@cache
def encoded(width: int = 320, height: int = 180, extra: str = "", frames: int = 12) -> tuple[bytes, ...]:
    """Access units as libx264 writes them, headers repeated at every keyframe."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, 30)
    params = "keyint=6:min-keyint=6:scenecut=0:repeat-headers=1" + extra
    context.options = {"preset": "ultrafast", "x264-params": params}
    units = []
    for index in range(frames):
        picture = np.full((height, width, 3), index * 20 % 256, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = index
        units += [bytes(packet) for packet in context.encode(frame)]
    return (*units, *(bytes(packet) for packet in context.encode(None)))


def nals_of(data: bytes, *kinds: int) -> bytes:
    return h264.annex_b(nal for nal in h264.split_nal_units(data) if h264.nal_type(nal) in kinds)


def without_sets(data: bytes) -> bytes:
    return nals_of(data, 1, 5, 6)


def test_splitting_handles_both_start_codes_and_trailing_zeros() -> None:
    """Three- and four-byte start codes mix freely in real streams."""
    data = b"\x00\x00\x01\x67\x01\x00\x00\x00\x01\x68\x02\x00\x00\x00\x00\x01\x65\x03\x00"
    assert [bytes(nal) for nal in h264.split_nal_units(data)] == [b"\x67\x01", b"\x68\x02", b"\x65\x03"]
    assert h264.split_nal_units(b"no start code") == []
    assert h264.split_nal_units(b"\x00\x00\x01") == []


@pytest.mark.parametrize("extra", ["", ":bframes=0", ":interlaced=1", ":slices=4"])
@pytest.mark.parametrize("size", [(320, 180), (1920, 1080), (642, 364)])
def test_the_size_is_read_with_cropping(size: tuple[int, int], extra: str) -> None:
    """1080 is no multiple of 16, so every full-HD camera depends on this."""
    unit = encoded(*size, extra, 1)[0]
    (sps,) = (nal for nal in h264.split_nal_units(unit) if h264.nal_type(nal) == h264.NAL_SPS)
    assert h264.sps_size(sps) == size


def test_the_size_is_read_behind_scaling_lists() -> None:
    """High-profile streams may carry custom matrices in front of the size."""
    unit = encoded(320, 180, ":cqm=jvt:8x8dct=1", 1)[0]
    (sps,) = (nal for nal in h264.split_nal_units(unit) if h264.nal_type(nal) == h264.NAL_SPS)
    assert h264.sps_size(sps) == (320, 180)


@pytest.mark.parametrize("length", range(1, 8))
def test_a_cut_sps_is_refused_with_value_error(length: int) -> None:
    """Whatever a damaged packet holds, nothing but ValueError comes out."""
    with pytest.raises(ValueError, match=r"ends too early|impossible|Exp-Golomb"):
        h264.sps_size(b"\x67\x42\xc0\x0d\xda\x05\x07\xe8\x40\x00\x00"[:length])


def test_keyframes_and_pictures_are_told_apart() -> None:
    """Each sixth unit starts a GOP; parameter sets alone hold no picture."""
    units = encoded()
    assert [h264.is_idr(unit) for unit in units] == [index % 6 == 0 for index in range(12)]
    assert [h264.starts_decoding(unit) for unit in units] == [index % 6 == 0 for index in range(12)]
    assert all(h264.holds_picture(unit) for unit in units)
    sets = h264.parameter_sets(units[0])
    assert sets is not None
    assert not h264.holds_picture(sets)
    assert h264.parameter_sets(units[1]) is None
    assert h264.codec_string(sets).startswith("avc1.42")


def test_an_exact_recovery_point_starts_decoding() -> None:
    """Open GOPs have one IDR only; the later I pictures are entry points all the same."""
    units = encoded(320, 180, ":open-gop=1:bframes=2:b-adapt=0", 24)
    assert sum(map(h264.is_idr, units)) == 1
    assert sum(map(h264.starts_decoding, units)) >= 3


@pytest.mark.parametrize("extra", ["", ":nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900"])
def test_the_tracker_says_where_decoding_can_start(extra: str) -> None:
    """As it looks at each unit anyway: with sets and messages in front of it, or in packets of their own."""
    units = encoded(320, 180, ":open-gop=1:bframes=2:b-adapt=0" + extra, 24)
    inline, apart = h264.ParameterSetTracker(), h264.ParameterSetTracker()
    said = []
    for unit in units:
        assert inline.feed(unit) == unit
        assert apart.feed(nals_of(unit, 6, 7, 8)) is None
        assert apart.feed(nals_of(unit, 1, 5)) is not None
        said.append((inline.starts_decoding, apart.starts_decoding))
    assert said == [(h264.starts_decoding(unit),) * 2 for unit in units]
    assert 3 <= sum(starts for starts, _ in said) < 24


def test_sets_in_packets_of_their_own_join_the_next_picture() -> None:
    """Nothing is lost and nothing is a unit that shows no picture."""
    first, *rest = encoded()
    tracker = h264.ParameterSetTracker()
    assert tracker.feed(nals_of(first, 7)) is None
    assert tracker.feed(nals_of(first, 8)) is None
    assert tracker.feed(without_sets(first)) == nals_of(first, 7) + nals_of(first, 8) + without_sets(first)
    assert tracker.parameter_sets == h264.parameter_sets(first)
    assert tracker.size == (320, 180)
    assert [tracker.feed(unit) for unit in rest] == rest


def test_out_of_band_sets_count_until_inline_ones_differ() -> None:
    """A clean camera names its sets in the SDP only."""
    units = encoded()
    sets = h264.parameter_sets(units[0])
    assert sets is not None
    tracker = h264.ParameterSetTracker(sets)
    assert tracker.feed(without_sets(units[0])) == without_sets(units[0])
    assert tracker.parameter_sets == sets
    assert tracker.damaged == 0
    tracker.feed(encoded(640, 360)[0])
    assert tracker.size == (640, 360)


def test_equal_content_sent_differently_is_equal() -> None:
    """Otherwise each repetition would end the clip that is being recorded."""
    first = encoded()[0]
    inline, apart = h264.ParameterSetTracker(), h264.ParameterSetTracker()
    inline.feed(first)
    apart.feed(nals_of(first, 8))
    apart.feed(nals_of(first, 7) + nals_of(first, 7))
    apart.feed(without_sets(first))
    assert inline.parameter_sets == apart.parameter_sets


def test_new_sets_count_from_the_next_keyframe_on() -> None:
    """Sets that arrive ahead of their keyframe say nothing about the pictures still to come before it."""
    units, others = encoded(), encoded(640, 360)
    tracker = h264.ParameterSetTracker()
    tracker.feed(units[0])
    tracker.feed(nals_of(others[0], 7, 8))
    tracker.feed(units[1])
    assert tracker.size == (320, 180)
    tracker.feed(without_sets(others[0]))
    assert tracker.size == (640, 360)


def test_damage_is_counted_and_survived() -> None:
    """A keyframe without its sets, a cut SPS and an endless row of SEI each cost a count, not the stream."""
    units = encoded()
    tracker = h264.ParameterSetTracker()
    tracker.feed(without_sets(units[0]))
    assert (tracker.parameter_sets, tracker.damaged) == (b"", 1)
    tracker.feed(h264.annex_b([b"\x67\x42"]))
    assert tracker.damaged == 2
    tracker.feed(h264.annex_b([b"\x06" + b"\x01" * 300_000]))
    assert tracker.damaged == 3
    assert tracker.feed(units[0]) == units[0]
    assert tracker.size == (320, 180)
