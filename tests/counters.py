"""Which frames a stretch of H.264 really shows: decoded by FFmpeg, read by the test card's counter."""

from collections.abc import Iterable

import av

from recorder.sources.test_card import read_counter


def counters_of(units: Iterable[bytes], parameter_sets: bytes = b"") -> list[int | None]:
    """The counter of every picture in these access units, in display order (None: unreadable).

    `parameter_sets`: Annex B, for streams that do not repeat them inline.
    """
    decoder = av.CodecContext.create("h264", "r")
    if parameter_sets:
        decoder.extradata = parameter_sets
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit))]
    return [read_counter(frame.to_ndarray(format="bgr24")) for frame in (*frames, *decoder.decode(None))]
