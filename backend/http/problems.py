"""Every error that leaves over HTTP, as a problem document (RFC 9457), and the one table of their statuses.

Here: statuses and headers, and what pydantic found in a request. Not here: kinds and their sentences
(`backend.problems`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from backend.base.text.validation_text import plain_words
from backend.problems.kinds import Kind
from backend.problems.refused import Refused, as_refused

_KINDS: dict[int, tuple[Kind, ...]] = {
    400: (
        Kind.BODY_MISSING,
        Kind.BODY_BROKEN,
        Kind.BODY_NO_JSON,
        Kind.IDEMPOTENCY_KEY_NOT_VALID,
        Kind.NOT_A_VIDEO,
        Kind.SNAPSHOT_HAS_ONE_PICTURE,
        Kind.MOMENT_NOT_IN_CLIP,
        Kind.FRAME_NOT_IN_CLIP,
        Kind.LABEL_NOT_IN_CLIP,
    ),
    401: (
        Kind.ACCESS_KEY_NEEDED,
        Kind.ACCESS_KEY_NEEDED_HERE,
        Kind.ACCESS_KEY_WRONG,
        Kind.SETUP_CODE_WRONG,
    ),
    403: (Kind.ACTION_NOT_ALLOWED, Kind.ORIGIN_FOREIGN),
    404: (
        Kind.ROUTE_UNKNOWN,
        Kind.PAGE_OUTDATED,
        Kind.PAGE_MISSING,
        Kind.CAMERA_UNKNOWN,
        Kind.REPLAY_GONE,
        Kind.CLIP_UNKNOWN,
        Kind.CLIP_GONE,
        Kind.SCHEDULE_UNKNOWN,
        Kind.SCHEDULE_GONE,
        Kind.SESSION_UNKNOWN,
    ),
    405: (Kind.METHOD_UNKNOWN,),
    408: (Kind.BODY_TOO_SLOW,),
    409: (
        Kind.SAME_REQUEST_UNDER_WAY,
        Kind.BUFFER_EMPTY,
        Kind.NOT_IN_BUFFER,
        Kind.PLAYS_AS_FRAMES,
        Kind.CLIP_STATE,
        Kind.CLIP_PUBLISHED_ALREADY,
        Kind.CLIP_NEVER_FINISHED,
        Kind.CLIP_UNFINISHED,
        Kind.CLIP_NOT_READY,
        Kind.CLIP_FAILED,
        Kind.CLIP_OF_ARCHIVE_NOT_READY,
        Kind.CLIP_OF_ARCHIVE_FAILED,
        Kind.NOT_RECORDING,
        Kind.RECORDING_JUST_ENDED,
        Kind.RECORDING_UNKNOWN,
        Kind.NO_PLANNED_END,
        Kind.NOTHING_TO_RETRY,
        Kind.MATERIAL_LOST,
        Kind.PART_FILE_DAMAGED,
        Kind.NOTHING_TO_APPROVE,
        Kind.PICTURE_SET_ALREADY,
        Kind.PICTURE_UNKNOWN,
        Kind.PICTURE_REMOVED,
        Kind.TOO_MANY_SCHEDULES,
        Kind.SCHEDULE_OF_OTHER_BOX,
        Kind.SCHEDULE_READ_ONLY,
    ),
    413: (Kind.BODY_TOO_LARGE, Kind.BODY_REFUSED),
    415: (Kind.BODY_OF_OTHER_TYPE,),
    416: (Kind.RANGE_OUTSIDE_FILE,),
    421: (Kind.HOST_UNKNOWN,),
    422: (
        Kind.BODY_NOT_VALID,
        Kind.FRAME_NAMED_ONCE,
        Kind.KEY_OR_CODE,
        Kind.QUERY_NOT_VALID,
        Kind.QUERY_NAME_TWICE,
        Kind.QUERY_SPAN_BACKWARDS,
        Kind.QUERY_STATE_UNKNOWN,
        Kind.TOO_MANY_POINTS,
        Kind.IDEMPOTENCY_KEY_USED,
        Kind.SOURCE_UNSUPPORTED,
        Kind.EXTENDED_TOO_FAR,
        Kind.SPAN_WITH_SECONDS,
        Kind.SPAN_WITHOUT_START,
        Kind.SPAN_WITHOUT_END,
        Kind.SPAN_BACKWARDS,
        Kind.SPAN_TOO_LONG,
        Kind.REPLAY_WITHOUT_SPAN,
        Kind.SPAN_EMPTY,
        Kind.ONLY_WHEN_PUBLISHING,
        Kind.CURSOR_NOT_OURS,
        Kind.TEXT_NOT_KEPT,
        Kind.SCHEDULE_ZONE_UNKNOWN,
        Kind.SCHEDULE_PLACEHOLDER_UNKNOWN,
        Kind.SCHEDULE_FIELD_OF_TIMELAPSE,
        Kind.SCHEDULE_FIELD_OF_RECORDING,
        Kind.SCHEDULE_WITH_TWO_RHYTHMS,
        Kind.SCHEDULE_WITHOUT_RHYTHM,
        Kind.SCHEDULE_WITHOUT_LENGTH,
        Kind.SCHEDULE_LENGTH_OUT_OF_RANGE,
        Kind.SCHEDULE_RHYTHM_OUT_OF_RANGE,
        Kind.SCHEDULE_CRON_NOT_VALID,
        Kind.SCHEDULE_OVERLAPS_ITSELF,
        Kind.SCHEDULE_WITHOUT_EVERY,
        Kind.SCHEDULE_WITHOUT_JOIN,
        Kind.SCHEDULE_JOIN_OUT_OF_RANGE,
        Kind.SCHEDULE_EVERY_TOO_LONG,
        Kind.SCHEDULE_OF_TOO_MANY_PICTURES,
        Kind.SCHEDULE_FPS_OUT_OF_RANGE,
    ),
    426: (Kind.NEEDS_WEBSOCKET,),
    429: (
        Kind.TOO_MANY_WRONG_KEYS,
        Kind.CREDITS_SPENT,
        Kind.COSTS_MORE_THAN_THE_BUDGET,
        Kind.CREDITS_GONE,
    ),
    500: (
        Kind.INTERNAL,
        Kind.FINISH_FAILED,
        Kind.INDEX_NOT_READ,
        Kind.CLEAN_COPY_FAILED,
        Kind.PICTURE_FAILED,
    ),
    502: (
        Kind.NO_VIDEO_FROM_CAMERA,
        Kind.PICTURE_NOT_DECODED,
        Kind.FILE_MISSING,
        Kind.STORE_NOT_CONFIGURED,
        Kind.DISK_CANNOT_READ,
        Kind.OBJECT_NOT_AS_PUT,
        Kind.OBJECT_GONE,
        Kind.OBJECT_MISSING,
        Kind.OBJECT_OF_OTHER_SIZE,
        Kind.STORE_FAILED,
        Kind.NO_INDEX_IN_FRONT,
    ),
    503: (
        Kind.TOO_MANY_PAGES,
        Kind.NOT_READY,
        Kind.CAMERA_UNREACHABLE,
        Kind.BUSY,
        Kind.TOO_MANY_VIEWERS,
        Kind.TOO_MANY_STILLS,
        Kind.CATALOGUE_UNAVAILABLE,
        Kind.NO_DESCRIPTORS,
        Kind.DISK_REFUSES,
        Kind.TOO_MANY_CLEAN_COPIES,
        Kind.CLEAN_COPY_BROKEN_OFF,
        Kind.TOO_MANY_CLIPS_SENT,
        Kind.TOO_MANY_ARCHIVES,
    ),
    504: (Kind.STORE_TOO_SLOW, Kind.PICTURE_TOO_SLOW),
    507: (
        Kind.REPLAY_NOT_WRITTEN,
        Kind.DISK_FULL,
        Kind.DISK_ALMOST_FULL,
        Kind.DISK_TOO_FULL_TO_CLEAN,
        Kind.PICTURE_NOT_WRITTEN,
    ),
}
STATUSES: dict[Kind, int] = {kind: status for status, kinds in _KINDS.items() for kind in kinds}
"""Of every kind but REQUEST_REFUSED, which has the status that aiohttp gave it."""

_HEADERS: dict[Kind, Mapping[str, str]] = {
    Kind.HOST_UNKNOWN: {"Connection": "close"},
    Kind.BODY_TOO_SLOW: {"Connection": "close"},
    Kind.BODY_OF_OTHER_TYPE: {"Accept": "application/json"},
    Kind.NEEDS_WEBSOCKET: {"Upgrade": "websocket"},
}
_CHALLENGE = 'Bearer realm="hindsight"'


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal with what HTTP says about it."""

    status: int
    refused: Refused
    headers: Mapping[str, str] = field(default_factory=dict)


