"""The index of our own files tells what went into them, sample for sample."""

import struct
from pathlib import Path

import pytest

from recorder.base.media_time import ticks
from recorder.bitstream.aac import format_of, silence
from recorder.bitstream.audio_unit import AudioUnit
from recorder.bitstream.nal_units import split_nal_units
from recorder.mp4.finished_file import read_moov
from recorder.mp4.muxer import write_mp4
from recorder.mp4.sample_table import aac_config, avc_parameter_sets, tracks
from tests.support.media import NS_PER_S, Camera, units_of

START_NS = 5 * NS_PER_S
STEREO = format_of(bytes.fromhex("1190"))


def moov_of(path: Path, rotation_deg: int = 0) -> bytes:
    """The index of a clip with B-frames, a lead-in of half a second, and sound."""
    units = units_of(Camera(gop=30, bframes=2), 90)
    sound = [AudioUnit(n, STEREO, START_NS + n * STEREO.frame_ns, silence(STEREO)) for n in range(150)]
    start_ns = START_NS + NS_PER_S // 2
    write_mp4(path, units, start_ns, START_NS + 2 * NS_PER_S, rotation_deg=rotation_deg, sound=sound)
    with path.open("rb") as file:
        return read_moov(file)[1]


def test_every_sample_has_the_time_and_the_place_it_was_given(tmp_path: Path) -> None:
    """Presentation times count from the first frame shown; a keyframe is marked."""
    video, sound = tracks(moov_of(tmp_path / "clip.mp4"))
    units = units_of(Camera(gop=30, bframes=2), 90)[: len(video.samples)]
    origin_ns = START_NS + NS_PER_S // 2
    assert list(video.samples.pts) == [ticks(unit.pts_ns - origin_ns) for unit in units]
    assert [bool(key) for key in video.samples.keys] == [unit.is_keyframe for unit in units]
    assert (video.kind, video.length, sound.kind, sound.time_scale) == (b"vide", 135_000, b"soun", 48_000)
    last = max(
        offset + size
        for track in (video, sound)
        for offset, size in zip(track.samples.offsets, track.samples.sizes, strict=True)
    )
    assert last == (tmp_path / "clip.mp4").stat().st_size


def test_sample_entries_tell_how_to_decode(tmp_path: Path) -> None:
    """The camera's SPS and PPS, and the configuration of its sound."""
    video, sound = tracks(moov_of(tmp_path / "clip.mp4"))
    sets = units_of(Camera(gop=30, bframes=2), 1)[0].epoch.parameter_sets
    assert split_nal_units(avc_parameter_sets(video.entry)) == split_nal_units(sets)
    assert aac_config(sound.entry)[:2] == STEREO.config


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_the_turn_is_read_from_the_matrix(tmp_path: Path, rotation_deg: int) -> None:
    """As it was written."""
    video, _ = tracks(moov_of(tmp_path / "clip.mp4", rotation_deg))
    assert video.rotation_deg == rotation_deg


def test_a_damaged_index_is_refused_and_never_read_past_its_end(tmp_path: Path, is_whole: bool) -> None:
    """Whatever byte differs, and wherever it is cut off: at every seventh in `--all`, here at fewer."""
    moov = moov_of(tmp_path / "clip.mp4")
    for position in range(8, len(moov), 7 if is_whole else 61):
        for damaged in (moov[:position], moov[:position] + b"\xff" + moov[position + 1 :]):
            try:
                for track in tracks(damaged):
                    avc_parameter_sets(track.entry)
                    aac_config(track.entry)
            except (ValueError, IndexError, struct.error):
                continue
