"""Sound of sources with one clock: files that go round, and transport streams over HTTP."""

import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import av
import pytest

from recorder.base.errors import SourceLost
from recorder.base.settings import CameraSettings
from recorder.bitstream.access_unit import SourceUnit
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio
from recorder.sources.file_loop import FileLoopSource
from recorder.sources.http.stream import HttpStreamSource
from recorder.sources.source import Source, SourceItem
from tests.support.cameras.films import FPS, Hurry, write_flash_film
from tests.support.cameras.http_camera import FilmStream, HttpCamera
from tests.support.fakes import NS_PER_S, SimulatedClock

FRAMES = 108


def read(source: Source, pictures: int) -> list[SourceItem]:
    """Until so many pictures have come, or the camera hangs up."""
    told: list[SourceItem] = []
    with closing(source):
        source.open()
        while sum(isinstance(item, SourceUnit) for item in told) < pictures:
            try:
                told += source.read()
            except SourceLost:
                break
    return told


def looped(path: Path, pictures: int, *, audio: bool = True) -> list[SourceItem]:
    clock = SimulatedClock()
    return read(FileLoopSource(f"file:{path}", clock, Hurry(clock), audio=audio), pictures)


def sound_in(told: list[SourceItem]) -> list[SourceAudio]:
    return [item for item in told if isinstance(item, SourceAudio)]


def troubles_in(told: list[SourceItem]) -> list[SoundTrouble]:
    return [item for item in told if isinstance(item, SoundTrouble)]


def begins_s(told: list[SourceItem]) -> float:
    """When the first picture is shown."""
    units = [item for item in told if isinstance(item, SourceUnit)]
    return min(float(unit.pts * unit.time_base) for unit in units if unit.pts is not None)


