"""Sound that does what no sound should: the pictures of a clip are those it would have without any.

Here: times that jump, formats that change, sound that comes twice or stops, all placed and cut for real. Not
here: bytes no decoder takes (`test_sound`, `sources/test_muxed_sound`), sound over real RTSP (`test_sound`).
"""

import io
import random
from contextlib import closing
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import pytest
from av.audio.stream import AudioStream

from recorder.bitstream.access_unit import AccessUnit, SourceUnit
from recorder.bitstream.audio_unit import AudioUnit, SourceAudio
from recorder.capture.timeline import Timeline
from recorder.mp4.muxer import write_mp4
from recorder.mp4.sound_cut import Sound
from recorder.sources.aac_frames import aac_converter
from recorder.sources.file_loop import FileLoopSource
from recorder.sources.source import SourceItem
from tests.support.cameras.films import Hurry, write_flash_film
from tests.support.fakes import NS_PER_S, SimulatedClock

FRAMES = 240
HOUR_NS = 3600 * NS_PER_S


def played(path: Path, count: int, *, audio: bool = True) -> list[SourceItem]:
    clock = SimulatedClock(monotonic_ns=90 * NS_PER_S)
    told: list[SourceItem] = []
    with closing(FileLoopSource(f"file:{path}", clock, Hurry(clock), audio=audio)) as source:
        source.open()
        while sum(isinstance(item, SourceUnit) for item in told) < count:
            told += source.read()
    return told


def placed(told: list[SourceItem]) -> tuple[list[AccessUnit], list[AudioUnit], Timeline]:
    timeline = Timeline()
    shown: list[AccessUnit] = []
    heard: list[AudioUnit] = []
    for item in told:
        if isinstance(item, SourceUnit):
            shown += timeline.place(item)
        elif isinstance(item, SourceAudio):
            heard += timeline.place_sound(item)
    shown += timeline.flush()
    return shown, heard, timeline


@lru_cache(maxsize=4)
def aac(rate_hz: int) -> tuple[SourceAudio, ...]:
    """Two seconds of quiet, as frames of AAC."""
    file = io.BytesIO()
    with av.open(file, "w", format="mov") as container:
        stream = container.add_stream("aac", rate=rate_hz, layout="mono")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=2 * rate_hz)
        frame.planes[0].update(bytes(8 * rate_hz))
        frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as source:
        converter = aac_converter(source.streams.audio[0])
        told = [heard for packet in source.demux(source.streams.audio[0]) for heard in converter.take(packet)]
    return tuple(item for item in told if isinstance(item, SourceAudio))


