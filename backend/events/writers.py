"""How events become JSON: functions passed in, because `http.wire` writes the JSON of the API.

Here: their types. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.catalogue.schedule_values import Run, ScheduleView
from backend.catalogue.values import Clip, ClipFacts
from recorder.base.values import CameraStatus

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Writers:
    """One function per kind of event."""

    clip: Callable[[Clip, ClipFacts], Json]
    camera: Callable[[CameraStatus, bool], Json]
    """Takes whether it is the first camera."""
    schedule: Callable[[ScheduleView], Json]
    run: Callable[[Run], Json]
