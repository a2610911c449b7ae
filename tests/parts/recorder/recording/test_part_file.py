"""A part file outlives its process, and a clip made of it is that of its units."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from recorder.mp4.muxer import write_mp4
from recorder.recording.part_file import PartReader
from tests.support.daemon import ROOT
from tests.support.media import NS_PER_S, Camera, joined, play, units_of
from tests.support.part_files import HEADER, written


def test_what_was_synced_survives_the_death_of_the_process(tmp_path: Path) -> None:
    """kill -9 in the middle of writing: the synced units are there."""
    part = tmp_path / "recording.part"
    script = ROOT / "tests/support/part_writer.py"
    writer = subprocess.Popen([sys.executable, script, part], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout:
        synced = [int(writer.stdout.readline()) for _ in range(20)][-1]
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    numbers = [unit.sequence for unit in PartReader(part)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= synced


def test_a_clip_made_of_a_part_file_is_that_of_the_units(tmp_path: Path) -> None:
    """Runs, times and parameter sets survive the detour, byte for byte."""
    part = tmp_path / "recording.part"
    camera = Camera(gop=30, bframes=3, inline=False)
    start_ns = 5 * NS_PER_S
    units = joined(units_of(camera, 60), units_of(camera, 60, first=200, start_ns=start_ns + 20 * NS_PER_S))
    with written(part, units, replace(HEADER, epoch=units[0].epoch)):
        pass
    direct = write_mp4(tmp_path / "direct.mp4", units, start_ns + NS_PER_S, 2**62)
    detour = write_mp4(tmp_path / "detour.mp4", iter(PartReader(part)), start_ns + NS_PER_S, 2**62)
    assert detour == direct
    assert play(tmp_path / "detour.mp4").counters == (*range(30, 60), *range(200, 260))
