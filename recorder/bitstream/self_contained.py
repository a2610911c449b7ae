"""Makes keyframes decodable on their own, however the camera sends parameter sets. Pure."""

from typing import assert_never

from recorder.bitstream import h264, h265
from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.bitstream.nal_units import annex_b, split_nal_units

_H264_SETS = frozenset({h264.NAL_SPS, h264.NAL_PPS})
_H265_SETS = frozenset({h265.NAL_VPS, h265.NAL_SPS, h265.NAL_PPS})


def self_contained(unit: AccessUnit) -> bytes:
    """The data of a keyframe, preceded once by its epoch's parameter sets. A JPEG is unchanged."""
    match unit.epoch.codec:
        case Codec.MJPEG:
            return unit.data
        case Codec.H264:
            kind_of, sets = h264.nal_type, _H264_SETS
        case Codec.H265:
            kind_of, sets = h265.nal_type, _H265_SETS
        case _:
            assert_never(unit.epoch.codec)
    rest = [nal for nal in split_nal_units(unit.data) if kind_of(nal) not in sets]
    return unit.epoch.parameter_sets + annex_b(rest)
