"""Parses the H.264 headers the recorder needs: NAL unit types, parameter sets, random access points.

Here: the few header fields that matter (size, profile, the parameter sets a picture uses). Not here: framing
and bits (`nal_units`), assembling access units (`parameter_sets`), decoding, length-prefixed framing (file
sources convert it). Pure: no codec library, no clock. Clause numbers are those of ITU-T H.264.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from recorder.bitstream.nal_units import (
    START_CODE,
    BitReader,
    annex_b,
    below,
    leading_nal_units,
    possible_set,
    possible_size,
    split_nal_units,
)
from recorder.bitstream.parameter_sets import ParameterSet, SetKind, Syntax
from recorder.bitstream.parameter_sets import ParameterSetTracker as AnyTracker

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
    "set_numbers",
    "split_nal_units",
    "sps_facts",
    "sps_size",
    "starts_decoding",
]

NAL_SLICE, NAL_IDR, NAL_SEI, NAL_SPS, NAL_PPS = 1, 5, 6, 7, 8
_FIRST_PICTURE_TYPE, _LAST_PICTURE_TYPE = NAL_SLICE, NAL_IDR
_SEI_RECOVERY_POINT = 6
# Profiles whose SPS has chroma format, bit depths and scaling lists (7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# Enough of a slice header to reach its parameter set id, for any first_mb_in_slice.
_SLICE_HEAD_BYTES = 24
# Recovery points are among the first SEI messages; do not walk through a megabyte of others.
_SEI_HEAD_BYTES = 16 * 1024
_MOST_SPS, _MOST_PPS = 32, 256
_ASPECTS = dict(
    enumerate(
        (
            *((1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11)),
            *((80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1)),
        ),
        start=1,
    )
)
"""Sample aspect ratio by aspect_ratio_idc (table E-1)."""


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type of a NAL unit without its start code."""
    return nal[0] & 0x1F


def parameter_sets(data: bytes) -> bytes | None:
    """SPS and PPS found inline in `data`, as Annex B, in that order; None unless both are present."""
    nals = split_nal_units(data)
    sps = [nal for nal in nals if nal_type(nal) == NAL_SPS]
    pps = [nal for nal in nals if nal_type(nal) == NAL_PPS]
    return annex_b([*sps, *pps]) if sps and pps else None


def holds_picture(data: bytes) -> bool:
    """Whether `data` has at least one slice, not only parameter sets, SEI and delimiters."""
    return any(_is_picture(nal) for nal in split_nal_units(data))


def is_idr(data: bytes) -> bool:
    """Whether the unit is an IDR picture."""
    return any(nal_type(nal) == NAL_IDR for nal in split_nal_units(data))


def starts_decoding(data: bytes) -> bool:
    """Whether decoding can start here: at an IDR picture or an exact recovery point.

    Some cameras and encoders with open GOPs send one IDR and then only I pictures with a recovery
    point SEI of recovery_frame_cnt 0 (D.2.8): every later picture in output order is exact.
    """
    return _starts_decoding(leading_nal_units(data, _is_picture))


