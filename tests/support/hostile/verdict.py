"""What must hold after a hostile campaign: the daemon, its memory and the good camera are unmoved."""

import io
from itertools import pairwise

import av

from recorder.sources.test_picture.test_card import read_counter
from tests.support.hostile.campaign import (
    GOOD,
    HOSTILE_BYTES,
    KEEP_NOTHING,
    MIB,
    SLACK_BYTES,
    Seen,
    ring_bytes,
    says_why,
)


def judge(seen: Seen) -> None:
    """Adds what does not hold to `seen.wrong`."""
    _good_camera(seen)
    _resources(seen)
    for name in KEEP_NOTHING:
        camera = seen.cameras[name]
        seen.expect(says_why(camera), f"{name} keeps nothing, and says only: {camera['reason']}")
    for name, camera in seen.cameras.items():
        seen.expect(bool(camera["reason"]), f"{name}: {camera['state']} without a reason")
        held = camera["buffer"]["held_bytes"]
        seen.expect(name == "good" or held <= HOSTILE_BYTES, f"{name}: the ring holds {held} bytes")
        failures = camera["counters"]["thread_failures"]
        seen.expect(failures == 0, f"{name}: {failures} unexpected failures ({camera['last_error']})")


def _good_camera(seen: Seen) -> None:
    with av.open(io.BytesIO(seen.good_video), "r") as container:
        shown = [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    holes = [
        (before, after)
        for before, after in pairwise(shown)
        if before is None or after is None or (after - before) % GOOD.frames != 1
    ]
    seen.expect(holes == [], f"the good camera's clip has holes: {holes[:10]}")
    seen.expect(seen.good_clip["gaps"] == [], f"the good camera's clip has gaps: {seen.good_clip['gaps']}")
    good = seen.cameras["good"]
    counters = ("reconnects", "discontinuities", "units_damaged", "recording_units_lost", "thread_failures")
    moved = {name: good["counters"][name] for name in counters if good["counters"][name]}
    seen.expect(not moved and good["state"] == "live", f"the good camera was moved: {good['state']} {moved}")


def _resources(seen: Seen) -> None:
    hostile = len(seen.cameras) - 1
    allowed = seen.rss_bytes[0] + int(1.3 * ring_bytes(hostile)) + SLACK_BYTES
    most = max(seen.rss_bytes)
    seen.expect(most <= allowed, f"RSS rose to {most // MIB} MiB, {allowed // MIB} are allowed")
    early = len(seen.threads) // 3
    for what, counts in (("threads", seen.threads), ("open files", seen.files)):
        before, after = max(counts[: early + 1]), counts[-1]
        # Each camera may have a connection (or an encoder) just now that it had not then.
        seen.expect(after <= before + 10, f"{what}: {before} in the first third, {after} at the end")
