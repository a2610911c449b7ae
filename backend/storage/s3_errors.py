"""What went wrong at an S3 store, as a cause and a sentence that tells the operator what to do.

Every foreign error becomes a StoreError here and nowhere else. Pure, but for one look at our clock.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3.exceptions as http_errors
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from backend.storage.object_store import FailureCause, StoreError
from recorder.base.redaction import one_line, redact

_CAUSES = {
    FailureCause.CREDENTIALS: "InvalidAccessKeyId SignatureDoesNotMatch AccessDenied InvalidToken "
    "ExpiredToken AllAccessDisabled AccountProblem UnauthorizedAccess InvalidSecurity",
    FailureCause.CLOCK: "RequestTimeTooSkewed RequestExpired",
    FailureCause.REGION: "AuthorizationHeaderMalformed PermanentRedirect Redirect InvalidRegion "
    "IllegalLocationConstraintException TemporaryRedirect",
    FailureCause.BUCKET: "NoSuchBucket InvalidBucketName BucketAlreadyExists TooManyBuckets BucketNotEmpty "
    "ResourceNotFound",
    FailureCause.FULL: "XMinioStorageFull XMinioAdminBucketQuotaExceeded QuotaExceeded InsufficientStorage "
    "StorageFull EntityTooLarge",
    FailureCause.SLOW: "SlowDown RequestTimeout ServiceUnavailable Busy XMinioServerNotInitialized "
    "SlowDownWrite SlowDownRead",
    FailureCause.MISSING: "NoSuchKey NoSuchVersion",
}
_BY_CODE = {code: cause for cause, codes in _CAUSES.items() for code in codes.split()}
_BY_STATUS = {
    401: FailureCause.CREDENTIALS,
    403: FailureCause.CREDENTIALS,
    404: FailureCause.MISSING,
    413: FailureCause.FULL,
    429: FailureCause.SLOW,
    503: FailureCause.SLOW,
    507: FailureCause.FULL,
}
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
LARGEST_SKEW_S = 300.0
_FULL_WORDS = ("no space left", "disk full", "quota exceeded", "storage full", "insufficient storage")

_CURES = {
    FailureCause.HOST: "Check storage.s3.endpoint, the network and whether the store runs.",
    FailureCause.REGION: "Set storage.s3.region to the region of the buckets.",
    FailureCause.CLOCK: "Set the clock of this machine (or the store's): signatures hold for minutes only.",
    FailureCause.CREDENTIALS: "Check storage.s3.access_key and secret_key, and what the store lets "
    "this key do.",
    FailureCause.BUCKET: "Make it, or let this key make it; storage.s3.bucket names one bucket for "
    "everything, clips_bucket and thumbnails_bucket two.",
    FailureCause.CORS: "Allow GET and HEAD from the page's origin in the CORS rules of the buckets.",
    FailureCause.FULL: "Make room at the store or raise its quota; clips stay on the local disk until then.",
    FailureCause.SLOW: "It is tried again by itself; look at the store's load and the line to it.",
    FailureCause.MISSING: "It was deleted at the store, not by Hindsight; `hindsight fsck` names "
    "what else is gone.",
    FailureCause.CONTENT: "It is put again; if it stays so, look at the store's disks.",
    FailureCause.OTHER: "Look at the store's log.",
}


def store_error(cause: FailureCause, sentence: str) -> StoreError:
    """The error with its cure."""
    return StoreError(cause, f"{one_line(redact(sentence)).rstrip('. ')}. {_CURES[cause]}")


def foreseen(error: Exception, what: str, *, needs: str | None = None) -> StoreError:
    """The StoreError for whatever the S3 client raised while doing `what` ("put front/clip.mp4").

    `needs`: the rights without which the store refuses it.
    """
    match error:
        case StoreError():
            return error
        case S3Error() | InvalidResponseError() if code_of(error) is not None:
            found = _of_s3(error, what)
            if found.cause is FailureCause.CREDENTIALS and needs is not None and is_denied(error):
                return StoreError(found.cause, f"{found} It needs {needs}.")
            return found
        case ServerError() | InvalidResponseError():
            return _of_status(error, what)
        case http_errors.HTTPError():
            return _of_transport(error, what)
        case MinioException():
            return store_error(FailureCause.OTHER, f"The store failed at {what}: {error}")
        case ValueError():  # the client refuses names before it asks the store
            return store_error(FailureCause.BUCKET, f"The store's client refuses to {what}: {error}")
        case _:
            return store_error(
                FailureCause.OTHER, f"The store failed at {what}: {type(error).__name__}: {error}"
            )


def code_of(error: Exception) -> str | None:
    """S3's own word for what is wrong, also from a store whose answers the client takes for no S3 at all.

    (rclone sends its errors as text/xml, minio-py reads application/xml only.)
    """
    if isinstance(error, S3Error):
        return error.code
    found = _CODE.search(str(getattr(error, "_body", None) or ""))
    return found[1] if found else None


def is_missing(error: Exception) -> bool:
    """Whether the store says that there is no such object (not: no such bucket)."""
    return code_of(error) in {"NoSuchKey", "NoSuchObject", "NoSuchVersion"}


def is_denied(error: Exception) -> bool:
    """Whether the store refuses this key; the client says the same of a 403 without a body, as to a HEAD."""
    return code_of(error) == "AccessDenied"


def _of_s3(error: S3Error | InvalidResponseError, what: str) -> StoreError:
    code, message = str(code_of(error)), str(getattr(error, "message", "") or "")
    cause = _BY_CODE.get(code)
    if any(words in message.lower() for words in _FULL_WORDS):
        cause = FailureCause.FULL
    response = getattr(error, "response", None)
    cause = cause or _BY_STATUS.get(getattr(response, "status", None) or 0, FailureCause.OTHER)
    ahead_s = skew_s(response)
    if cause is FailureCause.CREDENTIALS and ahead_s is not None and abs(ahead_s) > LARGEST_SKEW_S:
        return clock_error(ahead_s)
    sentence = f"The store refused to {what}: {code}" + (f", {message}" if message else "")
    return store_error(cause, sentence)


def clock_error(ahead_s: float) -> StoreError:
    """Our clock is so many seconds ahead of the store's (or behind it)."""
    direction = "ahead of" if ahead_s > 0 else "behind"
    sentence = f"The store refuses signatures: our clock is {abs(ahead_s):.0f} s {direction} the store's"
    return store_error(FailureCause.CLOCK, sentence)


