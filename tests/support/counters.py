"""Which frames a stretch of video really shows: decoded by FFmpeg, read by the test card's counter."""

from collections.abc import Iterable

import av

from recorder.bitstream.access_unit import Codec
from recorder.sources.test_picture.test_card import read_counter

_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}


def counters_of(
    units: Iterable[bytes], parameter_sets: bytes = b"", codec: Codec = Codec.H264
) -> list[int | None]:
    """The counter of every picture in these access units, in display order (None: unreadable).

    `parameter_sets`: Annex B, for streams that do not repeat them inline.
    """
    decoder = av.CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    if parameter_sets:
        decoder.extradata = parameter_sets
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit))]
    return [read_counter(frame.to_ndarray(format="bgr24")) for frame in (*frames, *decoder.decode(None))]