def clicks_s(sound: list[SourceAudio]) -> list[float]:
    """When each frame begins that holds the beginning of a click: the bytes tell, silence is short."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = sound[0].format.config
    found: list[float] = []
    for source in sound:
        for frame in decoder.decode(av.Packet(source.data)):
            loud = (abs(frame.to_ndarray()[0]) > 0.2).nonzero()[0]
            if len(loud):
                at_s = float(source.pts * source.time_base) + float(loud[0]) / frame.sample_rate
                if not found or at_s - found[-1] > 0.3:
                    found.append(at_s)
    return found


@pytest.mark.parametrize(
    ("name", "sound", "rate_hz"),
    [
        ("film.mp4", "aac", 48_000),
        ("film.mp4", "aac", 16_000),
        ("film.mkv", "aac", 44_100),
        ("film.ts", "aac", 48_000),
        ("film.mkv", "pcm_s16le", 48_000),
        ("film.mov", "pcm_alaw", 8_000),
        ("film.mov", "pcm_mulaw", 8_000),
    ],
)
def test_a_file_goes_round_with_its_sound(tmp_path: Path, name: str, sound: str, rate_hz: int) -> None:
    """A minute of it: each click at its flash, over every seam, and no frame is heard twice."""
    write_flash_film(tmp_path / name, sound, frames=FRAMES, rate_hz=rate_hz)
    told = looped(tmp_path / name, 60 * FPS)
    assert troubles_in(told) == []
    heard = sound_in(told)
    zero_s = begins_s(told)
    wanted = [n * FRAMES / FPS + second + 0.5 for n in range(18) for second in range(4)]
    clicks = [click - zero_s for click in clicks_s(heard)]
    assert len(clicks) >= 48
    assert max(min(abs(click - moment) for moment in wanted) for click in clicks) <= 0.020
    frame_ns = heard[0].format.frame_ns
    steps_ns = [after.pts - before.pts for before, after in pairwise(heard)]
    assert min(steps_ns) >= 0.45 * frame_ns
    assert max(steps_ns) <= 2.2 * frame_ns


def test_sound_comes_when_its_pictures_do_however_the_file_lies(tmp_path: Path) -> None:
    """All pictures first, then all sound: read ahead, nothing comes later than what it belongs to."""
    write_flash_film(tmp_path / "film.mkv", "aac", frames=48)
    newest_s, late_s = 0.0, 0.0
    for item in looped(tmp_path / "film.mkv", 96):
        if isinstance(item, SourceUnit) and item.dts is not None:
            newest_s = max(newest_s, float(item.dts * item.time_base))
        elif isinstance(item, SourceAudio):
            late_s = max(late_s, newest_s - item.pts / NS_PER_S)
    assert late_s <= 0.05


def test_a_file_whose_sound_is_of_another_kind_says_so_and_plays_on(tmp_path: Path) -> None:
    """Told once, with the cure; every picture comes."""
    write_flash_film(tmp_path / "film.mkv", "libopus")
    told = looped(tmp_path / "film.mkv", 2 * FRAMES)
    [trouble] = troubles_in(told)
    assert trouble.failed
    assert "OPUS" in trouble.reason
    assert sound_in(told) == []
    assert sum(isinstance(item, SourceUnit) for item in told) == 2 * FRAMES


def test_audio_false_reads_no_sound(tmp_path: Path) -> None:
    """Neither kept nor complained about."""
    write_flash_film(tmp_path / "film.mp4", "aac")
    told = looped(tmp_path / "film.mp4", FRAMES, audio=False)
    assert all(isinstance(item, SourceUnit) for item in told)


def viewed(path: Path, *, audio: bool = True) -> list[SourceItem]:
    with HttpCamera(FilmStream(path, FRAMES / FPS, speed=20)) as camera:
        settings = CameraSettings("cam", "Cam", camera.url(), audio=audio)
        return read(HttpStreamSource(settings, SimulatedClock(), threading.Event()), 10_000)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_transport_stream_brings_its_sound(tmp_path: Path, rate_hz: int) -> None:
    """AAC out of its ADTS headers, on the clock of the pictures."""
    write_flash_film(tmp_path / "film.ts", "aac", rate_hz=rate_hz)
    told = viewed(tmp_path / "film.ts")
    assert troubles_in(told) == []
    heard = sound_in(told)
    assert sum(isinstance(item, SourceUnit) for item in told) == FRAMES
    zero_s = begins_s(told)
    clicks = [click - zero_s for click in clicks_s(heard)]
    assert clicks == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.020)


@pytest.mark.parametrize(("sound", "failures"), [("mp2", 1), ("", 0)])
def test_a_transport_stream_without_sound_we_keep_shows_its_pictures(
    tmp_path: Path, sound: str, failures: int
) -> None:
    """MPEG audio is told once; no sound at all is nothing to tell."""
    write_flash_film(tmp_path / "film.ts", sound)
    told = viewed(tmp_path / "film.ts")
    assert [trouble.failed for trouble in troubles_in(told)] == [True] * failures
    assert sum(isinstance(item, SourceUnit) for item in told) == FRAMES
    assert all(isinstance(item, SourceUnit) for item in viewed(tmp_path / "film.ts", audio=False))


def test_damaged_sound_in_a_transport_stream_costs_no_picture(tmp_path: Path) -> None:
    """Every second packet of the sound is noise: counted, left out, and all pictures are there."""
    write_flash_film(tmp_path / "film.ts", "aac")
    data = bytearray((tmp_path / "film.ts").read_bytes())
    sound_pid = 0x101
    for at in range(0, len(data) - 187, 188):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        begins = data[at + 1] & 0x40
        if pid == sound_pid and not begins:
            data[at + 60 : at + 188] = bytes((n * 37 + at) & 0xFF for n in range(128))
    (tmp_path / "film.ts").write_bytes(data)
    told = viewed(tmp_path / "film.ts")
    assert sum(isinstance(item, SourceUnit) for item in told) == FRAMES
    assert sum(trouble.lost for trouble in troubles_in(told)) > 5
