"""What becomes AAC at the door, and what does not come in."""

import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from recorder.base.errors import SourceUnsupported
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio
from recorder.sources.aac_frames import SoundItem, aac_converter


def recorded(codec: str, kind: str, rate_hz: int, layout: str = "mono", begins_s: int = 0) -> io.BytesIO:
    """Two seconds of a 400 Hz tone that begins after one of quiet."""
    file = io.BytesIO()
    times = np.arange(2 * rate_hz) / rate_hz
    tone = np.where(times >= 1, 0.5 * np.sin(2 * np.pi * 400 * times), 0)
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        for begin in range(0, len(tone), 1024):
            chunk = np.tile((tone[begin : begin + 1024] * 32767).astype(np.int16), (1, 1))
            if layout == "stereo":
                chunk = np.repeat(chunk, 2, axis=1)
            frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout=layout)
            frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
            frame.pts = begin + begins_s * rate_hz
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def through_the_door(file: io.BytesIO) -> list[SoundItem]:
    with av.open(file, "r") as container:
        stream = container.streams.audio[0]
        converter = aac_converter(stream)
        return [heard for packet in container.demux(stream) for heard in converter.take(packet)]


def tone_begins_s(frames: list[SourceAudio]) -> float:
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = frames[0].format.config
    for source in frames:
        for frame in decoder.decode(av.Packet(source.data)):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if len(loud):
                return float(source.pts * source.time_base) + float(loud[0]) / frame.sample_rate
    raise AssertionError("no tone is heard")


@pytest.mark.parametrize(
    ("codec", "kind", "rate_hz", "layout"),
    [
        ("aac", "mp4", 48_000, "mono"),
        ("aac", "adts", 16_000, "stereo"),
        ("pcm_alaw", "wav", 8_000, "mono"),
        ("pcm_mulaw", "wav", 8_000, "mono"),
        ("pcm_s16le", "wav", 44_100, "stereo"),
    ],
)
def test_a_tone_begins_when_it_began(codec: str, kind: str, rate_hz: int, layout: str) -> None:
    """Kept or encoded, through resampler and encoder: within two milliseconds, and nothing is lost."""
    heard = through_the_door(recorded(codec, kind, rate_hz, layout))
    frames = [item for item in heard if isinstance(item, SourceAudio)]
    assert len(frames) == len(heard)
    assert {frame.format.channels for frame in frames} == {1 if layout == "mono" else 2}
    # Without a container that says so, an encoder's run-in cannot be told from sound.
    run_in_s = 1024 / rate_hz if kind == "adts" else 0.0
    assert tone_begins_s(frames) - run_in_s == pytest.approx(1.0, abs=0.002)
    assert sum(1024 / frame.format.sample_rate_hz for frame in frames) == pytest.approx(2.0, abs=0.15)


def test_frames_no_decoder_takes_stay_outside() -> None:
    """A browser ends the whole clip at such a frame; here it is one that is missing."""
    file = recorded("aac", "mp4", 48_000)
    chance = np.random.default_rng(1)
    heard: list[SoundItem] = []
    with av.open(file, "r") as container:
        stream = container.streams.audio[0]
        converter = aac_converter(stream)
        for number, packet in enumerate(container.demux(stream)):
            if 20 <= number < 60 and packet.size:
                packet = damaged(packet, chance.bytes(max(8, packet.size)), stream)
            heard += converter.take(packet)
    troubles = [item for item in heard if isinstance(item, SoundTrouble)]
    assert len(troubles) > 20
    assert not any(trouble.failed for trouble in troubles)
    assert len(heard) - len(troubles) > 40


def damaged(packet: "av.Packet[AudioStream]", data: bytes, stream: AudioStream) -> "av.Packet[AudioStream]":
    broken = av.Packet(data)
    broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
    broken.stream = stream
    return broken  # type: ignore[return-value]


@pytest.mark.parametrize(("codec", "kind", "rate_hz"), [("pcm_alaw", "wav", 8_000), ("aac", "mp4", 48_000)])
def test_a_clock_that_is_set_loses_nothing_that_was_on_its_way(codec: str, kind: str, rate_hz: int) -> None:
    """A camera's first report moves its sound by seconds: nothing is encoded anew, every frame is there."""
    with av.open(recorded(codec, kind, rate_hz), "r") as container:
        stream = container.streams.audio[0]
        converter = aac_converter(stream)
        heard: list[SoundItem] = []
        for number, packet in enumerate(container.demux(stream)):
            if number == 5:
                converter.shift(Fraction(17, 10))
            if number >= 5 and packet.pts is not None:
                packet.pts += 17 * rate_hz // 10
            heard += converter.take(packet)
    frames = [item for item in heard if isinstance(item, SourceAudio)]
    assert len(frames) == len(heard)
    times = [float(frame.pts * frame.time_base) for frame in frames]
    steps = [after - before for before, after in pairwise(times)]
    [jump] = [step for step in steps if step > 0.2]
    assert jump == pytest.approx(1.7 + frames[0].format.frame_ns / 1e9, abs=0.001)
    assert sum(1024 / frame.format.sample_rate_hz for frame in frames) == pytest.approx(2.0, abs=0.15)


def test_sound_of_another_kind_is_refused_with_a_cure() -> None:
    """The operator can change it; the pictures go on."""
    with pytest.raises(SourceUnsupported, match=r"MP3.*AAC or G\.711"):
        through_the_door(recorded("libmp3lame", "mp3", 44_100))
