"""Every failure of a store becomes a cause that somebody can do something about."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import urllib3
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, ProtocolError, ReadTimeoutError

from backend.storage.object_store import FailureCause
from backend.storage.s3_errors import code_of, foreseen, is_missing


def s3_error(code: str, message: str = "", status: int = 400, date: datetime | None = None) -> S3Error:
    headers = {"Date": format_datetime(date or datetime.now(UTC), usegmt=True)}
    response = urllib3.HTTPResponse(b"", headers=headers, status=status)
    return S3Error(response, code, message, None, None, None)


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("SignatureDoesNotMatch", 403, FailureCause.CREDENTIALS),
        ("AccessDenied", 403, FailureCause.CREDENTIALS),
        ("SomethingNew", 403, FailureCause.CREDENTIALS),
        ("RequestTimeTooSkewed", 403, FailureCause.CLOCK),
        ("AuthorizationHeaderMalformed", 400, FailureCause.REGION),
        ("NoSuchBucket", 404, FailureCause.BUCKET),
        ("NoSuchKey", 404, FailureCause.MISSING),
        ("XMinioStorageFull", 507, FailureCause.FULL),
        ("SomethingNew", 507, FailureCause.FULL),
        ("SlowDown", 503, FailureCause.SLOW),
        ("InternalError", 500, FailureCause.OTHER),
    ],
)
def test_the_stores_own_words_are_understood(code: str, status: int, cause: FailureCause) -> None:
    """Its code first, then the HTTP status."""
    assert foreseen(s3_error(code, status=status), "put x").cause is cause


def test_a_full_disk_behind_an_internal_error_is_full() -> None:
    """rclone and others pass on the words of the disk."""
    error = s3_error("InternalError", "write /data/x: no space left on device", 500)
    assert foreseen(error, "put x").cause is FailureCause.FULL


@pytest.mark.parametrize(("hours", "direction"), [(-2, "ahead"), (2, "behind")])
def test_a_refused_signature_between_two_clocks_is_the_clock(hours: int, direction: str) -> None:
    """Not every store says so; the Date of its answer does."""
    error = s3_error("SignatureDoesNotMatch", status=403, date=datetime.now(UTC) + timedelta(hours=hours))
    found = foreseen(error, "put x")
    assert found.cause is FailureCause.CLOCK
    assert direction in str(found)


def test_an_error_in_another_kind_of_xml_is_understood() -> None:
    """rclone labels its errors text/xml, which the client takes for no S3 at all."""
    error = InvalidResponseError(404, "text/xml", "<Error><Code>NoSuchKey</Code></Error>")
    assert code_of(error) == "NoSuchKey"
    assert is_missing(error)
    assert foreseen(error, "read x").cause is FailureCause.MISSING


def test_a_web_page_instead_of_a_store_is_a_wrong_endpoint() -> None:
    """A proxy's error page, or the console's port."""
    assert foreseen(InvalidResponseError(404, "text/html", "<html>"), "put x").cause is FailureCause.HOST


def test_who_does_not_answer_is_told_from_who_answers_late() -> None:
    """The first is an address or a dead store, the second one that is busy."""
    pool = urllib3.HTTPConnectionPool("store.example")
    dead = MaxRetryError(pool, "/x", ConnectTimeoutError("too late"))
    assert foreseen(dead, "put x").cause is FailureCause.HOST
    assert foreseen(ReadTimeoutError(pool, "/x", "Read timed out."), "put x").cause is FailureCause.SLOW
    sending = ProtocolError("Connection aborted.", TimeoutError("timed out"))
    assert foreseen(sending, "put x").cause is FailureCause.SLOW
    assert foreseen(ProtocolError("Connection broken"), "put x").cause is FailureCause.HOST
    assert foreseen(ServerError("busy", 503), "put x").cause is FailureCause.SLOW


def test_no_sentence_holds_a_password() -> None:
    """An endpoint may be written with its key in it."""
    assert "hunter2" not in str(foreseen(ServerError("http://key:hunter2@store/ failed", 500), "put x"))
    assert "hunter2" not in str(foreseen(RuntimeError("http://key:hunter2@store/"), "put x"))
