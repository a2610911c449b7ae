"""Reads and writes AAC configurations and ADTS headers, and provides frames of silence.

Here: everything about AAC that needs no decoding (ISO 14496-3, 1.6.2 and 1.A.2). Not here: decoding, encoding
(`sources/aac_frames`). Pure.
"""

from typing import NamedTuple

from recorder.bitstream.audio_unit import AudioFormat

SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
MAX_FRAME_BYTES = 2 * 6144 // 8
"""A frame may hold 6144 bits per channel."""
_LC = 2
_SBR = (5, 29)
_ESCAPE = 31
# One channel or one channel pair with an empty spectrum: decodes to zeros at any sample rate.
_SILENCE = {
    1: bytes.fromhex("00c800802380"),
    2: bytes.fromhex("210049900219002380"),
}


class _Bits:
    """Reads a byte string bit by bit, most significant bit first. Raises ValueError at its end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("The AAC configuration is cut off")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1


def format_of(config: bytes) -> AudioFormat:
    """The format an AudioSpecificConfig describes. Raises ValueError if it is damaged or unsupported."""
    bits = _Bits(config)
    kind, rate_hz, channels = _object_type(bits), _rate(bits), bits.take(4)
    if kind in _SBR:
        _rate(bits)
        kind = _object_type(bits)
    if kind != _LC:
        raise ValueError(f"Only AAC-LC and HE-AAC are taken, not object type {kind}")
    if channels not in _SILENCE or rate_hz not in SAMPLE_RATES or bits.take(1):
        raise ValueError(f"AAC of {rate_hz} Hz in channel configuration {channels} is not taken")
    return AudioFormat(rate_hz, channels, config)


class Adts(NamedTuple):
    """A frame without its ADTS header."""

    format: AudioFormat
    frame: bytes


def from_adts(data: bytes) -> Adts:
    """Strip the header. Raises ValueError if it is malformed or holds several frames."""
    if len(data) < 7 or data[0] != 0xFF or data[1] & 0xF6 != 0xF0:
        raise ValueError("An AAC packet has no ADTS header.")
    head = 7 if data[1] & 1 else 9
    length = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
    rate, channels = data[2] >> 2 & 15, (data[2] & 1) << 2 | data[3] >> 6
    if not head < length <= len(data) or data[6] & 3:
        raise ValueError("The ADTS header of an AAC packet is damaged.")
    config = ((data[2] >> 6) + 1) << 11 | rate << 7 | channels << 3
    return Adts(format_of(config.to_bytes(2, "big")), data[head:length])


def with_adts(audio_format: AudioFormat, frame: bytes) -> bytes:
    """`frame` with an ADTS header, from which an MP4 muxer takes the configuration."""
    rate, channels = SAMPLE_RATES.index(audio_format.sample_rate_hz), audio_format.channels
    length = len(frame) + 7
    head = (
        0xFF,
        0xF1,
        _LC - 1 << 6 | rate << 2 | channels >> 2,
        (channels & 3) << 6 | length >> 11,
        length >> 3 & 0xFF,
        (length & 7) << 5 | 0x1F,
        0xFC,
    )
    return bytes(head) + frame


def silence(audio_format: AudioFormat) -> bytes:
    """A frame of silence."""
    return _SILENCE[audio_format.channels]


def _object_type(bits: _Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == _ESCAPE else kind


def _rate(bits: _Bits) -> int:
    index = bits.take(4)
    if index == 15:
        return bits.take(24)
    return SAMPLE_RATES[index] if index < len(SAMPLE_RATES) else 0
