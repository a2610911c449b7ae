"""Makes the video by which the page finds out if a browser honours edit lists (`web/clip/edit_lists.js`).

Run `python -m tests.support.edit_list_probe`: it prints the video as the page holds it. Four pictures of 16
by 16 pixels, a quarter of a second each: two dark ones, which the edit list hides, then two bright ones. The
first picture tells. The length does not: Firefox takes it from the list at first, but plays everything.
"""

import struct
from base64 import b64encode
from fractions import Fraction

import av
import numpy as np

from recorder.bitstream import h264

TICKS_PER_S = 90_000
FRAME_TICKS = TICKS_PER_S // 4
SHOWN, HIDDEN = 2, 2
SIDE = 16
DARK, BRIGHT = 40, 215
_MATRIX = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_UNDEFINED_LANGUAGE = 0x55C4


def probe() -> bytes:
    """The file."""
    pictures = _pictures()
    nals = [nal for picture in pictures for nal in picture]
    sps = next(nal for nal in nals if h264.nal_type(nal) == h264.NAL_SPS)
    pps = next(nal for nal in nals if h264.nal_type(nal) == h264.NAL_PPS)
    samples = [
        b"".join(_sized(nal) for nal in picture if h264.nal_type(nal) in (1, 5)) for picture in pictures
    ]
    ftyp = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomavc1")
    size = len(ftyp) + len(_moov(sps, pps, samples, 0)) + 8
    return ftyp + _moov(sps, pps, samples, size) + _box(b"mdat", *samples)


def _pictures() -> list[list[memoryview]]:
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width = codec.height = SIDE
    codec.pix_fmt = "yuv420p"
    codec.framerate = Fraction(4)
    codec.options = {
        "preset": "veryslow",
        "profile": "baseline",
        "x264-params": "keyint=4:bframes=0:threads=1",
    }
    packets = []
    for number in range(SHOWN + HIDDEN):
        grey = DARK if number < HIDDEN else BRIGHT
        frame = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), grey, np.uint8), "bgr24")
        frame.pts = number
        packets += codec.encode(frame)
    packets += codec.encode(None)
    return [h264.split_nal_units(bytes(packet)) for packet in packets]


def _moov(sps: memoryview, pps: memoryview, samples: list[bytes], media_at: int) -> bytes:
    shown, whole = SHOWN * FRAME_TICKS, len(samples) * FRAME_TICKS
    config = struct.pack(">B3sBB", 1, bytes(sps[1:4]), 0xFF, 0xE1)
    avc1 = _box(
        b"avc1",
        struct.pack(">6xH16xHHIIIH32xHh", 1, SIDE, SIDE, 72 << 16, 72 << 16, 0, 1, 24, -1),
        _box(b"avcC", config, _with_length(sps), b"\x01", _with_length(pps)),
    )
    table = (
        _full(b"stsd", struct.pack(">I", 1), avc1),
        _full(b"stts", struct.pack(">III", 1, len(samples), FRAME_TICKS)),
        _full(b"stss", struct.pack(">II", 1, 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, len(samples), 1)),
        _full(b"stsz", struct.pack(f">II{len(samples)}I", 0, len(samples), *map(len, samples))),
        _full(b"stco", struct.pack(">II", 1, media_at)),
    )
    data_information = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
    media = (
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, TICKS_PER_S, whole, _UNDEFINED_LANGUAGE, 0)),
        _full(b"hdlr", struct.pack(">4x4s12xx", b"vide")),
        _box(b"minf", _full(b"vmhd", bytes(8), flags=1), data_information, _box(b"stbl", *table)),
    )
    track = struct.pack(">IIIII8xhhhH", 0, 0, 1, 0, shown, 0, 0, 0, 0) + _MATRIX
    edit = struct.pack(">IIiI", 1, shown, HIDDEN * FRAME_TICKS, 1 << 16)
    movie = struct.pack(">IIIIIH10x", 0, 0, TICKS_PER_S, shown, 1 << 16, 1 << 8) + _MATRIX + bytes(24)
    return _box(
        b"moov",
        _full(b"mvhd", movie, struct.pack(">I", 2)),
        _box(
            b"trak",
            _full(b"tkhd", track, struct.pack(">II", SIDE << 16, SIDE << 16), flags=3),
            _box(b"edts", _full(b"elst", edit)),
            _box(b"mdia", *media),
        ),
    )


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _full(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *content)


def _sized(nal: memoryview) -> bytes:
    return struct.pack(">I", len(nal)) + bytes(nal)


def _with_length(nal: memoryview) -> bytes:
    return struct.pack(">H", len(nal)) + bytes(nal)


if __name__ == "__main__":
    print(b64encode(probe()).decode())
