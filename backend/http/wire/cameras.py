"""Cameras, their buffers and what can be seen of them, as JSON."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from backend.base.times import rfc3339
from backend.http.wire.times import NaiveTime, RequestModel, RequestTime, ResponseModel, Time
from recorder import ReplayFile
from recorder.base.values import BufferStatus, CameraStatus, FrameList, Picture


class CameraQuery(RequestModel):
    """Which camera; the first one when left out."""

    camera: str | None = Field(default=None, max_length=40)


class FrameQuery(RequestModel):
    """`GET /api/cameras/{camera}/frame.jpg`."""

    at: RequestTime | None = Field(default=None, description="A buffered label; default: the newest frame.")
    width: int | None = Field(default=None, ge=16, le=7680, description="Scaled down to this; never up.")
    exact: bool = Field(default=True, description="false: the nearest keyframe before, much cheaper.")


class _SpanQuery(RequestModel):
    """A part of the buffer; what is left out reaches to the buffer's own end."""

    start: RequestTime | None = None
    end: RequestTime | None = None

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start")
        if start is not None and end is not None and end <= start:
            raise ValueError("must be later than start")
        return end


class FilmstripQuery(_SpanQuery):
    """`GET /api/cameras/{camera}/filmstrip`. Default span: the whole buffer."""

    count: int = Field(default=12, ge=1, le=60)
    width: int = Field(default=160, ge=32, le=640)


class ReplayQuery(_SpanQuery):
    """`GET /api/cameras/{camera}/replay.mp4`. Default span: the whole buffer."""

    form: Literal["clean"] | None = Field(
        default=None,
        description="clean: begin at the keyframe before the span, so that the file hides nothing before its "
        "first frame; for players that ignore edit lists.",
    )


class FramesQuery(_SpanQuery):
    """`GET /api/cameras/{camera}/frames`. Default span: the whole buffer."""

    limit: int = Field(default=300, ge=1, le=2000, description="More are thinned out evenly.")


class LiveQuery(RequestModel):
    """`WS /live/{camera}`."""

    h265: bool = Field(
        default=False, description="This viewer plays H.265 in fMP4; others get it encoded as H.264."
    )


class MjpegQuery(RequestModel):
    """`GET /live/{camera}.mjpeg`."""

    fps: float | None = Field(
        default=None,
        ge=0.1,
        le=120.0,
        description="Default for a camera that sends JPEG: its own pace. Others are decoded, ≤ 5 a second.",
    )


class BufferJson(ResponseModel):
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
        return cls(**_buffer(status))


class GivenBufferJson(BufferJson):
    """The buffer as the two given status endpoints print it: naive UTC, and the same with `Z`."""

    oldest_frame: NaiveTime | None
    newest_frame: NaiveTime | None
    oldest_frame_utc: Time | None
    newest_frame_utc: Time | None

    @classmethod
    def of(cls, status: BufferStatus) -> "GivenBufferJson":
        return cls(**_given(status))


class VideoBufferJson(GivenBufferJson):
    """`GET /video/buffer/status`: the buffer and what fills it."""

    camera: str
    state: str
    fps: float | None
    codec: str | None
    source_codec: str | None
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
            source_codec=status.source_codec,
            width=status.width,
            height=status.height,
        )


class OpenBufferJson(ResponseModel):
    """The buffer, for programs on this machine that prove nothing (`server.open_status`)."""

    frame_count: int
    duration_seconds: float
    oldest_frame: NaiveTime | None
    newest_frame: NaiveTime | None
    oldest_frame_utc: Time | None
    newest_frame_utc: Time | None

    @classmethod
    def of(cls, status: BufferStatus) -> "OpenBufferJson":
        given = _given(status)
        return cls(**{name: given[name] for name in cls.model_fields})


class OpenStreamStatusJson(ResponseModel):
    """`GET /api/debug/background-stream-status` for them: of the first camera."""

    stream_running: bool
    buffer: OpenBufferJson

    @classmethod
    def of(cls, status: CameraStatus) -> "OpenStreamStatusJson":
        return cls(stream_running=status.state == "live", buffer=OpenBufferJson.of(status.buffer))


class OpenVideoBufferJson(OpenBufferJson):
    """`GET /video/buffer/status` for them: of the first camera."""

    capacity_seconds: float
    held_frames: int
    held_seconds: float
    held_bytes: int
    fps: float | None
    codec: str | None

    @classmethod
    def of_camera(cls, status: CameraStatus) -> "OpenVideoBufferJson":
        known = _given(status.buffer) | {"fps": status.fps, "codec": status.codec}
        return cls(**{name: known[name] for name in cls.model_fields})


class StreamStatusJson(ResponseModel):
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


class CountersJson(ResponseModel):
    """Every loss, gap, drop and retry since the daemon started."""

    units: int
    bytes: int
    connects: int
    reconnects: int
    losses: int
    stalls: int
    freezes: int
    discontinuities: int
    units_before_keyframe: int
    units_damaged: int
    sound_frames: int
    sound_frames_lost: int
    sound_failures: int
    gops_evicted_by_bytes: int
    gops_too_large: int
    pins_let_go: int
    ingest_gops_dropped: int
    ingest_failures: int
    live_drops: int
    live_gops_dropped: int
    live_pictures_damaged: int
    live_sound_drops: int
    recording_units_lost: int
    write_failures: int
    finish_failures: int
    task_failures: int
    thread_failures: int