def as_problem(error: Exception) -> Problem | None:
    """The problem that `error` becomes; None when it is not one we foresaw (a 500, which the caller logs)."""
    if isinstance(error, web.HTTPException):
        return _problem_of_aiohttp(error)
    refused = as_refused(error)
    return None if refused is None else problem_of(refused)


def internal_problem() -> Problem:
    """The 500 for an error nobody foresaw; its text is in the log, never in the answer."""
    return problem_of(Refused(Kind.INTERNAL))


def problem_response(problem: Problem) -> web.Response:
    """The `application/problem+json` answer."""
    return web.json_response(
        problem.refused.document(problem.status),
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def problem_of(refused: Refused) -> Problem:
    """A refusal with its status and headers."""
    status = STATUSES[refused.kind]
    headers = dict(_HEADERS.get(refused.kind, {}))
    if status == web.HTTPUnauthorized.status_code:
        headers["WWW-Authenticate"] = _CHALLENGE
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(refused.retry_after_s)
    return Problem(status, refused, headers)


def _problem_of_aiohttp(error: web.HTTPException) -> Problem:
    headers = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
    match error:
        case web.HTTPNotFound():
            refused = Refused(Kind.ROUTE_UNKNOWN)
        case web.HTTPMethodNotAllowed():
            refused = Refused(Kind.METHOD_UNKNOWN, allowed=headers.get("Allow", "").replace(",", ", "))
        case web.HTTPRequestEntityTooLarge():
            refused = Refused(Kind.BODY_REFUSED)
        case _:
            refused = Refused(Kind.REQUEST_REFUSED, reason=error.reason)
    return Problem(error.status, refused, headers)


def refused_by_validation(error: ValidationError, kind: Kind, *, source: str, known: list[str]) -> Refused:
    """Turn pydantic's findings into one refusal: the first names `field`, all are in `errors`."""
    found = _findings(error, known)
    first = found[0]
    more = f" ({len(found) - 1} more in `errors`)" if len(found) > 1 else ""
    return Refused(
        kind,
        field=first["field"] or None,
        members={"errors": found},
        finding=f"{first['field'] or source}: {first['detail']}{more}",
    )


def _findings(error: ValidationError, known: list[str]) -> list[dict[str, Any]]:
    """One for each field: of a value that may be of several kinds pydantic says in turn why it is none."""
    found: dict[str, dict[str, Any]] = {}
    for finding in (_finding(dict(e), known) for e in error.errors(include_url=False, include_input=False)):
        before = found.get(finding["field"])
        if before is not None:
            finding["detail"] = f"{before['detail'].rstrip('.')}, or {finding['detail']}"
        found[finding["field"]] = finding
    return list(found.values())


def _finding(error: dict[str, Any], known: list[str]) -> dict[str, Any]:
    # After the field come places in a list; names there are pydantic's, of the kinds it tried.
    path = ".".join(str(part) for i, part in enumerate(error["loc"]) if i == 0 or isinstance(part, int))
    params = {
        name: value for name, value in error.get("ctx", {}).items() if isinstance(value, int | float | str)
    }
    finding = {"field": path, "detail": "", "code": error["type"], "params": params}
    if error["type"] == "extra_forbidden":
        return finding | {"detail": f"is not a known field.{suggestion(path, known)}"}
    if error["type"] == "missing":
        return finding | {"detail": "is required."}
    return finding | {"detail": plain_words(error)}


def suggestion(wrong: str, known: list[str]) -> str:
    """` Did you mean 'x'?` or the list of what is known, as a sentence to append."""

    close = get_close_matches(wrong.rsplit(".", 1)[-1], known, n=1, cutoff=0.6)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known here: {', '.join(sorted(known))}." if known else ""