@dataclass(frozen=True, slots=True)
class SpsFacts:
    """The picture properties in an SPS, in pixels; cropping is left, right, top, bottom."""

    profile: int
    level: int
    chroma_format: int
    bit_depth: int
    coded_width: int
    coded_height: int
    frames_only: bool
    cropping: tuple[int, int, int, int]
    aspect: Fraction
    """Sample aspect ratio; 0 if unspecified."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height after cropping."""
        left, right, top, bottom = self.cropping
        return self.coded_width - left - right, self.coded_height - top - bottom

    @property
    def is_plain(self) -> bool:
        """Whether it is 8-bit 4:2:0, progressive, of even size, and coded without excess macroblocks."""
        width, height = self.size
        usual = (self.chroma_format, self.bit_depth, self.frames_only) == (1, 8, True)
        needed = (-(-width // 16) * 16, -(-height // 16) * 16)
        even = width % 2 == height % 2 == 0
        coded = (self.coded_width, self.coded_height)
        return usual and even and coded == needed and not any(self.cropping[::2])


def sps_facts(sps: bytes | memoryview) -> SpsFacts:
    """Read an SPS without start code (7.3.2.1.1). Raises ValueError."""
    bits = BitReader(sps[1:])
    profile = bits.read(8)
    bits.read(8)
    level = bits.read(8)
    bits.unsigned()
    chroma_format, planes_separate, bit_depth = 1, False, 8
    if profile in _HIGH_PROFILES:
        chroma_format, planes_separate, bit_depth = _high_profile_fields(bits)
    _skip_frame_numbering(bits)
    width_mbs = bits.unsigned() + 1
    height_units = bits.unsigned() + 1
    frames_only = bits.read(1)
    if not frames_only:
        bits.read(1)
    bits.read(1)
    left = right = top = bottom = 0
    if bits.read(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    sub_width, sub_height = {1: (2, 2), 2: (2, 1)}.get(0 if planes_separate else chroma_format, (1, 1))
    height_factor = 2 - frames_only
    sub_height *= height_factor
    return SpsFacts(
        profile=profile,
        level=level,
        chroma_format=chroma_format,
        bit_depth=bit_depth,
        coded_width=width_mbs * 16,
        coded_height=height_units * 16 * height_factor,
        frames_only=bool(frames_only),
        cropping=(sub_width * left, sub_width * right, sub_height * top, sub_height * bottom),
        aspect=_aspect(bits),
    )


def sps_size(sps: bytes | memoryview) -> tuple[int, int]:
    """Width and height in pixels, after cropping, from an SPS without start code. Raises ValueError."""
    return possible_size(*sps_facts(sps).size)


def set_numbers(data: bytes) -> frozenset[int]:
    """The ids of the SPS and PPS in Annex B `data`; unreadable sets are skipped."""
    found = set()
    for nal in leading_nal_units(data, _is_picture):
        with suppress(ValueError):
            if (parameter_set := _set_in(nal)) is not None:
                found.add(parameter_set.number)
    return frozenset(found)


def codec_string(sets: bytes) -> str:
    """The RFC 6381 name of a stream with these Annex B parameter sets, such as `avc1.640028`."""
    for nal in split_nal_units(sets):
        if nal_type(nal) == NAL_SPS and len(nal) >= 4:
            return f"avc1.{bytes(nal[1:4]).hex()}"
    msg = "The parameter sets hold no SPS."
    raise ValueError(msg)


class ParameterSetTracker(AnyTracker):
    """A parameter set tracker for one H.264 stream."""

    def __init__(self, out_of_band: bytes = b"") -> None:
        super().__init__(SYNTAX, out_of_band)


def _starts_decoding(nals: Sequence[memoryview]) -> bool:
    for nal in nals:
        kind = nal_type(nal)
        if kind == NAL_IDR or (kind == NAL_SEI and _is_exact_recovery_point(nal)):
            return True
        if _FIRST_PICTURE_TYPE <= kind <= _LAST_PICTURE_TYPE:
            return False
    return False


def _aspect(bits: BitReader) -> Fraction:
    """Sample aspect ratio from the optional VUI (E.1.1); 0 if it is missing."""
    with suppress(ValueError):
        if bits.read(1) and bits.read(1):
            number = bits.read(8)
            width, height = (bits.read(16), bits.read(16)) if number == 255 else _ASPECTS.get(number, (0, 1))
            return Fraction(width, height) if height else Fraction(0)
    return Fraction(0)


def _high_profile_fields(bits: BitReader) -> tuple[int, bool, int]:
    """Read through the scaling lists: chroma_format_idc, separate_colour_plane_flag, larger bit depth."""
    chroma_format = bits.unsigned()
    planes_separate = bool(chroma_format == 3 and bits.read(1))
    bit_depth = 8 + max(bits.unsigned(), bits.unsigned())
    bits.read(1)
    if bits.read(1):
        for index in range(8 if chroma_format != 3 else 12):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma_format, planes_separate, bit_depth


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
    return _FIRST_PICTURE_TYPE <= nal[0] & 0x1F <= _LAST_PICTURE_TYPE


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
    payload = bytes(sei[1:_SEI_HEAD_BYTES])
    if _SEI_RECOVERY_POINT not in payload:  # the message type is a byte with this value
        return False
    rbsp = payload.replace(b"\x00\x00\x03", b"\x00\x00")
    return any(
        kind == _SEI_RECOVERY_POINT and message[:1] and message[0] & 0x80  # ue(v) of 0 is a single 1 bit
        for kind, message in _sei_messages(rbsp)
    )


def _sei_messages(rbsp: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    # A single remaining byte holds the trailing bits.
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
