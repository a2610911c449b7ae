"""The box itself and its history as JSON: system, analytics."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from backend.catalogue.values import Sample
from backend.http.wire.times import RequestModel, RequestTime, ResponseModel, Time
from backend.storage.storage import StorageStatus


class DiskJson(ResponseModel):
    """The disk that clips are on."""

    total_bytes: int
    free_bytes: int
    clips_bytes: int
    clips: int


class CameraStorageJson(ResponseModel):
    """What one camera's finished clips take."""

    camera: str
    clips: int
    size_bytes: int


class EncoderTriedJson(ResponseModel):
    """One H.264 encoder that was tried at the start."""

    name: str
    works: bool
    reason: str


class EncoderJson(ResponseModel):
    """What clips that are not H.264 are encoded by; `name` is null while it is looked for, or none works."""

    name: str | None
    tried: list[EncoderTriedJson]
    running: int
    waiting: int


class ConcernJson(ResponseModel):
    """Something that does not work as it should while recording goes on."""

    subject: str
    detail: str = Field(description="What is wrong and what to do about it.")

    @classmethod
    def all_of(cls, concerns: Mapping[str, str]) -> list[Self]:
        return [cls(subject=subject, detail=concerns[subject]) for subject in sorted(concerns)]


class StorageJson(ResponseModel):
    """The object store beside the local disk, and what waits to be copied to it."""

    provider: str = Field(description="s3, or local when no store is configured.")
    state: Literal["none", "unknown", "ok", "failing"]
    cause: str | None = Field(
        description="Why it fails: host, region, clock, credentials, bucket, cors, full, slow, other."
    )
    detail: str | None = Field(description="The same as a sentence, with what to do.")
    keep_local: str | float = Field(description="always, never, or seconds.")
    waiting_files: int
    waiting_bytes: int
    waiting_deletions: int
    troubled_files: int = Field(description="Failed again and again though the store works.")
    oldest_waiting_since: Time | None
    oldest_waiting_seconds: float

    @classmethod
    def of(cls, now: StorageStatus) -> Self:
        return cls.model_validate(
            {name: getattr(now, name) for name in cls.model_fields.keys() & StorageStatus.__slots__}
            | {"oldest_waiting_since": now.oldest, "oldest_waiting_seconds": now.oldest_age_s}
        )


class SystemJson(ResponseModel):
    """`GET /api/system`."""

    version: str
    recorder_id: str
    started_at: Time
    uptime_seconds: float
    python: str
    platform: str
    pid: int
    memory_rss_bytes: int
    cpu_seconds: float
    load_average: tuple[float, float, float]
    disk: DiskJson
    cameras: list[CameraStorageJson]
    storage: StorageJson
    encoder: EncoderJson
    clock: str
    event_streams: int
    live_viewers: int
    concerns: list[ConcernJson]


class AnalyticsQuery(RequestModel):
    """`GET /api/analytics`. Default: the last 24 hours."""

    camera: str | None = Field(default=None, max_length=40)
    from_: RequestTime | None = Field(default=None, alias="from")
    to: RequestTime | None = None
    step: Literal["minute", "hour", "day"] | None = Field(
        default=None, description="Default: the finest that gives at most 1500 points."
    )


class SampleJson(ResponseModel):
    """One camera during one step."""

    at: Time
    fps: float | None = Field(description="Frames per live second.")
    fill: float | None = Field(description="Mean fill of the buffer, 0 to 1.")
    frames: int
    drops: int
    bytes: int
    live_seconds: float
    connecting_seconds: float
    stalled_seconds: float
    reconnecting_seconds: float
    stopped_seconds: float
    clips_removed: int = Field(description="By retention.")
    bytes_removed: int

    @classmethod
    def of(cls, sample: Sample) -> Self:
        return cls(
            at=sample.at,
            fps=None if sample.fps is None else round(sample.fps, 3),
            fill=None if sample.fill is None else round(sample.fill, 4),
            frames=sample.frames,
            drops=sample.drops,
            bytes=sample.bytes,
            live_seconds=sample.live_s,
            connecting_seconds=sample.connecting_s,
            stalled_seconds=sample.stalled_s,
            reconnecting_seconds=sample.reconnecting_s,
            stopped_seconds=sample.stopped_s,
            clips_removed=sample.clips_removed,
            bytes_removed=sample.bytes_removed,
        )


class CameraSamplesJson(ResponseModel):
    """The samples of one camera, oldest first."""

    camera: str
    samples: list[SampleJson]


class ClipTallyJson(ResponseModel):
    """What of one camera began within a quarter of an hour."""

    camera: str
    at: Time
    clips: int
    size_bytes: int


class AnalyticsJson(ResponseModel):
    """`GET /api/analytics`."""

    from_: Time = Field(serialization_alias="from")
    to: Time
    step_seconds: int
    cameras: list[CameraSamplesJson]
    clips: list[ClipTallyJson] = Field(
        description="By quarters of an hour, whatever the step; empty ones left out."
    )
