"""An encoder is believed only after it has encoded, and what it encodes says what its colours mean."""

from fractions import Fraction

import av
import pytest

from recorder.base.errors import FinishFailed
from recorder.encoding.encoder import (
    IN_ORDER,
    SOFTWARE,
    Colours,
    Encoding,
    TrackMatch,
    open_encoder,
    pixel_format,
    probe,
)


def test_the_software_encoder_always_works() -> None:
    """It is the last resort of every machine, and tried last."""
    assert probe(SOFTWARE) == ""
    assert IN_ORDER[-1] == SOFTWARE


@pytest.mark.parametrize("name", IN_ORDER[:-1])
def test_a_hardware_encoder_works_or_says_in_words_that_it_does_not(name: str) -> None:
    """The wheel lists them all; without the device they must neither crash nor be chosen."""
    reason = probe(name)
    assert reason == "" or reason.endswith(".")


def test_an_encoder_that_does_not_exist_is_no_crash() -> None:
    """Other builds of FFmpeg list fewer."""
    assert "cannot be opened" in probe("h264_imagined")
    with pytest.raises(FinishFailed):
        open_encoder("h264_imagined", Encoding(640, 360, 30.0))


def test_something_that_encodes_no_h264_is_found_out() -> None:
    """The probe looks at the pictures, not at the return code."""
    assert probe("mjpeg") != ""


@pytest.mark.parametrize(("size", "uses_cabac"), [((1920, 1080), True), ((2560, 1440), False)])
def test_sizes_beyond_full_hd_are_encoded_faster(size: tuple[int, int], uses_cabac: bool) -> None:
    """A two-core box could not keep up otherwise; x264 notes in the stream how it was told to work."""
    encoder = open_encoder(SOFTWARE, Encoding(*size, 30.0))
    frame = av.VideoFrame(*size, pixel_format(SOFTWARE))
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    assert (b"cabac=1" in data) is uses_cabac
    assert b"bframes=0" in data
    assert b"crf=21.0" in data


def decoded(encoding: Encoding) -> tuple[av.VideoFrame, av.VideoCodecContext]:
    """A frame encoded so, and the decoder that knows what the stream says of itself."""
    encoder = open_encoder(SOFTWARE, encoding)
    frame = av.VideoFrame(encoding.width, encoding.height, pixel_format(SOFTWARE))
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return [*decoder.decode(av.Packet(bytes(packets[0]))), *decoder.decode(None)][0], decoder


MATCH = TrackMatch(1, "main", "3.0", full_range=False, aspect=Fraction(1))


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding(64, 64, 5.0),
        Encoding(64, 64, 30000 / 1001),
        Encoding(64, 64, 5.0, live=True),
        Encoding(64, 64, 5.0, match=MATCH),
    ],
    ids=["slow", "ntsc", "live", "joined"],
)
def test_the_frame_rate_in_the_stream_is_that_of_the_frames(encoding: Encoding) -> None:
    """WebKitGTK, which believes it rather than the MP4, shows the next frame after a seek otherwise."""
    _, decoder = decoded(encoding)
    assert decoder.framerate == Fraction(encoding.fps).limit_denominator(1001)


def test_colours_are_written_into_the_stream() -> None:
    """A browser shows what the tags say, not what was meant."""
    shown, _ = decoded(Encoding(64, 64, 30.0, Colours(6, 1, 13)))
    assert (shown.color_range, shown.colorspace) == (1, 6)
    assert (shown.color_primaries, shown.color_trc) == (1, 13)
