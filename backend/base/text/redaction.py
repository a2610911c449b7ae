"""The last net before text leaves the process: the literal secrets of this installation, and the log's lines.

Not here: what is hidden by its shape, and control characters (`recorder.base.redaction`, which every output
uses). Pure apart from the set of secrets, which only grows.
"""

import logging
import re
from collections.abc import Iterable

from recorder.base.redaction import HIDDEN, longest_first, one_line, redact

_SHORTEST_SECRET = 4
"""Shorter literals would blank out ordinary words."""
_MOST_LOGGED = 4000
"""Characters of one message, and of one line of a traceback."""


class Redactor:
    """Hides credentials in text: by shape, and the literals that the configuration is known to hold."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._literal: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these too, beside those there were before."""
        self._secrets.update(secrets)
        usable = longest_first(self._secrets, _SHORTEST_SECRET)
        self._literal = re.compile("|".join(map(re.escape, usable))) if usable else None

    def __call__(self, text: str) -> str:
        """`text` with every known secret hidden."""
        # Literals first: a password with a space or a quote would end what looks like an address.
        text = self._literal.sub(HIDDEN, text) if self._literal else text
        return redact(text)


class LogFormatter(logging.Formatter):
    """One line for each record, whatever cameras and clients put into it; the lines of a traceback follow.

    Those are indented: text inside an exception cannot look like a record of its own.
    """

    def __init__(self, layout: str, redactor: Redactor) -> None:
        super().__init__(layout)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as text. Leaves the record itself as it is, for other handlers."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        lines = [one_line(self._redactor(self.formatMessage(record)), _MOST_LOGGED)]
        if record.exc_info:
            lines += self._indented(self.formatException(record.exc_info))
        elif record.exc_text:
            lines += self._indented(record.exc_text)
        if record.stack_info:
            lines += self._indented(self.formatStack(record.stack_info))
        return "\n".join(lines)

    def _indented(self, text: str) -> list[str]:
        return [f"  {one_line(line, _MOST_LOGGED)}" for line in self._redactor(text).split("\n")]
