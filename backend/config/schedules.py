"""The section `schedules` of the configuration: what is recorded by the clock.

Here: the keys, and that each entry can be carried out. Not here: the rules themselves
(`backend.schedules`, loaded only where there are entries: `hindsight status` needs no calendar).
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from backend.config.values import Seconds, Section, parse_seconds

if TYPE_CHECKING:
    from backend.catalogue.schedule_values import ScheduleSpec


def _seconds_or_none(value: Any) -> Any:
    return None if value is None else parse_seconds(value)


def _period(value: Any) -> Any:
    return value if value in (None, "hour", "day") else parse_seconds(value)


OptionalSeconds = Annotated[Seconds | None, BeforeValidator(_seconds_or_none)]


class ScheduleConfig(Section):
    """One schedule. `name` is how a reload knows it again."""

    name: str = Field(min_length=1, max_length=100)
    kind: Literal["recording", "timelapse"] = "recording"
    camera: str | None = Field(default=None, max_length=40)
    cron: str | None = Field(default=None, max_length=200)
    every: OptionalSeconds = None
    length: OptionalSeconds = None
    join: Annotated[Literal["hour", "day"] | float | None, BeforeValidator(_period)] = None
    fps: int | None = None
    timezone: str | None = Field(default=None, max_length=100)
    title: str = Field(default="", max_length=200)
    enabled: bool = True

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> "ScheduleConfig":
        from backend.problems.refused import Refused
        from backend.recurrence.requests import check

        for name in ("every", "join"):
            value = getattr(self, name)
            if isinstance(value, float) and not value.is_integer():
                raise ValueError(f"{name} must be whole seconds")
        try:
            check(self.spec("", "UTC"))
        except Refused as refused:
            raise ValueError(refused.detail.removesuffix(".")) from refused
        return self

    def spec(self, default_camera: str, default_timezone: str) -> "ScheduleSpec":
        """What the catalogue keeps of it."""
        from backend.catalogue.schedule_values import ScheduleKind, ScheduleSpec
        from backend.recurrence.requests import DEFAULT_FPS

        kind = ScheduleKind(self.kind)
        is_timelapse = kind is ScheduleKind.TIMELAPSE
        return ScheduleSpec(
            name=self.name,
            kind=kind,
            camera=self.camera or default_camera,
            cron=self.cron,
            every_s=None if self.every is None else int(self.every),
            length_s=self.length,
            join=str(int(self.join)) if isinstance(self.join, float) else self.join,
            fps=DEFAULT_FPS if is_timelapse and self.fps is None else self.fps,
            timezone=self.timezone or default_timezone,
            title=self.title,
            enabled=self.enabled,
        )
