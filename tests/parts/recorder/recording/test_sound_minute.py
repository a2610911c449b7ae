"""A minute of sound whose clock drifts against the pictures', through everything between socket and file.

The real doors, the real timeline and the real muxer, with simulated arrivals, so that a minute takes seconds.
Times are as FFmpeg makes them of a camera's sender reports: counted in samples from the last report on, which
comes every five seconds. Measured in the finished file, decoded: by the times in it, and with one frame
played behind the other, as Chromium does.
"""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from recorder.bitstream.access_unit import AccessUnit, SourceUnit
from recorder.bitstream.audio_unit import AudioUnit, SoundTrouble, SourceAudio
from recorder.capture.timeline import Timeline
from recorder.mp4.muxer import write_mp4
from recorder.mp4.sound_cut import Sound
from recorder.sources.aac_frames import aac_converter
from recorder.sources.file_loop import FileLoopSource
from tests.support.cameras.films import FPS, Hurry, click_samples, write_flash_film
from tests.support.cameras.sound import LOUD, flashes_s, heard_s, offsets_s
from tests.support.fakes import NS_PER_S, SimulatedClock

SECONDS = 62
REPORT_S = 5
PROMISED_S = 0.020


@lru_cache(maxsize=1)
def pictures(path: Path) -> tuple[SourceUnit, ...]:
    """A minute of pictures, white in the middle of each second."""
    write_flash_film(path, "", frames=SECONDS * FPS)
    clock = SimulatedClock(monotonic_ns=50 * NS_PER_S)
    units: list[SourceUnit] = []
    with closing(FileLoopSource(f"file:{path}", clock, Hurry(clock))) as source:
        source.open()
        while len(units) < SECONDS * FPS:
            units += [item for item in source.read() if isinstance(item, SourceUnit)]
    return tuple(units)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[SourceUnit, ...]:
    return pictures(tmp_path_factory.mktemp("minute") / "film.mkv")


def template(codec: str, rate_hz: int) -> io.BytesIO:
    """A file of the same encoding, whose stream stands for the camera's."""
    file = io.BytesIO()
    with av.open(file, "w", format="mov") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        assert isinstance(stream, AudioStream)
        container.mux(stream.encode(_frame(np.zeros(2048, np.float32), 0, rate_hz)))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def _frame(
    samples: "np.ndarray[tuple[int], np.dtype[np.float32]]", begin: int, rate_hz: int
) -> av.AudioFrame:
    whole = (samples[None] * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), begin
    return frame


def encoded(codec: str, rate_hz: int, ppm: float) -> Iterator[tuple[int, bytes]]:
    """The camera's packets, each with the number of its first sample; its crystal runs `ppm` too fast."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.time_base = rate_hz, "mono", Fraction(1, rate_hz)
    encoder.format = "fltp" if codec == "aac" else "s16"
    encoder.open()
    samples = click_samples(rate_hz, SECONDS * rate_hz, ppm)
    step = 1024 if codec == "aac" else 160
    resampler = av.AudioResampler(encoder.format.name, "mono", rate_hz)
    for begin in range(0, len(samples) - step, step):
        for frame in resampler.resample(_frame(samples[begin : begin + step], begin, rate_hz)):
            frame.pts, frame.time_base = begin, Fraction(1, rate_hz)
            for packet in encoder.encode(frame):
                yield packet.pts or 0, bytes(packet)


def told_pts(sample: int, rate_hz: int, ppm: float) -> int:
    """What FFmpeg says of it: the last report's moment, and samples at the nominal rate from there on."""
    true_rate = rate_hz * (1 + ppm / 1e6)
    report = max(0, int(sample / true_rate / REPORT_S) * REPORT_S)
    return round(report * rate_hz) + sample - int(report * true_rate)


def heard(codec: str, rate_hz: int, ppm: float) -> list[SourceAudio]:
    """What comes through the door."""
    found: list[SourceAudio] = []
    with av.open(template(codec, rate_hz), "r") as container:
        stream = container.streams.audio[0]
        converter = aac_converter(stream)
        for sample, data in encoded(codec, rate_hz, ppm):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, rate_hz)
            packet.pts = packet.dts = told_pts(sample, rate_hz, ppm)
            told = converter.take(packet)  # type: ignore[arg-type]
            assert not any(isinstance(item, SoundTrouble) for item in told)
            found += [item for item in told if isinstance(item, SourceAudio)]
    return found


def placed(
    units: tuple[SourceUnit, ...], sound: list[SourceAudio]
) -> tuple[list[AccessUnit], list[AudioUnit]]:
    """Both on our line, in the order in which they come: sound a fifth of a second late."""
    timeline = Timeline()
    shown: list[AccessUnit] = []
    line: list[AudioUnit] = []
    waiting = list(reversed(sound))
    for unit in units:
        shown += timeline.place(replace(unit, arrival_ns=unit.arrival_ns + (len(shown) * 7919) % 9_000_000))
        now_s = (unit.dts or 0) * unit.time_base - Fraction(1, 5)
        while waiting and waiting[-1].pts * waiting[-1].time_base <= now_s:
            line += timeline.place_sound(waiting.pop())
    assert timeline.sound_dropped == 0
    return shown, line


def clicks_in_order_s(path: Path) -> list[float]:
    """When clicks are heard by a player that plays frame behind frame, whatever their times say."""
    found: list[float] = []
    at_s: float | None = None
    with av.open(str(path), "r") as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            if at_s is None:
                at_s = float((frame.pts or 0) * (stream.time_base or 0))
            for index in np.flatnonzero(np.abs(frame.to_ndarray()[0]) > LOUD):
                click_s = at_s + float(index) / frame.sample_rate
                if not found or click_s - found[-1] > 0.5:
                    found.append(click_s)
            at_s += frame.samples / frame.sample_rate
    return found


@pytest.mark.parametrize(
    ("codec", "rate_hz", "ppm"), [("aac", 48_000, -800), ("aac", 48_000, 800), ("pcm_alaw", 8_000, 800)]
)
def test_over_a_minute_every_click_is_within_20_ms_of_its_flash(
    tmp_path: Path, film: tuple[SourceUnit, ...], codec: str, rate_hz: int, ppm: int
) -> None:
    """48 ms of drift a minute, led back by every report, for both kinds of player; no picture is missing."""
    shown, line = placed(film, heard(codec, rate_hz, ppm))
    start_ns = shown[0].pts_ns
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, shown, start_ns, start_ns + 60 * NS_PER_S, sound=Sound(line, start_ns))
    assert (result.frame_count, result.duration_s, result.audio_codec) == (60 * FPS, 60.0, "aac")
    by_time = offsets_s(out)
    assert len(by_time) >= 59
    assert max(abs(offset) for offset in by_time) <= PROMISED_S
    flashes = flashes_s(out)
    in_order = [
        min(click - flash for flash in flashes if abs(click - flash) < 0.4)
        for click in clicks_in_order_s(out)
    ]
    assert len(in_order) >= 59
    assert max(abs(offset) for offset in in_order) <= PROMISED_S
    assert heard_s(out) == pytest.approx((0, 60), abs=0.3)
