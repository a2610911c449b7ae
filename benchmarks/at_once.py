"""From the press to the last byte of a finished file: how long a person waits for what already happened."""

import random
import time
from pathlib import Path

from benchmarks.camera import FULL_HD, FULL_HD_KBPS, cameras
from benchmarks.daemon import BenchmarkFailed, Client, daemon
from benchmarks.report import Table, Value, percentile

PROMISED_MS = 100.0
LONGEST_WAIT_S = 30.0


def run(where: Path, seconds: float, tries: int) -> Table:
    """`tries` recordings of half the buffer, each deleted before the next."""
    look_back_s = min(30.0, seconds / 2)
    with cameras(1, FULL_HD) as sources, daemon(where, sources, seconds) as box:
        # A little more than asked, so that no try begins before the buffer does.
        box.wait_for_buffer(look_back_s + 2, seconds + 60)
        # Presses fall anywhere in a GOP.
        rng = random.Random(0)
        answers, totals, sizes = [], [], []
        for _ in range(tries):
            time.sleep(rng.uniform(0.3, 1.3))
            answer_s, total_s, size = _press(box.client, look_back_s)
            answers.append(1000 * answer_s)
            totals.append(1000 * total_s)
            sizes.append(size)
    rows: list[list[Value]] = [
        [name, percentile(values, 0.5), percentile(values, 0.95), max(values)]
        for name, values in (
            ("answer 201, clip durable", answers),
            ("last byte of the file received", totals),
        )
    ]
    return Table(
        f"At once: {look_back_s:g} s of 1080p30 already in the buffer",
        ["milliseconds after sending the POST", "p50", "p95", "slowest"],
        rows,
        [
            f"{tries} tries, {FULL_HD_KBPS} kb/s H.264 over RTSP, "
            f"{percentile(sizes, 0.5) / 1e6:.1f} MB a file, over HTTP on loopback.",
            f"Promised: p95 ≤ {PROMISED_MS:g} ms.",
            "The RTSP server and the client run on the same cores.",
        ],
    )


def _press(client: Client, look_back_s: float) -> tuple[float, float, int]:
    """Seconds until the answer and until the last byte, and the bytes of the file."""
    request = {"camera": "cam0", "before_seconds": look_back_s, "after_seconds": 0}
    began = time.perf_counter()
    clip = client.call("POST", "/api/clips", request)
    answered = time.perf_counter()
    while clip["status"] in ("pending", "processing"):
        if time.perf_counter() - began > LONGEST_WAIT_S:
            raise BenchmarkFailed(f"the clip was not finished after {LONGEST_WAIT_S:g} s: {clip}")
        clip = client.call("GET", f"/api/clips/{clip['id']}")
    data = client.raw("GET", f"/api/clips/{clip['id']}/playback/stream")
    ended = time.perf_counter()
    expected = round(look_back_s * FULL_HD.fps)
    if len(data) != clip["size_bytes"] or abs(clip["frame_count"] - expected) > 1:
        raise BenchmarkFailed(f"{len(data)} bytes and not {expected} frames: {clip}")
    client.call("DELETE", f"/api/clips/{clip['id']}")
    return answered - began, ended - began, len(data)
