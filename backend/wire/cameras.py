"""Cameras, their buffers and what can be seen of them, as JSON."""

from typing import Any

from pydantic import Field

from backend.wire.times import Answer, NaiveTime, Time
from recorder.values import BufferStatus, CameraStatus


class GivenBufferJson(Answer):
    """The buffer as the two given status endpoints print it: naive UTC, and the same with `Z`."""

    frame_count: int
    duration_seconds: float
    oldest_frame: NaiveTime | None
    newest_frame: NaiveTime | None
    oldest_frame_utc: Time | None
    newest_frame_utc: Time | None
    capacity_seconds: float
    max_bytes: int
    held_frames: int
    held_seconds: float
    held_bytes: int
    pinned_bytes: int

    @classmethod
    def of(cls, status: BufferStatus) -> "GivenBufferJson":
        return cls(**_given(status))


class VideoBufferJson(GivenBufferJson):
    """`GET /video/buffer/status`: the buffer and what fills it."""

    camera: str
    state: str
    fps: float | None
    codec: str | None
    width: int | None
    height: int | None

    @classmethod
    def of_camera(cls, status: CameraStatus) -> "VideoBufferJson":
        return cls(
            **_given(status.buffer),
            camera=status.camera_id,
            state=status.state,
            fps=status.fps,
            codec=status.codec,
            width=status.width,
            height=status.height,
        )


class StreamStatusJson(Answer):
    """`GET /api/debug/background-stream-status`."""

    stream_running: bool
    buffer: GivenBufferJson
    camera: str
    state: str
    reason: str

    @classmethod
    def of(cls, status: CameraStatus) -> "StreamStatusJson":
        return cls(
            stream_running=status.state == "live",
            buffer=GivenBufferJson.of(status.buffer),
            camera=status.camera_id,
            state=status.state,
            reason=status.reason,
        )


class BufferJson(Answer):
    """The newest `capacity_seconds`, and what is held beyond them."""

    frame_count: int
    duration_seconds: float
    oldest_frame: Time | None
    newest_frame: Time | None
    capacity_seconds: float
    max_bytes: int
    held_frames: int
    held_seconds: float
    held_bytes: int
    pinned_bytes: int

    @classmethod
    def of(cls, status: BufferStatus) -> "BufferJson":
        return cls(
            frame_count=status.frame_count,
            duration_seconds=status.duration_s,
            oldest_frame=status.oldest_frame,
            newest_frame=status.newest_frame,
            capacity_seconds=status.capacity_s,
            max_bytes=status.max_bytes,
            held_frames=status.held_frames,
            held_seconds=status.held_s,
            held_bytes=status.held_bytes,
            pinned_bytes=status.pinned_bytes,
        )


class CountersJson(Answer):
    """Every loss, gap, drop and retry since the daemon started."""

    units: int
    bytes: int
    connects: int
    reconnects: int
    discontinuities: int
    units_before_keyframe: int
    units_damaged: int
    gops_evicted_by_bytes: int
    gops_too_large: int
    live_drops: int
    recording_units_lost: int
    write_failures: int
    finish_failures: int
    task_failures: int
    thread_failures: int


class CameraJson(Answer):
    """One camera now."""

    id: str
    name: str
    source: str = Field(description="The address without credentials.")
    default: bool = Field(description="Used where a request names no camera.")
    state: str = Field(description="connecting, live, stalled, reconnecting or stopped")
    reason: str
    state_since: Time
    next_try: Time | None
    last_error: str | None
    codec: str | None
    width: int | None
    height: int | None
    fps: float | None
    buffer: BufferJson
    counters: CountersJson
    clock: str
    recordings: int
    viewers: int
    frame_url: str
    live_url: str
    mjpeg_url: str
    filmstrip_url: str

    @classmethod
    def of(cls, status: CameraStatus, *, default: bool) -> "CameraJson":
        base = f"/api/cameras/{status.camera_id}"
        return cls(
            id=status.camera_id,
            name=status.name,
            source=status.source,
            default=default,
            state=status.state,
            reason=status.reason,
            state_since=status.state_since,
            next_try=status.next_try,
            last_error=status.last_error,
            codec=status.codec,
            width=status.width,
            height=status.height,
            fps=status.fps,
            buffer=BufferJson.of(status.buffer),
            counters=CountersJson.model_validate(status.counters, from_attributes=True),
            clock=status.clock,
            recordings=status.recordings,
            viewers=status.viewers,
            frame_url=f"{base}/frame.jpg",
            live_url=f"/live/{status.camera_id}",
            mjpeg_url=f"/live/{status.camera_id}.mjpeg",
            filmstrip_url=f"{base}/filmstrip",
        )


class CameraListJson(Answer):
    """`GET /api/cameras`."""

    cameras: list[CameraJson]


class FilmPictureJson(Answer):
    """One picture of a filmstrip."""

    label: Time
    width: int
    height: int
    approximate: bool = Field(description="A keyframe near the asked moment, not the frame itself.")
    image: str = Field(description="The JPEG as a data: URL.")


class FilmstripJson(Answer):
    """Small pictures across the buffer, oldest first."""

    camera: str
    start: Time | None
    end: Time | None
    pictures: list[FilmPictureJson]


def _given(status: BufferStatus) -> dict[str, Any]:
    return {
        "frame_count": status.frame_count,
        "duration_seconds": status.duration_s,
        "oldest_frame": status.oldest_frame,
        "newest_frame": status.newest_frame,
        "oldest_frame_utc": status.oldest_frame,
        "newest_frame_utc": status.newest_frame,
        "capacity_seconds": status.capacity_s,
        "max_bytes": status.max_bytes,
        "held_frames": status.held_frames,
        "held_seconds": status.held_s,
        "held_bytes": status.held_bytes,
        "pinned_bytes": status.pinned_bytes,
    }
