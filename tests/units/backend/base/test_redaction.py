"""Credentials are taken out of text."""

import logging

import pytest

from backend.base.redaction import Redactor, redact

CANARY = "canary-0b1d"


@pytest.mark.parametrize(
    "text",
    [
        f"rtsp://admin:{CANARY}@cam/x failed",
        f"rtsp://{CANARY}@cam/x",
        f"http://cam/x?user=a&password={CANARY}&y=1",
        f"Authorization: Bearer {CANARY}",
        f"http://box:8080/#key={CANARY}",
        f"rtsp://a:p@ss{CANARY}@cam/x",
    ],
)
def test_credentials_are_taken_out_by_shape(text: str) -> None:
    """Where nobody told us the secret, its place in an address does."""
    assert CANARY not in redact(text)
    assert "cam" in redact(text) or "cam" not in text


def test_what_was_hidden_before_keeps_the_sentence_around_it() -> None:
    """A text passes more than one net on its way out."""
    said = redact(f"Connecting to rtsp://cam/x?token={CANARY} failed.")
    assert redact(said) == said == "Connecting to rtsp://cam/x?token=*** failed."
    assert redact("While reading rtsp://cam/x?token=***, it hung up.").endswith("=***, it hung up.")
    assert CANARY not in redact(f"rtsp://cam/x?token=***{CANARY}")


def test_known_secrets_are_taken_out_of_log_lines_arguments_and_tracebacks() -> None:
    """However a library quotes them."""
    redactor = Redactor({f"{CANARY}/ü"})
    record = logging.LogRecord("x", logging.INFO, "f", 1, "open %s", (f"{CANARY}%2F%C3%BC",), None)
    try:
        raise ValueError(f"{CANARY}/ü")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    assert redactor.filter(record)
    assert CANARY not in logging.Formatter().format(record)
