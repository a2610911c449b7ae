"""H.265 bytes, checked against what libx265 really writes."""

from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest

from recorder.bitstream import h265
from recorder.bitstream.nal_units import annex_b, split_nal_units


@cache
def encoded(width: int = 320, height: int = 180, extra: str = "", frames: int = 12) -> tuple[bytes, ...]:
    """Access units as libx265 writes them, headers repeated at every keyframe."""
    context = av.CodecContext.create("libx265", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, 30)
    params = f"log-level=none:keyint=6:min-keyint=6:scenecut=0:repeat-headers=1:open-gop=0:bframes=0{extra}"
    context.options = {"preset": "ultrafast", "x265-params": params}
    units = []
    for index in range(frames):
        picture = np.full((height, width, 3), index * 20 % 256, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = index
        units += [bytes(packet) for packet in context.encode(frame)]
    return (*units, *(bytes(packet) for packet in context.encode(None)))


def nals_of(data: bytes, *kinds: int) -> bytes:
    return annex_b(nal for nal in split_nal_units(data) if h265.nal_type(nal) in kinds)


def without_sets(data: bytes) -> bytes:
    return nals_of(data, *range(32))


@pytest.mark.parametrize("extra", ["", ":temporal-layers=3", ":slices=2"])
@pytest.mark.parametrize("size", [(320, 180), (1920, 1080), (642, 364)])
def test_the_size_is_read_with_cropping(size: tuple[int, int], extra: str) -> None:
    """Neither 1080 nor 180 is a multiple of the coding block's size; sub-layers lie in front of it."""
    (sps,) = (nal for nal in split_nal_units(encoded(*size, extra, 1)[0]) if h265.nal_type(nal) == 33)
    assert h265.sps_size(sps) == size


@pytest.mark.parametrize("length", range(1, 22, 4))
def test_a_cut_sps_is_refused_with_value_error(length: int) -> None:
    """Whatever a damaged packet holds, nothing but ValueError comes out."""
    (sps,) = (nal for nal in split_nal_units(encoded()[0]) if h265.nal_type(nal) == 33)
    with pytest.raises(ValueError, match=r"ends too early|impossible|Exp-Golomb"):
        h265.sps_size(bytes(sps[:length]))


def test_keyframes_and_pictures_are_told_apart() -> None:
    """Each sixth unit starts a GOP; parameter sets alone hold no picture."""
    units = encoded()
    assert [h265.starts_decoding(unit) for unit in units] == [index % 6 == 0 for index in range(12)]
    assert all(h265.holds_picture(unit) for unit in units)
    sets = nals_of(units[0], 32, 33, 34)
    assert not h265.holds_picture(sets)
    assert h265.codec_string(sets).startswith("hvc1.1.6.L")
    with pytest.raises(ValueError, match="no SPS"):
        h265.codec_string(b"")


def test_open_gops_have_many_entry_points() -> None:
    """CRA pictures start decoding; what they show before themselves is the timeline's to drop."""
    units = encoded(320, 180, ":open-gop=1:bframes=2:b-adapt=0", 24)
    assert sum(map(h265.starts_decoding, units)) >= 3


def test_sets_in_packets_of_their_own_join_the_next_picture() -> None:
    """Nothing is lost and nothing is a unit that shows no picture."""
    first, *rest = encoded()
    tracker = h265.ParameterSetTracker()
    assert [tracker.feed(nals_of(first, kind)) for kind in (32, 33, 34)] == [None] * 3
    assert tracker.feed(without_sets(first)) == nals_of(first, 32, 33, 34) + without_sets(first)
    assert tracker.parameter_sets == nals_of(first, 32, 33, 34)
    assert tracker.size == (320, 180)
    assert [tracker.feed(unit) for unit in rest] == rest


def test_out_of_band_sets_count_until_inline_ones_differ() -> None:
    """A clean camera names its sets in the SDP only."""
    units = encoded()
    sets = nals_of(units[0], 32, 33, 34)
    tracker = h265.ParameterSetTracker(sets)
    tracker.feed(without_sets(units[0]))
    assert (tracker.parameter_sets, tracker.damaged) == (sets, 0)
    tracker.feed(encoded(640, 360)[0])
    assert tracker.size == (640, 360)


def test_a_keyframe_without_its_video_parameter_set_is_damage() -> None:
    """No decoder would take it."""
    first = encoded()[0]
    tracker = h265.ParameterSetTracker()
    tracker.feed(nals_of(first, 33, 34) + without_sets(first))
    assert (tracker.parameter_sets, tracker.damaged) == (b"", 1)
    tracker.feed(annex_b([b"\x42\x01\x01"]))
    assert tracker.damaged == 2
    tracker.feed(first)
    assert tracker.size == (320, 180)
