"""A keyframe that can be decoded with nothing else in hand, however its camera sends parameter sets.

Pure.
"""

from recorder import h264
from recorder.access_unit import AccessUnit


def self_contained(unit: AccessUnit) -> bytes:
    """The data of an H.264 keyframe with its epoch's parameter sets in front, once."""
    sets = (h264.NAL_SPS, h264.NAL_PPS)
    rest = [nal for nal in h264.split_nal_units(unit.data) if h264.nal_type(nal) not in sets]
    return unit.epoch.parameter_sets + h264.annex_b(rest)
