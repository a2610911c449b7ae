"""What is read and written of AAC without decoding it, against FFmpeg's own reading of it."""

import av
import pytest

from recorder.bitstream.aac import format_of, from_adts, silence, with_adts


def config_of(rate_index: int, channels: int) -> bytes:
    return (2 << 11 | rate_index << 7 | channels << 3).to_bytes(2, "big")


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_index", range(12))
def test_a_silent_frame_is_silent_at_every_rate(rate_index: int, channels: int) -> None:
    """It stands in for sound that is missing, so it must decode, to nothing."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = config_of(rate_index, channels)
    for _ in range(3):
        packet = av.Packet(silence(format_of(config_of(rate_index, channels))))
        for frame in decoder.decode(packet):
            assert not frame.to_ndarray().any()
            assert frame.samples == 1024


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_index", range(13))
def test_an_adts_header_comes_off_as_it_went_on(rate_index: int, channels: int) -> None:
    """MPEG-TS brings it, an MP4 muxer wants it; between them there is none."""
    sound = format_of(config_of(rate_index, channels))
    assert from_adts(with_adts(sound, b"frame")) == (sound, b"frame")


def test_he_aac_is_kept_at_the_rate_of_its_core() -> None:
    """24 kHz that decoders make 48 kHz of: a frame is 1024 samples of the core, 43 ms."""
    config = (5 << 27 | 6 << 23 | 1 << 19 | 3 << 15 | 2 << 10).to_bytes(4, "big")
    sound = format_of(config)
    assert (sound.sample_rate_hz, sound.channels, sound.config) == (24_000, 1, config)
    assert sound.frame_ns == pytest.approx(42_666_666, abs=1)


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"\x11",
        config_of(13, 1),
        config_of(3, 0),
        config_of(3, 6),
        (4 << 11 | 3 << 7 | 1 << 3).to_bytes(2, "big"),
        b"\x11\x8c",
    ],
    ids=["empty", "cut off", "no rate", "no channels", "surround", "not LC", "short frames"],
)
def test_a_configuration_we_cannot_keep_is_refused(config: bytes) -> None:
    """Better no sound than a track that no player takes."""
    with pytest.raises(ValueError, match="AAC"):
        format_of(config)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xf1", b"\x00" * 12, with_adts(format_of(b"\x11\x88"), b"x" * 9)[:-3]]
)
def test_a_damaged_header_is_refused(data: bytes) -> None:
    """Cut off, or none at all."""
    with pytest.raises(ValueError, match="AAC"):
        from_adts(data)
