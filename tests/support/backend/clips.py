"""A clip as the catalogue gives it, for tests that only look at values."""

from datetime import datetime
from typing import Any

from backend.catalogue.lifecycle import Status
from backend.catalogue.values import Clip, Location
from recorder.base.values import ClockState

AT = datetime(2025, 10, 26, 8, 0)
ID = "0199f0d0-0000-7000-8000-000000000001"


def a_clip(**changes: Any) -> Clip:
    """A finished clip of 30 seconds, with `changes`."""
    values: dict[str, Any] = {
        "id": ID,
        "recorder_id": ID,
        "camera": "front",
        "number": 1,
        "tags": ("dog",),
        "status": Status.DRAFT,
        "progress": None,
        "error": None,
        "retryable": False,
        "created_at": AT,
        "pressed_at": AT,
        "start_time": AT,
        "end_time": AT.replace(second=30),
        "clock": ClockState.SYNCHRONISED,
        "requested_before_s": 15.0,
        "requested_after_s": 15.0,
        "covered_before_s": 15.0,
        "covered_after_s": 15.0,
        "duration_s": 30.0,
        "frame_count": 900,
        "continued_by": None,
        "width": 1280,
        "height": 720,
        "fps": 30.0,
        "video_codec": "h264",
        "audio_codec": "aac",
        "lead_in_s": 0.75,
        "size_bytes": 1,
        "sha256": "0" * 64,
        "location": Location.LOCAL,
        "remote": (),
        "path": f"{ID}/clip.mp4",
        "keep": False,
        "publish_at": None,
        "published_at": None,
        "feed_number": None,
        "likes": 0,
        "version": 1,
    }
    return Clip(**(values | changes))
