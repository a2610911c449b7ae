"""The sections that say what is kept and what recordings may cost. `config.yaml` documents every key.

Immutable; no I/O. What the rules mean is decided in `retention.plan`, what a recording costs in `budget`.
"""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from backend.config.values import Bytes, CameraId, Seconds, Section, parse_bytes, parse_seconds

_GIB = 1024**3


class RetentionRule(Section):
    """One limit or more, and which clips it concerns."""

    camera: CameraId | None = None
    status: Literal["draft", "published", "failed"] | None = None
    max_age: Seconds | None = Field(default=None, ge=60, le=100 * 366 * 86400)
    max_clips: int | None = Field(default=None, ge=1)
    max_bytes: Bytes | None = Field(default=None, ge=1)

    @field_validator("max_age", mode="before")
    @classmethod
    def _seconds_or_none(cls, value: Any) -> Any:
        return None if value is None else parse_seconds(value)

    @field_validator("max_bytes", mode="before")
    @classmethod
    def _bytes_or_none(cls, value: Any) -> Any:
        return None if value is None else parse_bytes(value)

    @model_validator(mode="after")
    def _limits_something(self) -> "RetentionRule":
        if self.max_age is None and self.max_clips is None and self.max_bytes is None:
            raise ValueError("needs at least one of 'max_age', 'max_clips' and 'max_bytes'")
        return self


class ReserveConfig(Section):
    """Free space that recordings leave alone."""

    bytes: Bytes = Field(default=_GIB, ge=0)
    clips: float = Field(default=2, ge=0, le=1000)
    make_room: bool = True


class RetentionConfig(Section):
    """What leaves the disk by itself."""

    rules: tuple[RetentionRule, ...] = ()
    reserve: ReserveConfig = ReserveConfig()
    hold_above: float = Field(default=0.25, ge=0, le=1)

    @field_validator("rules", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value


class BudgetConfig(Section):
    """Credits for recordings, shared by everybody on this box."""

    credits: int | None = Field(default=None, ge=1)
    period: Seconds = Field(default=86400.0, ge=60, le=366 * 86400)
    snapshot: int = Field(default=1, ge=0)
    clip: int = Field(default=10, ge=0)
