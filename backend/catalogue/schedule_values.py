"""Schedules and their runs as plain frozen values. Times are timezone-naive UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ScheduleKind(StrEnum):
    """What happens when it is due."""

    RECORDING = "recording"
    TIMELAPSE = "timelapse"


class Origin(StrEnum):
    """Who made a schedule, and may change it."""

    CONFIG = "config"
    API = "api"


class RunState(StrEnum):
    """What became of one time that a schedule was due."""

    WAITING = "waiting"
    """Due, and not begun: the reason says why; it is tried until its end."""
    RUNNING = "running"
    JOINING = "joining"
    """The pictures of a timelapse are being made into a clip."""
    DONE = "done"
    MISSED = "missed"
    FAILED = "failed"
    """Its clip could not be finished; the clip's own retry may still work."""


OPEN = frozenset({RunState.WAITING, RunState.RUNNING, RunState.JOINING})
"""Something is still to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """What a person asks for. A run keeps the one it began with."""

    name: str
    kind: ScheduleKind
    camera: str
    cron: str | None
    every_s: int | None
    """Of a recording: from one to the next, unless `cron`. Of a timelapse: between two pictures."""
    length_s: float | None
    """Of a recording."""
    join: str | None
    """Of a timelapse: `hour`, `day` or a number of seconds, after which the pictures become a clip."""
    fps: int | None
    """Of a timelapse: pictures per second of the clip."""
    timezone: str
    title: str
    """With {name}, {camera}, {date}, {time} and {weekday}."""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule. It belongs to the recorder that has its camera, which alone carries it out."""

    id: str
    recorder_id: str
    origin: Origin
    spec: ScheduleSpec
    created_at: datetime
    updated_at: datetime
    version: int
    seen_until: datetime | None
    """Every moment up to here was made a run; None: made or changed since the last look."""
    era: int
    """Grows when the clock is set back by more than a day: the same moments are then others."""
    furthest: datetime | None = None
    """The latest moment ever looked up to. A clock that was far behind and is put right passes over time
    that was looked after already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A time that a schedule is due. Its identity is schedule, era and `due_at`: it is run once."""

    id: str
    schedule_id: str
    recorder_id: str
    era: int
    spec: ScheduleSpec
    due_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was due, when it ran, and why it did not."""

    number: int
    id: str
    schedule_id: str
    recorder_id: str
    era: int
    spec: ScheduleSpec
    due_at: datetime
    ends_at: datetime
    state: RunState
    missed: int
    """How many times this row stands for; 0 unless missed."""
    last_due_at: datetime
    """The last of them."""
    started_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    clips: tuple[str, ...]
    pictures: int


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule with its next times and its newest run."""

    schedule: Schedule
    next_times: tuple[datetime, ...]
    last_run: Run | None


@dataclass(frozen=True, slots=True)
class MissedRuns:
    """Times in a row that passed without a run, and why."""

    first: datetime
    last: datetime
    ends_at: datetime
    """Of the last."""
    count: int
    reason: str


RunFields = Mapping[str, object]
"""Names and values of `Run` fields to set."""
