"""Takes credentials out of text that leaves the process: log lines, errors, answers.

Two nets: the shape of a URL with user information or a secret in its query, and the literal secrets
that the configuration is known to hold. Pure apart from the immutable set given at start.
"""

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

HIDDEN = "***"

_USER_INFORMATION = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/?#\"'<>]*@")
_SECRET_IN_QUERY = re.compile(
    r"([?&#](?:key|token|password|passwd|pwd|pass|secret|auth|user|username)=)"
    r"(?!\*{3}[,.;:]?(?:\s|$))[^&\s\"'<>#]+",
    re.IGNORECASE,
)
"""What is hidden already stays as it is, with the comma of the sentence after it."""
_BEARER = re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}")
_SHORTEST_SECRET = 4
"""Shorter literals would blank out ordinary words."""


def redact(text: str) -> str:
    """`text` without the user information, query secrets and bearer tokens in it."""
    text = _USER_INFORMATION.sub(rf"\1{HIDDEN}@", text)
    text = _SECRET_IN_QUERY.sub(rf"\1{HIDDEN}", text)
    return _BEARER.sub(rf"\1{HIDDEN}", text)


class Redactor(logging.Filter):
    """A logging filter that also knows the literal secrets of this installation."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        spellings = {s for secret in secrets for s in (secret, quote(secret, safe=""), unquote(secret))}
        usable = sorted((s for s in spellings if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._literal = re.compile("|".join(map(re.escape, usable))) if usable else None

    def __call__(self, text: str) -> str:
        """`text` with every known secret hidden."""
        text = redact(text)
        return self._literal.sub(HIDDEN, text) if self._literal else text

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place: the message is formed here, so that arguments are covered too."""
        record.msg = self(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self(record.exc_text)
        return True
