"""Nothing secret and nothing that forges lines gets into the log."""

import logging
from types import TracebackType

import pytest

from backend.base.text.redaction import LogFormatter, Redactor

CANARY = "canary-0b1d"


def logged(message: str, *args: object, error: Exception | None = None, secrets: tuple[str, ...] = ()) -> str:
    """What the daemon writes of a record."""
    info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None
    if error is not None:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("room", logging.INFO, "f", 1, message, args, info)
    return LogFormatter("%(levelname)s %(name)s: %(message)s", Redactor(secrets)).format(record)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    "text",
    [
        f"rtsp://admin:{CANARY}@cam/x failed",
        f"rtsp://{CANARY}@cam/x",
        f"http://cam/x?user=a&password={CANARY}&y=1",
        f"Authorization: Bearer {CANARY}",
        f"authorization: Basic {CANARY}=",
        f"http://box:8080/#key={CANARY}",
        f"rtsp://a:p@ss{CANARY}@cam/x",
        f"GET /v.cgi?loginpas={CANARY} 401",
    ],
)
def test_credentials_are_taken_out_by_shape(text: str) -> None:
    """Where nobody told us the secret, its place in an address does."""
    assert CANARY not in logged("%s", text)


def test_known_secrets_are_taken_out_of_messages_arguments_and_tracebacks() -> None:
    """However a library quotes them, also those with blanks, which end an address; short words stay."""
    secrets = (f"{CANARY}/ü", f"two {CANARY}s", "abc")
    line = logged(
        "open %s abc", f"{CANARY}%2F%C3%BC", error=raised(ValueError(f"{CANARY}/ü")), secrets=secrets
    )
    assert CANARY not in line
    assert "abc" in line
    assert CANARY not in logged("rtsp://admin:two %ss@cam/a", CANARY, secrets=secrets)


def test_secrets_are_added_and_none_is_forgotten() -> None:
    """A reload brings new passwords; the old one may still stand in a message."""
    redactor = Redactor({"old-secret"})
    redactor.add({"new-secret"})
    assert redactor("old-secret new-secret") == "*** ***"


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    """Neither a line of its own nor a code for the terminal comes from a camera or a client."""
    line = logged("said %s", "a\r\n2026-11-29 INFO room: FORGED\x1b[31m\u202e")
    assert line == r"INFO room: said a\r\n2026-11-29 INFO room: FORGED\x1b[31m\u202e"
    assert len(logged("%s", "A" * 20_000)) < 5_000


def test_a_traceback_keeps_its_lines_and_none_looks_like_a_record() -> None:
    """Text inside an exception is a stranger's as well."""
    lines = logged("failed", error=raised(ValueError("x\n2026 INFO room: FORGED\x1b[0m"))).split("\n")
    assert lines[0] == "INFO room: failed"
    assert lines[1] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in lines[1:])
    assert lines[-1] == r"  2026 INFO room: FORGED\x1b[0m"


def test_the_record_stays_as_it_is_for_other_handlers() -> None:
    """Those of a test, or of a library."""
    record = logging.LogRecord("room", logging.INFO, "f", 1, "a\n%s", ("b",), None)
    LogFormatter("%(message)s", Redactor()).format(record)
    assert (record.msg, record.args) == ("a\n%s", ("b",))
