"""From the press to a finished file where the camera sends JPEG: all of it must be encoded first."""

import time
from pathlib import Path

from benchmarks.camera import cameras
from benchmarks.daemon import BenchmarkFailed, Client, daemon
from benchmarks.report import Table, Value
from recorder.bitstream.access_unit import Codec
from tests.support.cameras.material import Material

SIZES = ((1280, 720, 1 / 3), (1920, 1080, 2 / 3))
"""Width, height, and the share of a clip's length within which it is promised."""
FPS = 30
LONGEST_WAIT_S = 300.0


def run(where: Path, seconds: float) -> Table:
    """Half the buffer in the past, and as much around the press, at each size."""
    length_s = min(30.0, seconds / 2)
    rows: list[list[Value]] = []
    for width, height, share in SIZES:
        material = Material(width=width, height=height, fps=FPS, frames=600, codec=Codec.MJPEG)
        directory = where / f"{height}"
        directory.mkdir()
        with cameras(1, material) as sources, daemon(directory, sources, seconds) as box:
            box.wait_for_buffer(length_s + 2, seconds + 60)
            past = _press(box.client, length_s, 0.0)
            around = _press(box.client, length_s / 2, length_s / 2)
        rows.append([f"{width}x{height}", past, length_s / past, length_s * share, around])
    return Table(
        f"Ready: {length_s:g} s of MJPEG to H.264",
        ["", "past: press to ready, s", "× real time", "promised, s", "around: last frame to ready, s"],
        rows,
        [
            "By libx264 where no hardware encoder works; the daemon goes on buffering meanwhile.",
            "The RTSP server and the client run on the same cores.",
        ],
    )


def _press(client: Client, before_s: float, after_s: float) -> float:
    """Seconds from the last frame of the clip until its file is finished."""
    request = {"camera": "cam0", "before_seconds": before_s, "after_seconds": after_s}
    began = time.perf_counter()
    clip = client.call("POST", "/api/clips", request)
    while clip["status"] in ("pending", "processing"):
        if time.perf_counter() - began > LONGEST_WAIT_S + after_s:
            raise BenchmarkFailed(f"the clip was not finished after {LONGEST_WAIT_S:g} s: {clip}")
        time.sleep(0.02)
        clip = client.call("GET", f"/api/clips/{clip['id']}")
    ended = time.perf_counter()
    expected = round((before_s + after_s) * FPS)
    if clip["status"] != "draft" or abs(clip["frame_count"] - expected) > 2:
        raise BenchmarkFailed(f"not {expected} frames: {clip}")
    client.call("DELETE", f"/api/clips/{clip['id']}")
    return ended - began - after_s