class CameraJson(ResponseModel):
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
    codec: str | None = Field(description="Of what the buffer holds and clips are made from.")
    source_codec: str | None = Field(
        description="Of what the camera sends; another than `codec` where it is encoded on the way in."
    )
    audio_codec: str | None = Field(description="Of the sound; null where none is heard.")
    audio_trouble: str | None = Field(description="What was last wrong with the sound of this connection.")
    width: int | None
    height: int | None
    fps: float | None
    buffer: BufferJson
    counters: CountersJson
    clock: str
    recordings: int
    viewers: int
    listeners: int
    frame_url: str
    live_url: str
    sound_url: str
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
            source_codec=status.source_codec,
            audio_codec=status.audio_codec,
            audio_trouble=status.audio_trouble,
            width=status.width,
            height=status.height,
            fps=status.fps,
            buffer=BufferJson.of(status.buffer),
            counters=CountersJson.model_validate(status.counters, from_attributes=True),
            clock=status.clock,
            recordings=status.recordings,
            viewers=status.viewers,
            listeners=status.listeners,
            frame_url=f"{base}/frame.jpg",
            live_url=f"/live/{status.camera_id}",
            sound_url=f"/live/{status.camera_id}/sound",
            mjpeg_url=f"/live/{status.camera_id}.mjpeg",
            filmstrip_url=f"{base}/filmstrip",
        )


class RecordingDefaultsJson(ResponseModel):
    """What Record takes when the request does not say."""

    before_seconds: float
    after_seconds: float | None = Field(description="null: until stopped")


class CameraListJson(ResponseModel):
    """`GET /api/cameras`."""

    cameras: list[CameraJson]
    recording: RecordingDefaultsJson


class FilmPictureJson(ResponseModel):
    """One picture of a filmstrip."""

    label: Time
    width: int
    height: int
    image: str = Field(description="The small JPEG as a data: URL.")
    frame_url: str = Field(description="The same frame in full size, while it is buffered.")

    @classmethod
    def of(cls, picture: Picture, camera_id: str) -> "FilmPictureJson":
        data = base64.b64encode(picture.jpeg).decode("ascii")
        return cls(
            label=picture.label,
            width=picture.width,
            height=picture.height,
            image=f"data:image/jpeg;base64,{data}",
            frame_url=f"/api/cameras/{camera_id}/frame.jpg?at={rfc3339(picture.label)}",
        )


class FilmstripJson(ResponseModel):
    """Small pictures of keyframes across the buffer, oldest first; exact frames come from `frame_url`."""

    camera: str
    pictures: list[FilmPictureJson]


FrameOffsets = Annotated[
    list[int],
    Field(
        description="Of every frame, oldest first: its label is `start_time` and this many microseconds. "
        "It is on show until the next one's label, the last one until `end_time`."
    ),
]


class ReplayJson(ResponseModel):
    """A span of the buffer that stays to be looked at, until a minute after the last look."""

    camera: str
    token: str = Field(description="For `POST /api/clips`: makes a clip of a part of it.")
    url: str
    start_time: Time
    end_time: Time
    duration_seconds: float
    frame_count: int
    frame_offsets_us: FrameOffsets
    media_start_seconds: float = Field(description="As of a clip's frames.")

    @classmethod
    def of(cls, file: ReplayFile, camera_id: str) -> "ReplayJson":
        return cls(
            camera=camera_id,
            token=file.token,
            url=f"/replay/{file.token}.mp4",
            start_time=file.start_time,
            end_time=file.end_time,
            duration_seconds=file.duration_s,
            frame_count=file.frame_count,
            frame_offsets_us=list(file.offsets_us),
            media_start_seconds=file.media_start_s,
        )


class FrameOfListJson(ResponseModel):
    """One frame."""

    label: Time
    frame_url: str = Field(description="The frame in full size, while it is buffered.")


class FramesJson(ResponseModel):
    """Frames of the buffer, oldest first: what a replay shows where there is no video to cut."""

    camera: str
    frame_count: int = Field(description="How many the span holds; more than `frames` when thinned out.")
    start_time: Time
    end_time: Time
    frame_offsets_us: FrameOffsets
    frames: list[FrameOfListJson]

    @classmethod
    def of(cls, found: FrameList, camera_id: str) -> "FramesJson":
        base = f"/api/cameras/{camera_id}/frame.jpg?at="
        frames = [FrameOfListJson(label=label, frame_url=base + rfc3339(label)) for label in found.labels]
        return cls(
            camera=camera_id,
            frame_count=found.frame_count,
            start_time=found.start_time,
            end_time=found.end_time,
            frame_offsets_us=list(found.offsets_us),
            frames=frames,
        )


def _buffer(status: BufferStatus) -> dict[str, Any]:
    return {
        "frame_count": status.frame_count,
        "duration_seconds": status.duration_s,
        "oldest_frame": status.oldest_frame,
        "newest_frame": status.newest_frame,
        "capacity_seconds": status.capacity_s,
        "max_bytes": status.max_bytes,
        "held_frames": status.held_frames,
        "held_seconds": status.held_s,
        "held_bytes": status.held_bytes,
        "pinned_bytes": status.pinned_bytes,
    }


def _given(status: BufferStatus) -> dict[str, Any]:
    utc = {"oldest_frame_utc": status.oldest_frame, "newest_frame_utc": status.newest_frame}
    return _buffer(status) | utc
