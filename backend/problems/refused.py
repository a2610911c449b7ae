"""The one exception of use cases that refuse, and which kind the errors of other packages are.

Here: the sentence made from kind and parameters. Not here: statuses (`http.problems`); errors that nobody
foresaw, which are logged and never shown. Texts pass `redact` on their way out. Pure.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from string import Formatter
from typing import Any

from backend.base.machine.descriptors import NONE_LEFT
from backend.base.text.human_units import readable_bytes, readable_s
from backend.base.times import rfc3339
from backend.catalogue import errors as catalogue_errors
from backend.problems.kinds import Kind
from recorder.base import errors as recorder_errors
from recorder.base.redaction import redact

Param = str | int | float | datetime | None


class Refused(Exception):
    """A request that is not carried out: why, as a kind with parameters."""

    def __init__(
        self,
        kind: Kind,
        *,
        field: str | None = None,
        retry_after_s: int | None = None,
        members: Mapping[str, Any] | None = None,
        **params: Param,
    ) -> None:
        """`field` names the culprit; `members` are further members of the problem document."""
        self.kind = kind
        self.field = field
        self.retry_after_s = retry_after_s
        self.members = dict(members or {})
        self.params: dict[str, Any] = dict(params)
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        return _sentence(self.kind.words[0], self.params, self.field)

    @property
    def detail(self) -> str:
        """What happened and what to do."""
        return _sentence(self.kind.words[1], self.params, self.field)

    def document(self, status: int) -> dict[str, Any]:
        """The members of the problem document (RFC 9457)."""
        words = self.words()
        about = {"type": "about:blank", "title": words["title"], "status": status, "detail": words["detail"]}
        return about | ({} if self.field is None else {"field": self.field}) | words | self.members

    def words(self) -> dict[str, Any]:
        """What is refused and why, for people and as `code` with `params` for programs."""
        params = {name: _to_json(value) for name, value in self.params.items()}
        return {"title": self.title, "detail": self.detail, "code": self.kind.code, "params": params}


class _Words(Formatter):
    """Formats behind a colon that are for people."""

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "bytes":
                return readable_bytes(value)
            case "duration":
                return readable_s(value)
            case "clock":
                return str(timedelta(seconds=value))
            case "time":
                return rfc3339(value)
            case "named":
                return "A snapshot" if value == "image" else "A clip"
            case "is":
                return "is" if value == 1 else "are"
        return str(super().format_field(value, format_spec))


_WORDS = _Words()


def _sentence(words: str, params: Mapping[str, Param], field: str | None) -> str:
    return redact(_WORDS.vformat(words, (), {"field": field, **params}))


def _to_json(value: Param) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return redact(value) if isinstance(value, str) else value


_BUSY_S, _CREDITS_S = 2, 30
KINDS_OF_ERRORS: list[tuple[type[Exception], Kind, int | None]] = [
    (recorder_errors.BufferEmpty, Kind.BUFFER_EMPTY, None),
    (recorder_errors.SpanOutsideBuffer, Kind.NOT_IN_BUFFER, None),
    (recorder_errors.NotPlayable, Kind.PLAYS_AS_FRAMES, None),
    (recorder_errors.CutFailed, Kind.NO_VIDEO_FROM_CAMERA, None),
    (recorder_errors.UnknownRecording, Kind.RECORDING_UNKNOWN, None),
    (recorder_errors.Busy, Kind.BUSY, _BUSY_S),
    (recorder_errors.DecodeFailed, Kind.PICTURE_NOT_DECODED, None),
    (recorder_errors.PartFileDamaged, Kind.PART_FILE_DAMAGED, None),
    (recorder_errors.FinishFailed, Kind.FINISH_FAILED, None),
    (recorder_errors.SourceUnsupported, Kind.SOURCE_UNSUPPORTED, None),
    (recorder_errors.SourceError, Kind.CAMERA_UNREACHABLE, _BUSY_S),
    (catalogue_errors.ClipUnknown, Kind.CLIP_GONE, None),
    (catalogue_errors.ScheduleUnknown, Kind.SCHEDULE_GONE, None),
    (catalogue_errors.IllegalTransition, Kind.CLIP_STATE, None),
    (catalogue_errors.BadCursor, Kind.CURSOR_NOT_OURS, None),
    (catalogue_errors.CreditsSpent, Kind.CREDITS_GONE, _CREDITS_S),
    (catalogue_errors.BadText, Kind.TEXT_NOT_KEPT, None),
    (catalogue_errors.CatalogueUnavailable, Kind.CATALOGUE_UNAVAILABLE, _BUSY_S),
]
"""Most specific type first: type, kind, seconds after which another try may help."""


def as_refused(error: Exception) -> Refused | None:
    """The refusal that `error` amounts to; None: nobody foresaw it."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, OSError) and error.errno in NONE_LEFT:
        return Refused(Kind.NO_DESCRIPTORS, retry_after_s=_BUSY_S)
    for kind_of_error, kind, retry_after_s in KINDS_OF_ERRORS:
        if isinstance(error, kind_of_error):
            return Refused(kind, field=_field(error), retry_after_s=retry_after_s, **_params(error, kind))
    return None


def _field(error: Exception) -> str | None:
    if isinstance(error, recorder_errors.SpanOutsideBuffer):
        return error.parameter
    return "cursor" if isinstance(error, catalogue_errors.BadCursor) else None


def _params(error: Exception, kind: Kind) -> dict[str, Any]:
    if isinstance(error, catalogue_errors.IllegalTransition):
        return {"status": error.current, "wanted": error.wanted}
    if isinstance(error, catalogue_errors.ClipUnknown | catalogue_errors.ScheduleUnknown):
        return {}
    return {"reason": str(error).rstrip(". ") or kind.words[0]}
