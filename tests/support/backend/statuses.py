"""The status of a camera that nobody runs, for tests that only look at values."""

from datetime import datetime
from typing import Any

from recorder.base.values import BufferStatus, CameraStatus, ClockState, StreamCounters, StreamState

AT = datetime(2026, 3, 1, 12)


def a_status(*, held_bytes: int = 5_000_000, held_s: float = 10.0, **changes: Any) -> CameraStatus:
    """An H.264 camera, 1280x720, that has sent 4 Mb/s for ten seconds."""
    buffer = BufferStatus(
        frame_count=300,
        duration_s=held_s,
        oldest_frame=AT,
        newest_frame=AT,
        capacity_s=60.0,
        max_bytes=1 << 28,
        held_frames=int(held_s * 30),
        held_s=held_s,
        held_bytes=held_bytes,
        pinned_bytes=0,
    )
    values: dict[str, Any] = {
        "camera_id": "front",
        "name": "Front door",
        "source": "synthetic",
        "state": StreamState.LIVE,
        "reason": "",
        "state_since": AT,
        "next_try": None,
        "last_error": None,
        "codec": "h264",
        "width": 1280,
        "height": 720,
        "fps": 30.0,
        "buffer": buffer,
        "counters": StreamCounters(),
        "clock": ClockState.SYNCHRONISED,
        "recordings": 0,
        "viewers": 0,
    }
    return CameraStatus(**(values | changes))
