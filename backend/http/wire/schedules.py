"""Schedules and their runs as JSON: requests and responses."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from backend.catalogue.schedule_values import Run, ScheduleKind, ScheduleSpec, ScheduleView
from backend.http.wire.clips import CameraName, Title
from backend.http.wire.times import JsonSeconds, RequestModel, ResponseModel, Time
from backend.recurrence.requests import DEFAULT_FPS

Whole = Annotated[int, Field(strict=True)]
ScheduleName = Annotated[Title, Field(max_length=100)]
Cron = Annotated[str, Field(max_length=200)]
Join = Literal["hour", "day"] | Whole

FIELDS = {"every": "every_seconds", "length": "length_seconds"}
"""The fields that JSON calls otherwise than config.yaml."""
_SPEC_NAMES = {"every_seconds": "every_s", "length_seconds": "length_s"}


class _ScheduleFields(RequestModel):
    """What both a new schedule and a change may hold."""

    name: ScheduleName = Field(default="", description="What people call it.")
    camera: CameraName | None = Field(default=None, description="The first camera when left out.")
    cron: Cron | None = Field(
        default=None,
        description="Of a recording: minute, hour, day of month, month, day of week.",
        examples=["30 7 * * mon-fri"],
    )
    every_seconds: Whole | None = Field(
        default=None, description="From one recording to the next, or between two pictures of a timelapse."
    )
    length_seconds: JsonSeconds | None = Field(default=None, description="Of each recording.")
    join: Join | None = Field(
        default=None, description="Of a timelapse: hour, day or seconds, after which a clip is made."
    )
    fps: Whole | None = Field(
        default=None, description=f"Pictures per second of a timelapse clip; default {DEFAULT_FPS}."
    )
    timezone: str | None = Field(
        default=None, max_length=100, description="Such as Europe/Berlin. Default: config `timezone`."
    )
    title: Title = Field(
        default="", description="Of the clips; {name}, {camera}, {date}, {time}, {weekday} are filled in."
    )
    enabled: bool = True


class ScheduleRequest(_ScheduleFields):
    """`POST /api/schedules`."""

    kind: Literal["recording", "timelapse"] = "recording"

    def spec(self, camera: str, default_timezone: str) -> ScheduleSpec:
        """What a new schedule on `camera` is to do."""
        kind = ScheduleKind(self.kind)
        is_timelapse = kind is ScheduleKind.TIMELAPSE
        return ScheduleSpec(
            name=self.name,
            kind=kind,
            camera=camera,
            cron=self.cron,
            every_s=self.every_seconds,
            length_s=self.length_seconds,
            join=None if self.join is None else str(self.join),
            fps=DEFAULT_FPS if is_timelapse and self.fps is None else self.fps,
            timezone=self.timezone or default_timezone,
            title=self.title,
            enabled=self.enabled,
        )


class SchedulePatch(_ScheduleFields):
    """`PATCH /api/schedules/{id}`: what is left out stays as it is."""

    def changes(self) -> dict[str, Any]:
        """The fields of the spec that were given."""
        given = {_SPEC_NAMES.get(name, name): getattr(self, name) for name in self.model_fields_set}
        if given.get("join") is not None:
            given["join"] = str(given["join"])
        return given


class ScheduleQuery(RequestModel):
    """`GET /api/schedules`."""

    camera: CameraName | None = None


class RunQuery(RequestModel):
    """`GET /api/schedules/{id}/runs`."""

    limit: int = Field(default=50, ge=1, le=200)


class RunJson(ResponseModel):
    """One time that a schedule was due: when it ran, or why it did not."""

    id: str
    schedule_id: str
    camera: str
    due_at: Time
    ends_at: Time
    state: str = Field(description="waiting, running, joining, done, missed or failed")
    missed: int = Field(description="How many times in a row this stands for; 0 unless missed.")
    last_due_at: Time = Field(description="The last of those.")
    started_at: Time | None
    ended_at: Time | None
    reason: str | None = Field(description="Why it waits, began late, has gaps or did not run.")
    clips: tuple[str, ...] = Field(description="Ids; several where it was broken off and resumed.")
    pictures: int = Field(description="Of a timelapse, so far.")

    @classmethod
    def of(cls, run: Run) -> Self:
        values: dict[str, Any] = {name: getattr(run, name) for name in cls.model_fields if name != "camera"}
        return cls(**values, camera=run.spec.camera)


class RunListJson(ResponseModel):
    """Newest first."""

    runs: list[RunJson]


class ScheduleJson(ResponseModel):
    """One schedule."""

    id: str
    recorder_id: str
    origin: str = Field(description="config: from config.yaml, read-only here; api.")
    kind: str
    name: str
    camera: str
    cron: str | None
    every_seconds: int | None
    length_seconds: float | None
    join: Join | None
    fps: int | None
    timezone: str
    title: str
    enabled: bool
    created_at: Time
    updated_at: Time
    version: int
    next: list[Time] = Field(description="The next times; empty while disabled.")
    last_run: RunJson | None

    @classmethod
    def of(cls, view: ScheduleView) -> Self:
        schedule, spec = view.schedule, view.schedule.spec
        return cls(
            id=schedule.id,
            recorder_id=schedule.recorder_id,
            origin=schedule.origin.value,
            kind=spec.kind.value,
            name=spec.name,
            camera=spec.camera,
            cron=spec.cron,
            every_seconds=spec.every_s,
            length_seconds=spec.length_s,
            join=_join_json(spec.join),
            fps=spec.fps,
            timezone=spec.timezone,
            title=spec.title,
            enabled=spec.enabled,
            created_at=schedule.created_at,
            updated_at=schedule.updated_at,
            version=schedule.version,
            next=list(view.next_times),
            last_run=None if view.last_run is None else RunJson.of(view.last_run),
        )


class ScheduleListJson(ResponseModel):
    """`GET /api/schedules`, oldest first."""

    schedules: list[ScheduleJson]


def _join_json(join: str | None) -> Join | None:
    match join:
        case None:
            return None
        case "hour":
            return "hour"
        case "day":
            return "day"
        case seconds:
            return int(seconds)
