"""What the recorder must know about H.264 bytes: where NAL units lie, what they hold, what their sets say.

Here: splitting Annex B, the few header fields that matter (size, profile, which sets a picture uses),
and the tracker that turns a camera's packets into whole access units with their parameter sets.
Not here: decoding, and length-prefixed framing (file sources convert at their door). Pure: no codec
library, no clock. Clause numbers are those of ITU-T H.264.
"""

from collections.abc import Iterable, Iterator

START_CODE = b"\x00\x00\x00\x01"

NAL_SLICE, NAL_IDR, NAL_SEI, NAL_SPS, NAL_PPS = 1, 5, 6, 7, 8
_PICTURE_TYPES = frozenset(range(1, 6))
_SEI_RECOVERY_POINT = 6
# Profiles whose SPS carries chroma format, bit depths and scaling lists (7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# Enough of a slice header to reach its parameter set id, whatever first_mb_in_slice is.
_SLICE_HEAD_BYTES = 24
_MAX_HELD_BYTES = 256 * 1024


def split_nal_units(data: bytes) -> list[memoryview]:
    """The NAL units of Annex B `data` without start codes or trailing zeros, as views of it."""
    view = memoryview(data)
    units: list[memoryview] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        following = data.find(b"\x00\x00\x01", start)
        end = len(data) if following < 0 else following
        while end > start and data[end - 1] == 0:  # a four-byte start code, or trailing_zero_8bits
            end -= 1
        if end > start:
            units.append(view[start:end])
        start = following
    return units


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type of a NAL unit without its start code."""
    return nal[0] & 0x1F


def annex_b(nals: Iterable[bytes | memoryview]) -> bytes:
    """NAL units as Annex B with four-byte start codes."""
    return b"".join(START_CODE + bytes(nal) for nal in nals)


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
    for nal in split_nal_units(data):
        kind = nal_type(nal)
        if kind == NAL_IDR or (kind == NAL_SEI and _is_exact_recovery_point(nal)):
            return True
        if kind in _PICTURE_TYPES:
            return False
    return False


def sps_size(sps: bytes | memoryview) -> tuple[int, int]:
    """Width and height in pixels, after cropping, from an SPS without start code. Raises ValueError."""
    bits = _Bits(sps[1:])
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
    if not (0 < width <= 16384 and 0 < height <= 16384):
        msg = f"The SPS gives an impossible picture size of {width}x{height}."
        raise ValueError(msg)
    return width, height


def codec_string(sets: bytes) -> str:
    """The RFC 6381 name of a stream with these Annex B parameter sets, such as `avc1.640028`."""
    for nal in split_nal_units(sets):
        if nal_type(nal) == NAL_SPS and len(nal) >= 4:
            return f"avc1.{bytes(nal[1:4]).hex()}"
    msg = "The parameter sets hold no SPS."
    raise ValueError(msg)


class ParameterSetTracker:
    """Makes whole access units of packets, and knows the parameter sets the current GOP uses.

    Cameras send SPS and PPS out of band only, inline, or as packets of their own, and may change them
    at any keyframe. Feed every packet in order; what holds no picture is kept and put in front of the
    next one. `parameter_sets` changes only at a unit where decoding can start, and is equal for equal
    content however it was sent.
    """

    def __init__(self, out_of_band: bytes = b"") -> None:
        """`out_of_band`: Annex B parameter sets known before the first packet (from SDP), if any."""
        self.parameter_sets = b""
        """SPS and the PPS that refer to it, Annex B; empty while unknown."""
        self.size = (0, 0)
        """Width and height in pixels; (0, 0) while unknown."""
        self.damaged = 0
        """Parameter sets that could not be read and packets without picture that had to be dropped."""
        self._sps: dict[int, bytes] = {}
        self._pps: dict[int, tuple[int, bytes]] = {}
        self._held = b""
        self._learn(split_nal_units(out_of_band))
        if self._pps:
            self._use(min(self._pps))

    def feed(self, data: bytes) -> bytes | None:
        """The access unit that `data` completes, or None where it holds no picture yet."""
        nals = split_nal_units(data)
        self._learn(nals)
        if not any(nal_type(nal) in _PICTURE_TYPES for nal in nals):
            self._held += data
            if len(self._held) > _MAX_HELD_BYTES:
                self._held = b""
                self.damaged += 1
            return None
        unit = self._held + data
        self._held = b""
        if starts_decoding(unit):
            self._use(_pps_of_first_slice(nals))
        return unit

    def _learn(self, nals: list[memoryview]) -> None:
        for nal in nals:
            kind = nal_type(nal)
            if kind not in (NAL_SPS, NAL_PPS):
                continue
            try:
                if kind == NAL_SPS:
                    sps_size(nal)
                    self._sps[_sps_id(nal)] = bytes(nal)
                else:
                    pps_id, sps_id = _pps_ids(nal)
                    self._pps[pps_id] = (sps_id, bytes(nal))
            except ValueError:
                self.damaged += 1

    def _use(self, pps_id: int | None) -> None:
        sps_id, _ = self._pps.get(-1 if pps_id is None else pps_id, (-1, b""))
        sps = self._sps.get(sps_id)
        if sps is None:
            self.damaged += 1
            return
        companions = [pps for _, (owner, pps) in sorted(self._pps.items()) if owner == sps_id]
        self.parameter_sets = annex_b([sps, *companions])
        self.size = sps_size(sps)


class _Bits:
    """An RBSP read bit by bit, emulation prevention removed (7.4.1.1). ValueError behind its end."""

    def __init__(self, payload: bytes | memoryview) -> None:
        raw = bytes(payload).replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(raw, "big")
        self._left = len(raw) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            msg = "The NAL unit ends too early."
            raise ValueError(msg)
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """ue(v), 9.1."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > 32:
                msg = "An Exp-Golomb code is longer than any field may be."
                raise ValueError(msg)
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> int:
        """se(v), 9.1.1."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def _skip_high_profile_fields(bits: _Bits) -> tuple[int, bool]:
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


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = scale = 8
    for _ in range(size):
        if scale:
            scale = (last + bits.signed()) % 256
        last = scale or last


def _skip_frame_numbering(bits: _Bits) -> None:
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


def _sps_id(sps: memoryview) -> int:
    bits = _Bits(sps[4:16])
    return bits.unsigned()


def _pps_ids(pps: memoryview) -> tuple[int, int]:
    """pic_parameter_set_id and the seq_parameter_set_id it refers to."""
    bits = _Bits(pps[1:16])
    return bits.unsigned(), bits.unsigned()


def _pps_of_first_slice(nals: list[memoryview]) -> int | None:
    for nal in nals:
        if nal_type(nal) in (NAL_SLICE, 2, NAL_IDR):
            bits = _Bits(nal[1:_SLICE_HEAD_BYTES])
            try:
                bits.unsigned()
                bits.unsigned()
                return bits.unsigned()
            except ValueError:
                return None
    return None


def _is_exact_recovery_point(sei: memoryview) -> bool:
    return any(
        kind == _SEI_RECOVERY_POINT and payload[:1] and payload[0] & 0x80  # ue(v) of 0 is a single 1 bit
        for kind, payload in _sei_messages(bytes(sei[1:]).replace(b"\x00\x00\x03", b"\x00\x00"))
    )


def _sei_messages(rbsp: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 2 <= len(rbsp) and rbsp[position:] != b"\x80":
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