def hostile(chance: random.Random, base_ns: int) -> list[SourceAudio]:
    """Eight seconds of a camera that has lost its mind about sound."""
    found: list[SourceAudio] = []
    at_ns, rate_hz = base_ns, 48_000
    for _ in range(400):
        what = chance.random()
        if what < 0.03:
            rate_hz = chance.choice([8_000, 16_000, 48_000])
        elif what < 0.06:
            at_ns += chance.choice(
                [-HOUR_NS, HOUR_NS, -3 * NS_PER_S, 3 * NS_PER_S, NS_PER_S // 2, -(1 << 62), 1 << 62]
            )
        elif what < 0.09:
            at_ns = base_ns + chance.randrange(8 * NS_PER_S)
        elif what < 0.12:
            at_ns -= chance.randrange(100_000_000)
        frame = chance.choice(aac(rate_hz))
        found.append(SourceAudio(frame.data, frame.format, at_ns, Fraction(1, NS_PER_S)))
        at_ns += frame.format.frame_ns + chance.randrange(-4_000_000, 4_000_000)
    return found


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> list[SourceItem]:
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    write_flash_film(path, "", frames=FRAMES)
    return played(path, FRAMES)


@pytest.mark.parametrize("seed", range(12))
def test_no_sound_moves_or_costs_a_picture(tmp_path: Path, film: list[SourceItem], seed: int) -> None:
    """Jumps of hours to and fro, three formats in turn, frames twice: the file plays, its pictures exact."""
    chance = random.Random(seed)
    sound = hostile(chance, 0)
    mixed: list[SourceItem] = []
    for number, item in enumerate(film):
        mixed += [item, *sound[number * len(sound) // FRAMES : (number + 1) * len(sound) // FRAMES]]
    quiet, _, _ = placed(film)
    shown, heard, timeline = placed(mixed)
    assert shown == quiet
    assert len(heard) + timeline.sound_dropped == len(sound)
    start_ns, end_ns = shown[0].pts_ns + 300_000_000, shown[-1].pts_ns
    out, without = tmp_path / "clip.mp4", tmp_path / "quiet.mp4"
    result = write_mp4(out, shown, start_ns, end_ns, sound=Sound(heard, start_ns))
    write_mp4(without, shown, start_ns, end_ns)
    with av.open(str(out), "r") as container, av.open(str(without), "r") as plain:
        times = [frame.pts for frame in container.decode(video=0)]
        assert times == [frame.pts for frame in plain.decode(video=0)]
        assert len(times) == result.frame_count
        assert container.duration == plain.duration
    if result.audio_codec is not None:
        with av.open(str(out), "r") as container:
            ends = [
                float((f.pts or 0) * (f.time_base or 0)) + f.samples / f.sample_rate
                for f in container.decode(audio=0)
            ]
        assert ends == sorted(ends)
        assert ends[-1] <= result.duration_s + 0.2


@pytest.mark.parametrize(
    "second", [("aac", 16_000), ("mp2", 48_000), ("", 0)], ids=["another rate", "MP2", "none"]
)
def test_a_transport_stream_that_changes_its_sound_on_the_way_keeps_its_pictures(
    tmp_path: Path, second: tuple[str, int]
) -> None:
    """Two films joined: the clocks jump back, and the sound is another, of a kind we do not keep, or gone."""
    parts = [tmp_path / "a.ts", tmp_path / "b.ts"]
    write_flash_film(parts[0], "aac", frames=90)
    write_flash_film(parts[1], second[0], frames=90, rate_hz=second[1] or 48_000)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with_sound, without = played(joined, 170), played(joined, 170, audio=False)
    pictures = [item.data for item in with_sound if isinstance(item, SourceUnit)]
    assert pictures[:170] == [item.data for item in without if isinstance(item, SourceUnit)][:170]
    shown, heard, _ = placed(with_sound)
    quiet, _, _ = placed(without)
    assert [unit.data for unit in shown][:90] == [unit.data for unit in quiet][:90]
    assert abs(len(shown) - len(quiet)) <= 1
    assert len(heard) > 100


def steady(first_s: float, count: int) -> list[SourceAudio]:
    """Frames in a row from `first_s` of the film on."""
    frame = aac(48_000)[5]
    step_ns = frame.format.frame_ns
    begin_ns = round(first_s * NS_PER_S)
    return [
        SourceAudio(frame.data, frame.format, begin_ns + number * step_ns, Fraction(1, NS_PER_S))
        for number in range(count)
    ]


def test_sound_that_leaps_ahead_costs_only_itself(film: list[SourceItem]) -> None:
    """Five seconds into the future and back: what comes at its right time afterwards is kept."""
    _, heard, timeline = placed([*film[:60], *steady(1.0, 20), *steady(6.4, 20), *steady(1.4, 20)])
    assert (len(heard), timeline.sound_dropped) == (40 - 1, 21)


def test_sound_goes_on_while_the_picture_stands_still(film: list[SourceItem]) -> None:
    """A camera of one picture in five seconds is heard all the same."""
    _, heard, timeline = placed([*film[:30], *steady(0.9, 200)])
    assert (len(heard), timeline.sound_dropped) == (200, 0)
