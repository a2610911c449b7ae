"""What the recorder must know about H.264 bytes: where NAL units lie, what they hold, what their sets say.

Here: the few header fields that matter (size, profile, which sets a picture uses). Not here: framing and
bits (`nal_units`), whole units of packets (`set_tracker`), decoding, length-prefixed framing (file sources
convert at their door). Pure: no codec library, no clock. Clause numbers are those of ITU-T H.264.
"""

from collections.abc import Iterator, Sequence

from recorder import set_tracker
from recorder.nal_units import (
    START_CODE,
    BitReader,
    annex_b,
    below,
    leading_nal_units,
    possible_set,
    possible_size,
    split_nal_units,
)
from recorder.set_tracker import ParameterSet, SetKind, Syntax

__all__ = [
    "NAL_IDR",
    "NAL_PPS",
    "NAL_SPS",
    "START_CODE",
    "SYNTAX",
    "ParameterSetTracker",
    "annex_b",
    "codec_string",
    "holds_picture",
    "is_idr",
    "nal_type",
    "parameter_sets",
    "split_nal_units",
    "sps_size",
    "starts_decoding",
]

NAL_SLICE, NAL_IDR, NAL_SEI, NAL_SPS, NAL_PPS = 1, 5, 6, 7, 8
_PICTURE_TYPES = frozenset(range(1, 6))
_SEI_RECOVERY_POINT = 6
# Profiles whose SPS carries chroma format, bit depths and scaling lists (7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# Enough of a slice header to reach its parameter set id, whatever first_mb_in_slice is.
_SLICE_HEAD_BYTES = 24
# Recovery points stand among the first messages; nobody needs to walk through a megabyte of others.
_SEI_HEAD_BYTES = 16 * 1024
_MOST_SPS, _MOST_PPS = 32, 256


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type of a NAL unit without its start code."""
    return nal[0] & 0x1F


def parameter_sets(data: bytes) -> bytes | None:
    """SPS and PPS found inline in `data`, Annex B, in that order; None unless both are there."""
    nals = split_nal_units(data)
    sps = [nal for nal in nals if nal_type(nal) == NAL_SPS]
    pps = [nal for nal in nals if nal_type(nal) == NAL_PPS]
    return annex_b([*sps, *pps]) if sps and pps else None


def holds_picture(data: bytes) -> bool:
    """True where `data` has at least one slice; false for parameter sets, SEI and delimiters alone."""
    return any(nal_type(nal) in _PICTURE_TYPES for nal in split_nal_units(data))


def is_idr(data: bytes) -> bool:
    """True where the unit is an IDR picture."""
    return any(nal_type(nal) == NAL_IDR for nal in split_nal_units(data))


def starts_decoding(data: bytes) -> bool:
    """True where decoding can start: an IDR picture, or an exact recovery point.

    Some cameras and encoders with open GOPs send one IDR and then only I pictures with a recovery
    point SEI of recovery_frame_cnt 0 (D.2.8): every later picture in output order is exact.
    """
    return _starts_decoding(leading_nal_units(data, _is_picture))


def sps_size(sps: bytes | memoryview) -> tuple[int, int]:
    """Width and height in pixels, after cropping, from an SPS without start code. Raises ValueError."""
    bits = BitReader(sps[1:])
    profile = bits.read(8)
    bits.read(16)
    bits.unsigned()
    chroma_format, planes_separate = 1, False
    if profile in _HIGH_PROFILES:
        chroma_format, planes_separate = _skip_high_profile_fields(bits)
    _skip_frame_numbering(bits)
    width_mbs = bits.unsigned() + 1
    height_units = bits.unsigned() + 1
    frame_mbs_only = bits.read(1)
    if not frame_mbs_only:
        bits.read(1)
    bits.read(1)
    left = right = top = bottom = 0
    if bits.read(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    sub_width, sub_height = {1: (2, 2), 2: (2, 1)}.get(0 if planes_separate else chroma_format, (1, 1))
    height_factor = 2 - frame_mbs_only
    width = width_mbs * 16 - sub_width * (left + right)
    height = height_units * 16 * height_factor - sub_height * height_factor * (top + bottom)
    return possible_size(width, height)


def codec_string(sets: bytes) -> str:
    """The RFC 6381 name of a stream with these Annex B parameter sets, such as `avc1.640028`."""
    for nal in split_nal_units(sets):
        if nal_type(nal) == NAL_SPS and len(nal) >= 4:
            return f"avc1.{bytes(nal[1:4]).hex()}"
    msg = "The parameter sets hold no SPS."
    raise ValueError(msg)


class ParameterSetTracker(set_tracker.ParameterSetTracker):
    """The tracker of one H.264 stream."""

    def __init__(self, out_of_band: bytes = b"") -> None:
        super().__init__(SYNTAX, out_of_band)


def _starts_decoding(nals: Sequence[memoryview]) -> bool:
    for nal in nals:
        kind = nal_type(nal)
        if kind == NAL_IDR or (kind == NAL_SEI and _is_exact_recovery_point(nal)):
            return True
        if kind in _PICTURE_TYPES:
            return False
    return False


def _skip_high_profile_fields(bits: BitReader) -> tuple[int, bool]:
    """Read up to the scaling lists; returns chroma_format_idc and separate_colour_plane_flag."""
    chroma_format = bits.unsigned()
    planes_separate = bool(chroma_format == 3 and bits.read(1))
    bits.unsigned()
    bits.unsigned()
    bits.read(1)
    if bits.read(1):
        for index in range(8 if chroma_format != 3 else 12):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma_format, planes_separate


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = scale = 8
    for _ in range(size):
        if scale:
            scale = (last + bits.signed()) % 256
        last = scale or last


def _skip_frame_numbering(bits: BitReader) -> None:
    bits.unsigned()
    order_type = bits.unsigned()
    if order_type == 0:
        bits.unsigned()
    elif order_type == 1:
        bits.read(1)
        bits.signed()
        bits.signed()
        count = bits.unsigned()
        if count > 255:  # num_ref_frames_in_pic_order_cnt_cycle, 7.4.2.1.1
            msg = "The SPS asks for an impossible picture order cycle."
            raise ValueError(msg)
        for _ in range(count):
            bits.signed()
    bits.unsigned()
    bits.read(1)


def _is_picture(nal: memoryview) -> bool:
    return nal_type(nal) in _PICTURE_TYPES


def _set_in(nal: memoryview) -> ParameterSet | None:
    kind = nal_type(nal)
    if kind == NAL_SPS:
        whole = possible_set(nal)
        sps_size(whole)
        number = below(BitReader(whole[4:16]).unsigned(), _MOST_SPS)
        return ParameterSet(SetKind.SPS, number, 0, whole)
    if kind == NAL_PPS:
        whole = possible_set(nal)
        bits = BitReader(whole[1:16])
        number = below(bits.unsigned(), _MOST_PPS)
        return ParameterSet(SetKind.PPS, number, bits.unsigned(), whole)
    return None


def _pps_of_first_slice(nals: Sequence[memoryview]) -> int | None:
    for nal in nals:
        if nal_type(nal) in (NAL_SLICE, 2, NAL_IDR):
            bits = BitReader(nal[1:_SLICE_HEAD_BYTES])
            try:
                bits.unsigned()
                bits.unsigned()
                return bits.unsigned()
            except ValueError:
                return None
    return None


def _is_exact_recovery_point(sei: memoryview) -> bool:
    rbsp = bytes(sei[1:_SEI_HEAD_BYTES]).replace(b"\x00\x00\x03", b"\x00\x00")
    return any(
        kind == _SEI_RECOVERY_POINT and payload[:1] and payload[0] & 0x80  # ue(v) of 0 is a single 1 bit
        for kind, payload in _sei_messages(rbsp)
    )


def _sei_messages(rbsp: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    # What is left of one byte are the trailing bits.
    while position + 2 <= len(rbsp):
        fields = []
        for _ in range(2):  # payloadType, payloadSize: 0xFF bytes add up (7.3.2.3.1)
            value = 0
            while position < len(rbsp) and rbsp[position] == 0xFF:
                value += 255
                position += 1
            if position >= len(rbsp):
                return
            fields.append(value + rbsp[position])
            position += 1
        kind, size = fields
        yield kind, rbsp[position : position + size]
        position += size


SYNTAX = Syntax(
    needs_vps=False,
    is_picture=_is_picture,
    starts_decoding=_starts_decoding,
    set_in=_set_in,
    pps_used=_pps_of_first_slice,
    size=sps_size,
)
