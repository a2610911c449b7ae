"""Many cameras on one box: what they cost together, and whether a single frame is missing."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from benchmarks.camera import FULL_HD, FULL_HD_KBPS, cameras
from benchmarks.daemon import BenchmarkFailed, Client, daemon
from benchmarks.report import Table
from benchmarks.usage import cores, usage
from recorder.sources.test_picture.test_card import read_counter

FINISH_S = 60.0


def run(where: Path, seconds: float, count: int) -> Table:
    """Every camera buffers; in the end all are recorded at the same time and read frame by frame."""
    before_s, after_s = seconds / 2, min(5.0, seconds / 4)
    with cameras(count, FULL_HD) as sources, daemon(where, sources, seconds) as box:
        box.wait_for_buffer(before_s + 2, seconds + 60)
        began = usage(box.pid)
        clips = [_record(box.client, f"cam{n}", before_s, after_s) for n in range(count)]
        time.sleep(seconds / 2)
        ended = usage(box.pid)
        files = [_fetch(box.client, clip, where / f"{n}.mp4") for n, clip in enumerate(clips)]
        counters = [camera["counters"] for camera in box.cameras()]
    lost = [_lost(path, round((before_s + after_s) * FULL_HD.fps)) for path in files]
    frames = round((before_s + after_s) * FULL_HD.fps) * count
    return Table(
        f"{count} cameras at once, 1080p30 each",
        ["", "all cameras"],
        [
            ["frames checked", frames],
            ["frames lost or doubled", sum(lost)],
            ["reconnects", sum(c["reconnects"] for c in counters)],
            ["discontinuities", sum(c["discontinuities"] for c in counters)],
            ["% of a core, while all are recorded", cores(began, ended)],
            ["MB of its own", ended.own_bytes / 1e6],
        ],
        [
            f"{FULL_HD_KBPS} kb/s each over RTSP; one clip of {before_s + after_s:g} s per camera, "
            "all pressed at the same moment.",
            "Lost: the number drawn into each picture is read from the decoded clip; each step must be one.",
        ],
    )


def _record(client: Client, camera: str, before_s: float, after_s: float) -> dict[str, Any]:
    request = {"camera": camera, "before_seconds": before_s, "after_seconds": after_s}
    clip: dict[str, Any] = client.call("POST", "/api/clips", request)
    return clip


def _fetch(client: Client, clip: dict[str, Any], path: Path) -> Path:
    deadline = time.monotonic() + FINISH_S
    while clip["status"] in ("pending", "processing"):
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"the clip was not finished after {FINISH_S:g} s: {clip}")
        time.sleep(0.1)
        clip = client.call("GET", f"/api/clips/{clip['id']}")
    path.write_bytes(client.raw("GET", f"/api/clips/{clip['id']}/playback/stream"))
    return path


def _lost(path: Path, expected: int) -> int:
    """Frames that are missing from the clip, or in it twice. The camera's numbers go round with its loop."""
    with av.open(str(path)) as container:
        numbers = [read_counter(f.to_ndarray(format="bgr24")) for f in container.decode(video=0)]
    wrong = sum(
        1 if number is None or following is None else abs((following - number) % FULL_HD.frames - 1)
        for number, following in pairwise(numbers)
    )
    return wrong + max(0, expected - 1 - len(numbers))
