"""Parses the H.265 headers the recorder needs: NAL unit types, parameter sets, random access points.

The counterpart of `h264`. Not here: framing and bits (`nal_units`), assembling access units
(`parameter_sets`), decoding. Pure. Clause numbers are those of ITU-T H.265.
"""

from collections.abc import Sequence

from recorder.bitstream import parameter_sets
from recorder.bitstream.nal_units import (
    BitReader,
    below,
    leading_nal_units,
    possible_set,
    possible_size,
    split_nal_units,
)
from recorder.bitstream.parameter_sets import ParameterSet, SetKind, Syntax

NAL_VPS, NAL_SPS, NAL_PPS = 32, 33, 34
_VCL_TYPES = range(32)  # 7.4.2.2, table 7-1
_IRAP_TYPES = range(16, 24)  # BLA, IDR and CRA pictures
_HEADER_BYTES = 2
# Enough of a slice header to reach its parameter set id.
_SLICE_HEAD_BYTES = 16
_MOST_SPS, _MOST_PPS = 16, 64


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type of a NAL unit without its start code."""
    return nal[0] >> 1 & 0x3F


def holds_picture(data: bytes) -> bool:
    """Whether `data` has at least one slice."""
    return any(_is_picture(nal) for nal in split_nal_units(data))


def starts_decoding(data: bytes) -> bool:
    """Whether decoding can start here: at an IDR, BLA or CRA picture.

    The leading pictures of a CRA picture are dropped at the start of a run (`timeline`), as 8.1.3 requires.
    """
    return _starts_decoding(leading_nal_units(data, _is_picture))


def sps_size(sps: bytes | memoryview) -> tuple[int, int]:
    """Width and height in pixels, after cropping, from an SPS without start code. Raises ValueError."""
    return _read_sps(sps)[1]


def codec_string(sets: bytes) -> str:
    """The RFC 6381 name of a stream with these Annex B sets, such as `hvc1.1.6.L93.90` (14496-15 E.3)."""
    for nal in split_nal_units(sets):
        if nal_type(nal) == NAL_SPS:
            bits = BitReader(nal[_HEADER_BYTES:])
            bits.read(8)
            space, tier, profile = bits.read(2), bits.read(1), bits.read(5)
            compatible = int(f"{bits.read(32):032b}"[::-1], 2)
            constraints = bits.read(48).to_bytes(6, "big").rstrip(b"\0")
            level = bits.read(8)
            parts = [f"hvc1.{('', 'A', 'B', 'C')[space]}{profile}", f"{compatible:X}", f"{'LH'[tier]}{level}"]
            return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])
    msg = "The parameter sets hold no SPS."
    raise ValueError(msg)


class ParameterSetTracker(parameter_sets.ParameterSetTracker):
    """A parameter set tracker for one H.265 stream."""

    def __init__(self, out_of_band: bytes = b"") -> None:
        super().__init__(SYNTAX, out_of_band)


def _is_picture(nal: memoryview) -> bool:
    return nal_type(nal) in _VCL_TYPES


def _starts_decoding(nals: Sequence[memoryview]) -> bool:
    return next((nal_type(nal) in _IRAP_TYPES for nal in nals if _is_picture(nal)), False)


def _set_in(nal: memoryview) -> ParameterSet | None:
    kind = nal_type(nal)
    if kind == NAL_VPS:
        whole = possible_set(nal)
        return ParameterSet(SetKind.VPS, BitReader(whole[_HEADER_BYTES:]).read(4), 0, whole)
    if kind == NAL_SPS:
        whole = possible_set(nal)
        number, _ = _read_sps(whole)
        return ParameterSet(SetKind.SPS, below(number, _MOST_SPS), whole[_HEADER_BYTES] >> 4, whole)
    if kind == NAL_PPS:
        whole = possible_set(nal)
        bits = BitReader(whole[_HEADER_BYTES:16])
        return ParameterSet(SetKind.PPS, below(bits.unsigned(), _MOST_PPS), bits.unsigned(), whole)
    return None


def _read_sps(sps: bytes | memoryview) -> tuple[int, tuple[int, int]]:
    """sps_seq_parameter_set_id and the size (7.3.2.2.1). Raises ValueError."""
    bits = BitReader(sps[_HEADER_BYTES:])
    bits.read(4)
    sub_layers = bits.read(3)
    bits.read(1)
    _skip_profile_tier_level(bits, sub_layers)
    number = bits.unsigned()
    chroma_format = bits.unsigned()
    planes_separate = chroma_format == 3 and bits.read(1)
    width, height = bits.unsigned(), bits.unsigned()
    left = right = top = bottom = 0
    if bits.read(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    sub_width, sub_height = {1: (2, 2), 2: (2, 1)}.get(0 if planes_separate else chroma_format, (1, 1))
    return number, possible_size(width - sub_width * (left + right), height - sub_height * (top + bottom))


def _skip_profile_tier_level(bits: BitReader, sub_layers: int) -> None:
    """7.3.3 with profilePresentFlag 1; `sub_layers` is max_sub_layers_minus1."""
    bits.read(88)
    bits.read(8)
    present = [(bits.read(1), bits.read(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.read(2 * (8 - sub_layers))
    for profile, level in present:
        bits.read(88 * profile + 8 * level)


def _pps_of_first_slice(nals: Sequence[memoryview]) -> int | None:
    for nal in nals:
        if _is_picture(nal):
            bits = BitReader(nal[_HEADER_BYTES:_SLICE_HEAD_BYTES])
            try:
                bits.read(2 if nal_type(nal) in _IRAP_TYPES else 1)
                return bits.unsigned()
            except ValueError:
                return None
    return None


SYNTAX = Syntax(
    needs_vps=True,
    is_picture=_is_picture,
    starts_decoding=_starts_decoding,
    set_in=_set_in,
    pps_used=_pps_of_first_slice,
    size=sps_size,
)
