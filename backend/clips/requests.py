"""What use cases of clips take: plain values, from HTTP, schedules and the command line alike.

Not here: JSON and its limits on texts (`http.wire`), what a recorder takes (`recorder.base.values`). Pure.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from backend.catalogue.values import PreviewSource

MOST_BEFORE_S = 3600.0
"""No buffer is longer, so more is a mistake; up to here the clip's `covered` says what there was."""
MOST_AFTER_S = 6 * 3600.0
"""A planned recording; longer ones are open-ended and stopped, or extended."""
LONGEST_PLANNED_S = MOST_BEFORE_S + MOST_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """A recording: seconds around `at`, or the span from `start` to `end`."""

    camera: str | None = None
    """None: the first one."""
    at: datetime | None = None
    """The label of the frame seen; None: the newest."""
    before_s: float | None = None
    after_s: float | None = None
    """None: as configured."""
    until_stopped: bool = False
    start: datetime | None = None
    end: datetime | None = None
    replay: str | None = None
    """The token of an open replay, which holds the span although the buffer may have moved on."""
    thumbnail: PreviewSource = PreviewSource.MIDDLE
    title: str = ""
    caption: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotOptions:
    """One frame to keep, the newest when `at` is None."""

    camera: str | None = None
    at: datetime | None = None
    title: str = ""
    caption: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipChanges:
    """What of a clip a person changes; None stays as it is."""

    title: str | None = None
    caption: str | None = None
    tags: tuple[str, ...] | None = None
    thumbnail: PreviewSource | None = None
    keep: bool | None = None

    def given(self, *names: str) -> dict[str, Any]:
        """Those of `names` that are to change."""
        wanted = (field.name for field in fields(self) if field.name in names)
        return {name: value for name in wanted if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """The same for many clips. `caption` and `at` are for publishing."""

    action: Literal["publish", "unpublish", "delete", "retry"]
    ids: tuple[str, ...]
    caption: str | None = None
    at: datetime | None = None
