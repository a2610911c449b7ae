"""What one camera costs all day, beside ffmpeg, the smallest loop in Python, and the obvious OpenCV loop."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.camera import FULL_HD, FULL_HD_KBPS, cameras
from benchmarks.daemon import BenchmarkFailed, Daemon, daemon, stop
from benchmarks.report import Table, Value
from benchmarks.usage import Usage, cores, usage

AIM_OVER_FFMPEG = 1.3
WARM_UP_S = 5.0
DECODED_S = 10.0
"""Decoded pictures of 60 s would be most of a small machine's memory, so the OpenCV loop holds fewer."""


def run(where: Path, seconds: float) -> list[Table]:
    """Daemon, ffmpeg and the smallest loop in the same seconds on one stream, the OpenCV loop after them."""
    with cameras(1, FULL_HD) as sources:
        with (
            _ffmpeg(where, sources[0]) as peer,
            _pyav(sources[0], seconds) as least,
            daemon(where, sources, seconds) as box,
        ):
            time.sleep(WARM_UP_S)
            empty, held_empty = _now(box)
            box.wait_for_buffer(seconds, seconds + 60)
            began = usage(box.pid), usage(peer.pid), usage(least.pid)
            time.sleep(seconds)
            full, held_full = _now(box)
            peer_full, least_full = usage(peer.pid), usage(least.pid)
        decoded = _measure_opencv(where, sources[0], seconds)
    ours, theirs, floor = cores(began[0], full), cores(began[1], peer_full), cores(began[2], least_full)
    rows: list[list[Value]] = [
        [f"Hindsight, {seconds:g} s in memory", ours, ours / theirs, full.own_bytes / 1e6],
        ["ffmpeg -c copy -f segment, on disk", theirs, 1.0, peer_full.own_bytes / 1e6],
        [
            f"the smallest PyAV loop, {seconds:g} s in a deque",
            floor,
            floor / theirs,
            least_full.own_bytes / 1e6,
        ],
        [f"OpenCV, {DECODED_S:g} s decoded in a deque", decoded[0], decoded[0] / theirs, decoded[1] / 1e6],
    ]
    held = held_full - held_empty
    ring: list[list[Value]] = [
        [f"{seconds:g} s of {FULL_HD_KBPS} kb/s", held_full / 1e6, (full.own_bytes - empty.own_bytes) / held]
    ]
    return [
        Table(
            "Cheap: one 1080p30 camera over RTSP",
            ["", "% of a core", "× ffmpeg", "MB of its own"],
            rows,
            [
                f"Over {seconds:g} s with a full buffer; aim: ≤ {AIM_OVER_FFMPEG} × ffmpeg.",
                "All processes of each are counted.",
                f"OpenCV took {decoded[2]:.1f} s from the press to a finished file of {DECODED_S:g} s.",
            ],
        ),
        Table(
            "What the buffer adds to its own bytes",
            ["", "MB held", "memory grown ÷ bytes held"],
            ring,
            [f"Growth of the daemon's own memory from {WARM_UP_S:g} s after its start until the end."],
        ),
    ]


def _now(box: Daemon) -> tuple[Usage, int]:
    held = sum(camera["buffer"]["held_bytes"] for camera in box.cameras())
    return usage(box.pid), held


@contextmanager
def _ffmpeg(where: Path, source: str) -> Iterator[subprocess.Popen[bytes]]:
    """The peer: 60 s on disk in segments that go round."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise BenchmarkFailed("ffmpeg is missing: sudo apt-get install ffmpeg")
    segments = where / "segments"
    segments.mkdir()
    options = "-c copy -f segment -segment_time 2 -segment_wrap 30 -segment_format mp4 -reset_timestamps 1"
    command = [program, "-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", source]
    process = subprocess.Popen(
        [*command, *options.split(), str(segments / "%d.mp4")], stdin=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def _pyav(source: str, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """The floor: what is left of the daemon when everything but keeping packets is taken away."""
    script = Path(__file__).with_name("pyav_loop.py")
    frames = round(FULL_HD.fps * seconds)
    process = subprocess.Popen([sys.executable, str(script), source, str(frames)], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        stop(process)


def _measure_opencv(where: Path, source: str, seconds: float) -> tuple[float, int, float]:
    """Percent of a core, bytes of memory, and seconds from the press to the file."""
    script = Path(__file__).with_name("opencv_loop.py")
    command = [
        sys.executable,
        str(script),
        source,
        str(FULL_HD.fps),
        str(DECODED_S),
        str(where / "opencv.mp4"),
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        time.sleep(WARM_UP_S + DECODED_S)
        before = usage(process.pid)
        time.sleep(min(seconds, 30.0))
        after = usage(process.pid)
        process.send_signal(signal.SIGUSR1)
        assert process.stdout is not None
        written = json.loads(process.stdout.readline() or b"{}")
    finally:
        stop(process)
    if "seconds" not in written:
        raise BenchmarkFailed("the OpenCV loop ended before it was asked to write")
    return cores(before, after), after.own_bytes, float(written["seconds"])
