"""Schedules for tests."""

from datetime import datetime
from typing import Any

from backend.base.ids import new_id
from backend.catalogue.schedule_values import Origin, Schedule, ScheduleKind, ScheduleSpec

HERE = new_id()


def a_recording(**changes: Any) -> ScheduleSpec:
    """Every day at 07:30 UTC for ten minutes."""
    values: dict[str, Any] = {
        "name": "morning",
        "kind": ScheduleKind.RECORDING,
        "camera": "front",
        "cron": "30 7 * * *",
        "every_s": None,
        "length_s": 600.0,
        "join": None,
        "fps": None,
        "timezone": "UTC",
        "title": "",
    }
    return ScheduleSpec(**(values | changes))


def a_timelapse(**changes: Any) -> ScheduleSpec:
    """A picture every ten seconds, a clip every hour."""
    values: dict[str, Any] = {
        "name": "street",
        "kind": ScheduleKind.TIMELAPSE,
        "camera": "front",
        "cron": None,
        "every_s": 10,
        "length_s": None,
        "join": "hour",
        "fps": 25,
        "timezone": "UTC",
        "title": "",
    }
    return ScheduleSpec(**(values | changes))


def a_schedule(spec: ScheduleSpec | None = None, **changes: Any) -> Schedule:
    at = datetime(2026, 3, 1)
    values: dict[str, Any] = {
        "id": new_id(),
        "recorder_id": HERE,
        "origin": Origin.API,
        "spec": spec or a_recording(),
        "created_at": at,
        "updated_at": at,
        "version": 1,
        "seen_until": None,
        "era": 0,
    }
    return Schedule(**(values | changes))