def _of_status(error: ServerError | InvalidResponseError, what: str) -> StoreError:
    status = getattr(error, "status_code", None) or getattr(error, "_code", 0)
    cause = _BY_STATUS.get(int(status or 0), FailureCause.OTHER)
    if isinstance(error, InvalidResponseError) and cause is not FailureCause.SLOW:
        sentence = f"What answers at the endpoint is no S3 store (HTTP {status} to {what})"
        return store_error(FailureCause.HOST, sentence)
    return store_error(cause, f"The store answered {what} with HTTP {status}")


def _of_transport(error: http_errors.HTTPError, what: str) -> StoreError:
    reason = error.reason if isinstance(error, http_errors.MaxRetryError) and error.reason else error
    if isinstance(reason, http_errors.ConnectTimeoutError | http_errors.NewConnectionError):
        return store_error(FailureCause.HOST, f"Nobody answers at the store's endpoint ({_short(reason)})")
    if isinstance(reason, http_errors.SSLError):
        return store_error(FailureCause.HOST, f"The store's certificate is not accepted ({_short(reason)})")
    if isinstance(reason, http_errors.TimeoutError) or "timed out" in str(reason):
        return store_error(FailureCause.SLOW, f"The store did not go on with {what} in time")
    return store_error(
        FailureCause.HOST, f"The connection to the store broke during {what} ({_short(reason)})"
    )


def _short(error: BaseException) -> str:
    text = str(error).rpartition("> ")[2] or str(error)
    text = text.split(": ", 1)[-1] if text.startswith("<") else text
    return " ".join(text.split())[:160] or type(error).__name__


def skew_s(response: Any) -> float | None:
    """How far our clock is ahead of the store's, by the answer's Date."""
    text = response.headers.get("Date") if response is not None else None
    try:
        there = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError):
        return None
    if there is None or there.tzinfo is None:
        return None
    return (datetime.now(UTC) - there).total_seconds()
