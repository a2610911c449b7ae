"""A USB camera that sends MJPEG: what keeping it costs, beside the obvious loop, and encoded on the way in.

The camera is the one of the tests, a V4L2 device inside the process that reads it: OpenCV's own reader runs
on it unchanged, and the copying its driver would do is part of what is measured, in all processes alike.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.daemon import BenchmarkFailed, Client, Daemon, daemon, stop
from benchmarks.report import Table, Value, percentile
from benchmarks.usage import Usage, cores, usage
from recorder.bitstream.access_unit import Codec
from tests.support.cameras.fake_v4l2.camera import FakeCamera, Mode
from tests.support.cameras.material import Material
from tests.support.hostile.mutations import load

SIZES = ((1280, 720), (1920, 1080))
FPS = 30
WARM_UP_S = 5.0
DECODED_S = 10.0
"""Decoded pictures of 60 s would be most of a small machine's memory, so the OpenCV loop holds fewer."""
LOOK_BACK_S = 30.0
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One program over some seconds with a full buffer."""

    percent_of_core: float
    own_bytes: int
    held_bytes: int
    grown_bytes: int
    """Of its own memory since shortly after its start."""


def run(where: Path, seconds: float, tries: int) -> list[Table]:
    """Per size: the daemon beside the loop in the same seconds; then the daemon that encodes."""
    if shutil.which("cc") is None:
        raise BenchmarkFailed("the fake camera needs a C compiler: sudo apt-get install gcc libc6-dev")
    capture: list[list[Value]] = []
    rings: list[list[Value]] = []
    pressed: list[list[Value]] = []
    for width, height in SIZES:
        directory = where / f"{height}"
        directory.mkdir()
        with FakeCamera(directory, [_mode(width, height)]) as camera:
            kept, loop = _side_by_side(directory, camera, (width, height), seconds)
            encoded, presses, dropped = _encoding(directory, camera, (width, height), (seconds, tries))
        name = f"{width}x{height}"
        for what, cost in (
            (f"{name}: Hindsight, {seconds:g} s of its JPEGs", kept),
            (f"{name}: read() into a deque, {DECODED_S:g} s decoded", loop),
            (f"{name}: Hindsight, {seconds:g} s encoded on the way in", encoded),
        ):
            capture.append([what, cost.percent_of_core, cost.own_bytes / 1e6])
        rings.append([f"{name} MJPEG", *_megabytes(kept), kept.grown_bytes / kept.held_bytes])
        rings.append([f"{name}, `buffer.codec: h264`", *_megabytes(encoded), None])
        pressed.append([name, percentile(presses, 0.5), percentile(presses, 0.95), dropped])
    return _tables(seconds, tries, capture, rings, pressed)


def _tables(
    seconds: float,
    tries: int,
    capture: list[list[Value]],
    rings: list[list[Value]],
    pressed: list[list[Value]],
) -> list[Table]:
    look_back_s = min(LOOK_BACK_S, seconds / 2)
    return [
        Table(
            "USB camera: MJPEG at 30 frames a second",
            ["", "% of a core", "MB of its own"],
            capture,
            [
                f"Over {min(seconds, 30):g} s with a full buffer; the first two in the same seconds.",
                "The encoder is libx264 where no hardware encoder works; in `auto` only hardware is used.",
                "A fake V4L2 device inside each process: its copying, a memcpy per frame, is counted too.",
            ],
        ),
        Table(
            f"What {seconds:g} s of a USB camera take",
            ["", "MB held", "MB grown", "grown ÷ held"],
            rings,
            [
                f"Growth of the daemon's own memory from {WARM_UP_S:g} s after its start until the end.",
                "With `h264` that is mostly the encoder's own memory.",
            ],
        ),
        Table(
            f"USB camera with `buffer.codec: h264`: {look_back_s:g} s already in the buffer",
            ["press to last byte of the file, ms", "p50", "p95", "dropped by the encoder"],
            pressed,
            [f"{tries} tries each, over HTTP on loopback, while the camera goes on being encoded."],
        ),
    ]


def _mode(width: int, height: int) -> Mode:
    material = Material(width=width, height=height, fps=FPS, frames=300, codec=Codec.MJPEG)
    return Mode(b"MJPG", width, height, FPS, tuple(unit.data for unit in load(material.file())))


def _side_by_side(
    where: Path, camera: FakeCamera, size: tuple[int, int], seconds: float
) -> tuple[Cost, Cost]:
    with (
        _loop(where, camera, size) as peer,
        daemon(
            where,
            ["0"],
            seconds,
            environment=camera.environment,
            size=_named(size),
            buffer={"codec": "source"},
        ) as box,
    ):
        time.sleep(WARM_UP_S)
        before = _now(box)
        box.wait_for_buffer(seconds, seconds + 60)
        began, peer_began = usage(box.pid), usage(peer.pid)
        time.sleep(min(seconds, 30.0))
        ended, peer_ended = usage(box.pid), usage(peer.pid)
        kept = _cost(before, began, ended, _now(box))
        if peer.poll() is not None:
            raise BenchmarkFailed("the OpenCV loop ended by itself")
    return kept, Cost(cores(peer_began, peer_ended), peer_ended.own_bytes, 0, 0)


def _encoding(
    where: Path, camera: FakeCamera, size: tuple[int, int], how: tuple[float, int]
) -> tuple[Cost, list[float], int]:
    """Its cost, milliseconds from each press to the last byte, and how often the encoder fell behind."""
    seconds, tries = how
    directory = where / "encoded"
    directory.mkdir()
    with daemon(
        directory, ["0"], seconds, environment=camera.environment, size=_named(size), buffer={"codec": "h264"}
    ) as box:
        time.sleep(WARM_UP_S)
        before = _now(box)
        box.wait_for_buffer(seconds - 1, 2 * seconds + 60)
        began = usage(box.pid)
        time.sleep(min(seconds, 30.0))
        cost = _cost(before, began, usage(box.pid), _now(box))
        presses = [1000 * _press(box.client, min(LOOK_BACK_S, seconds / 2)) for _ in range(tries)]
        dropped = int(box.cameras()[0]["counters"]["ingest_gops_dropped"])
    return cost, presses, dropped


def _now(box: Daemon) -> tuple[Usage, int]:
    return usage(box.pid), sum(camera["buffer"]["held_bytes"] for camera in box.cameras())


def _cost(before: tuple[Usage, int], began: Usage, ended: Usage, after: tuple[Usage, int]) -> Cost:
    grown = after[0].own_bytes - before[0].own_bytes
    held = after[1] - before[1]
    # What was held at the first look is in that look's memory already; scaled to all that is held now.
    whole = int(grown * after[1] / held) if held > 0 else grown
    return Cost(cores(began, ended), after[0].own_bytes, after[1], whole)


def _megabytes(cost: Cost) -> tuple[float, float]:
    return cost.held_bytes / 1e6, cost.grown_bytes / 1e6


def _named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _press(client: Client, look_back_s: float) -> float:
    """Seconds until the last byte of a finished file."""
    time.sleep(0.7)
    request = {"camera": "cam0", "before_seconds": look_back_s, "after_seconds": 0}
    began = time.perf_counter()
    clip = client.call("POST", "/api/clips", request)
    while clip["status"] in ("pending", "processing"):
        if time.perf_counter() - began > LONGEST_WAIT_S:
            raise BenchmarkFailed(f"the clip was not finished after {LONGEST_WAIT_S:g} s: {clip}")
        clip = client.call("GET", f"/api/clips/{clip['id']}")
    data = client.raw("GET", f"/api/clips/{clip['id']}/playback/stream")
    ended = time.perf_counter()
    expected = round(look_back_s * FPS)
    if len(data) != clip["size_bytes"] or abs(clip["frame_count"] - expected) > 3:
        raise BenchmarkFailed(f"{len(data)} bytes and not {expected} frames: {clip}")
    client.call("DELETE", f"/api/clips/{clip['id']}")
    return ended - began


@contextmanager
def _loop(where: Path, camera: FakeCamera, size: tuple[int, int]) -> Iterator[subprocess.Popen[bytes]]:
    script = Path(__file__).with_name("opencv_loop.py")
    arguments = ["0", str(FPS), str(DECODED_S), str(where / "opencv.mp4"), *map(str, size)]
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=_with(camera.environment),
    )
    try:
        yield process
    finally:
        stop(process)


def _with(environment: Mapping[str, str]) -> dict[str, str]:
    return os.environ | dict(environment)
