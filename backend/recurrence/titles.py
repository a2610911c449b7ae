"""Titles with the time in them. Pure."""

import re
from datetime import datetime

from backend.catalogue.schedule_values import ScheduleSpec
from backend.recurrence.rules import local

PLACEHOLDERS = ("name", "camera", "date", "time", "weekday")
MOST_CHARACTERS = 200
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# Not strftime's, which follow the locale of the daemon's environment.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def unknown_placeholder(template: str) -> str | None:
    """The first {…} of a template that stands for nothing."""
    return next((name for name in _PLACEHOLDER.findall(template) if name not in PLACEHOLDERS), None)


def title(spec: ScheduleSpec, camera_name: str, due_at: datetime) -> str:
    """The title of what was recorded at `due_at`, its date and time in the schedule's zone."""
    shown = local(due_at, spec.timezone)
    values = {
        "name": spec.name or camera_name,
        "camera": camera_name,
        "date": f"{shown:%Y-%m-%d}",
        "time": f"{shown:%H:%M}",
        "weekday": _WEEKDAYS[shown.weekday()],
    }
    template = spec.title or "{name}, {date} {time}"
    rendered = _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
    return rendered[:MOST_CHARACTERS]
