"""What a person can configure, as validated values. `config.yaml` at the root documents every key.

Not here: where values come from (`load` reads the file, the environment and their errors).
No message made here repeats a value: it might be a password. Immutable; no I/O.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from backend.config.playback import PlaybackConfig
from backend.config.retention import BudgetConfig, RetentionConfig
from backend.config.schedules import ScheduleConfig
from backend.config.server import ServerConfig
from backend.config.storage import CatalogueConfig, KeepLocal, S3Config
from backend.config.values import Bytes, CameraId, Seconds, Section, matching, parse_bytes, parse_seconds
from recorder.base.redaction import secrets_in

PictureSize = Annotated[
    str, matching("[1-9][0-9]{1,4}x[1-9][0-9]{1,4}", "must be width x height in pixels, such as 1280x720")
]
SYNTHETIC_CAMERA_ID = "synthetic"


class BufferConfig(Section):
    """The bounds of every camera's buffer."""

    seconds: float = Field(default=60.0, ge=1, le=3600)
    max_bytes: Bytes = Field(default=256 * 1024 * 1024, ge=1024 * 1024)
    codec: Literal["auto", "source", "h264"] = "auto"
    total_bytes: Bytes | Literal["auto"] = "auto"

    @field_validator("total_bytes", mode="before")
    @classmethod
    def _auto_or_bytes(cls, value: Any) -> Any:
        return value if value == "auto" else parse_bytes(value)


class CameraBufferConfig(Section):
    """One camera's own bounds; what is left out comes from `buffer`."""

    seconds: float | None = Field(default=None, ge=1, le=3600)
    max_bytes: Bytes | None = Field(default=None, ge=1024 * 1024)
    codec: Literal["auto", "source", "h264"] | None = None

    @field_validator("max_bytes", mode="before")
    @classmethod
    def _bytes_or_none(cls, value: Any) -> Any:
        return None if value is None else parse_bytes(value)


class CameraConfig(Section):
    """One camera. `source` may hold credentials, so it is a secret."""

    id: CameraId
    name: str = Field(default="", max_length=100)
    source: SecretStr | None = None
    source_file: Path | None = None
    buffer: CameraBufferConfig = CameraBufferConfig()
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    open_timeout: Seconds = Field(default=5.0, ge=0.5, le=60)
    read_timeout: Seconds | None = Field(default=None, ge=0.5, le=9)
    size: PictureSize = "1280x720"
    fps: float = Field(default=30.0, ge=1, le=240)
    rotation: Literal[0, 90, 180, 270] = 0
    audio: bool = True

    @field_validator("read_timeout", mode="before")
    @classmethod
    def _seconds_or_none(cls, value: Any) -> Any:
        return None if value is None else parse_seconds(value)

    @field_validator("source", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_source(self) -> "CameraConfig":
        if (self.source is None) == (self.source_file is None):
            raise ValueError("needs exactly one of 'source' and 'source_file'")
        return self

    @property
    def label(self) -> str:
        """What people read."""
        return self.name or self.id

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of `size`."""
        width, _, height = self.size.partition("x")
        return int(width), int(height)


class RecordingConfig(Section):
    """What Record takes when it is not told."""

    before_seconds: float = Field(default=15.0, ge=0, le=3600)
    after_seconds: float | None = Field(default=15.0, ge=0, le=86400)


class StorageConfig(Section):
    """Where files go."""

    thumbnails_dir: Path | None = None
    thumbnails_fallback_dir: Path | None = None
    keep_local: KeepLocal = "always"
    s3: S3Config | None = None

    @model_validator(mode="after")
    def _kept_somewhere(self) -> "StorageConfig":
        if self.keep_local != "always" and self.s3 is None:
            raise ValueError("keep_local needs s3: without a store, the local file is the only one")
        return self


class PreviewsConfig(Section):
    """The pictures that stand for clips."""

    manual_width: int = Field(default=1280, ge=16, le=7680)
    decode_timeout: Seconds = Field(default=30.0, ge=1, le=300)


class Config(Section):
    """Everything."""

    data_dir: Path = Path("data")
    server: ServerConfig = ServerConfig()
    cameras: tuple[CameraConfig, ...] = ()
    buffer: BufferConfig = BufferConfig()
    recording: RecordingConfig = RecordingConfig()
    storage: StorageConfig = StorageConfig()
    catalogue: CatalogueConfig = CatalogueConfig()
    playback: PlaybackConfig = PlaybackConfig()
    previews: PreviewsConfig = PreviewsConfig()
    retention: RetentionConfig = RetentionConfig()
    budget: BudgetConfig = BudgetConfig()
    timezone: str = Field(default="UTC", max_length=100)
    schedules: tuple[ScheduleConfig, ...] = Field(default=(), max_length=100)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("cameras", "schedules", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator("cameras")
    @classmethod
    def _ids_are_unique(cls, cameras: tuple[CameraConfig, ...]) -> tuple[CameraConfig, ...]:
        ids = [camera.id for camera in cameras]
        if len(set(ids)) != len(ids):
            raise ValueError("two cameras have the same id")
        return cameras

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        if name != "UTC":
            from backend.recurrence.rules import is_zone

            if not is_zone(name):
                raise ValueError("is not in the time zone database; such as Europe/Berlin, or UTC")
        return name

    @field_validator("schedules")
    @classmethod
    def _schedules_fit(
        cls, schedules: tuple[ScheduleConfig, ...], info: ValidationInfo
    ) -> tuple[ScheduleConfig, ...]:
        names = [schedule.name for schedule in schedules]
        if len(set(names)) != len(names):
            raise ValueError("two schedules have the same name")
        cameras = {camera.id for camera in info.data.get("cameras", ())}
        for index, schedule in enumerate(schedules):
            if cameras and schedule.camera is not None and schedule.camera not in cameras:
                raise ValueError(f"number {index + 1} names a camera that is not among `cameras`")
        return schedules

    @property
    def clips_dir(self) -> Path:
        """Finished clips and recordings under way; one folder each."""
        return self.data_dir / "clips"

    @property
    def catalogue_url(self) -> str:
        """The database, with its password."""
        url = self.catalogue.url
        return f"sqlite:///{self.data_dir / 'catalogue.sqlite'}" if url is None else url.get_secret_value()

    @property
    def thumbnails_dir(self) -> Path:
        """Pictures of clips; one folder each."""
        return self.storage.thumbnails_dir or self.data_dir / "thumbnails"

    @property
    def thumbnails_fallback_dir(self) -> Path:
        """Where pictures go while `thumbnails_dir` cannot be written."""
        return self.storage.thumbnails_fallback_dir or self.data_dir / "thumbnails-fallback"

    @property
    def effective_cameras(self) -> tuple[CameraConfig, ...]:
        """The cameras that run: the configured ones, or the synthetic one."""
        if self.cameras:
            return self.cameras
        synthetic = CameraConfig(
            id=SYNTHETIC_CAMERA_ID, name="Synthetic camera", source=SecretStr("synthetic")
        )
        return (synthetic,)

    def secrets(self) -> set[str]:
        """Every literal that must never leave the process: of camera addresses, the store, the database."""
        s3 = self.storage.s3
        keys = () if s3 is None else (s3.access_key, s3.secret_key)
        others = {key.get_secret_value() for key in keys if key is not None} | self.catalogue.secrets()
        return others | {
            secret
            for camera in self.cameras
            if camera.source is not None
            for secret in secrets_in(camera.source.get_secret_value())
        }
