"""Every error that leaves over HTTP, as a problem document (RFC 9457), and the one table that makes them.

A problem says what happened and what to do about it. Use cases raise their own errors; only this
file knows which status they get. Texts pass `redact` on their way out.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from backend.base.redaction import redact
from backend.base.validation_text import plain_words
from backend.catalogue import errors as catalogue_errors
from recorder.base import errors as recorder_errors


class Problem(Exception):
    """An answer that is no success: `detail` says what happened and what to do, `field` names the culprit."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = redact(detail)
        self.field = field
        self.headers = dict(headers or {})
        self.extra = extra

    def as_json(self) -> dict[str, Any]:
        """The members of the problem document."""
        members: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        members["detail"] = self.detail
        if self.field is not None:
            members["field"] = self.field
        return members | self.extra


_FIELDS: dict[type[Exception], str] = {catalogue_errors.BadCursor: "cursor"}
_Row = tuple[type[Exception], int, str, str]
TABLE: list[_Row] = [
    (
        recorder_errors.BufferEmpty,
        409,
        "Nothing is buffered yet",
        "Wait until the camera is live (GET /api/cameras tells its state and last error), then try again.",
    ),
    (
        recorder_errors.SpanOutsideBuffer,
        409,
        "That moment is not in the buffer",
        "Ask for one that overlaps oldest_frame … newest_frame, as GET /api/cameras tells them.",
    ),
    (
        recorder_errors.NotPlayable,
        409,
        "This buffer plays as frames, not as a video",
        "GET /api/cameras/{camera}/frames?start=&end= lists them; or record a clip, which becomes a video.",
    ),
    (
        recorder_errors.CutFailed,
        502,
        "The camera's pictures make no video",
        "Ask for another span; GET /api/cameras/{camera}/filmstrip shows which pictures are whole.",
    ),
    (
        recorder_errors.UnknownRecording,
        409,
        "That recording is not under way",
        "It has ended already; read the clip again for its state.",
    ),
    (recorder_errors.Busy, 503, "Busy", "Try again in a moment."),
    (recorder_errors.DecodeFailed, 502, "The picture could not be decoded", "Try another moment."),
    (
        recorder_errors.PartFileDamaged,
        409,
        "The recording's file is damaged",
        "Run `hindsight fsck` and look at the disk.",
    ),
    (
        recorder_errors.FinishFailed,
        500,
        "The clip could not be finished",
        "Its material is kept: POST /api/clips/{id}/retry tries again.",
    ),
    (
        recorder_errors.SourceUnsupported,
        422,
        "That source is not supported",
        "Correct the camera's source in config.yaml.",
    ),
    (
        catalogue_errors.ClipUnknown,
        404,
        "No such clip",
        "It may have been deleted; GET /api/clips lists what there is.",
    ),
    (
        catalogue_errors.ScheduleUnknown,
        404,
        "No such schedule",
        "It may have been deleted; GET /api/schedules lists what there is.",
    ),
    (
        catalogue_errors.IllegalTransition,
        409,
        "The clip's state does not allow that",
        "Read the clip again for its state.",
    ),
    (
        catalogue_errors.BadCursor,
        422,
        "That cursor is not ours",
        "Leave `cursor` out to begin at the first page.",
    ),
    (
        catalogue_errors.CreditsSpent,
        429,
        "The credits are spent",
        "GET /api/budget says when there are new ones.",
    ),
    (catalogue_errors.BadText, 422, "That text cannot be kept", "Send text without NUL and half characters."),
    (
        catalogue_errors.CatalogueUnavailable,
        503,
        "The catalogue does not answer",
        "Try again in a moment; if it stays so, look at the disk and the daemon's log.",
    ),
    (recorder_errors.SourceError, 503, "The camera cannot be reached", "Check the camera and its address."),
]
"""Most specific type first. Each row: type, status, title, cure (added after the error's own sentence)."""

_RETRY_AFTER_S = {503: "2", 429: "30"}

_CURES_BY_STATUS = {
    404: "There is nothing at this address; /api/openapi.json lists every route.",
    405: "This address takes {allowed}.",
    413: "The body is too large; send a smaller one.",
}


def as_problem(error: Exception) -> Problem | None:
    """The problem that `error` becomes; None when it is not one we foresaw (a 500, which the caller logs)."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        headers = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
        cure = _CURES_BY_STATUS.get(error.status, "").format(
            allowed=headers.get("Allow", "").replace(",", ", ")
        )
        return Problem(error.status, error.reason, cure or f"{error.reason}.", headers=headers)
    for kind, status, title, cure in TABLE:
        if isinstance(error, kind):
            headers = {"Retry-After": _RETRY_AFTER_S[status]} if status in _RETRY_AFTER_S else {}
            said = str(error).rstrip(". ") or title
            field = error.wish if isinstance(error, recorder_errors.SpanOutsideBuffer) else _FIELDS.get(kind)
            return Problem(status, title, f"{said}. {cure}", field=field, headers=headers)
    return None


def internal_problem() -> Problem:
    """The 500 for an error nobody foresaw; its text is in the log, never in the answer."""
    return Problem(
        500,
        "Internal error",
        "The daemon hit an error it did not foresee. It is counted and logged; please report the log line.",
    )


def problem_response(problem: Problem) -> web.Response:
    """The `application/problem+json` answer."""
    return web.json_response(
        problem.as_json(),
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def problem_of_validation(error: ValidationError, *, status: int, source: str, known: list[str]) -> Problem:
    """Turn pydantic's findings into one problem: the first names `field`, all are in `errors`."""
    found = _findings(error, known)
    first = found[0]
    more = f" ({len(found) - 1} more in `errors`)" if len(found) > 1 else ""
    return Problem(
        status,
        f"The {source} is not valid",
        f"{first['field'] or source}: {first['detail']}{more}",
        field=first["field"] or None,
        errors=found,
    )


def _findings(error: ValidationError, known: list[str]) -> list[dict[str, str]]:
    """One for each field: of a value that may be of several kinds pydantic says in turn why it is none."""
    found: dict[str, dict[str, str]] = {}
    for finding in (_finding(dict(e), known) for e in error.errors(include_url=False, include_input=False)):
        before = found.get(finding["field"])
        if before is not None:
            finding["detail"] = f"{before['detail'].rstrip('.')}, or {finding['detail']}"
        found[finding["field"]] = finding
    return list(found.values())


def _finding(error: dict[str, Any], known: list[str]) -> dict[str, str]:
    # After the field come places in a list; names there are pydantic's, of the kinds it tried.
    path = ".".join(str(part) for i, part in enumerate(error["loc"]) if i == 0 or isinstance(part, int))
    if error["type"] == "extra_forbidden":
        return {"field": path, "detail": f"is not a known field.{suggestion(path, known)}"}
    if error["type"] == "missing":
        return {"field": path, "detail": "is required."}
    return {"field": path, "detail": plain_words(error)}


def suggestion(wrong: str, known: list[str]) -> str:
    """` Did you mean 'x'?` or the list of what is known, as a sentence to append."""

    close = get_close_matches(wrong.rsplit(".", 1)[-1], known, n=1, cutoff=0.6)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known here: {', '.join(sorted(known))}." if known else ""
