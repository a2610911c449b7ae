"""Splits a `multipart/x-mixed-replace` stream into pictures (RFC 2046, as cameras implement it). Pure.

Cameras differ in nearly everything: boundaries with or without dashes, line ends, missing or wrong lengths.
The parser relies only on a boundary line before each part.
"""

import re

from recorder.bitstream.jpeg import layout

MOST_PICTURE_BYTES = 16 * 1024 * 1024
MOST_HEADER_BYTES = 16 * 1024
_MOST_FALSE_ENDS = 16
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*([^;\s]+)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)


def boundary_of(content_type: str) -> str | None:
    """The boundary in a Content-Type header."""
    found = _BOUNDARY.search(content_type)
    return None if found is None else found[1]


class MultipartReader:
    """Takes bytes and returns the bodies of complete parts. Holds at most one part."""

    def __init__(self, boundary: str | None) -> None:
        """`boundary` None: use the first line that begins with two dashes."""
        self.damaged = 0
        """Parts or headers that were too long."""
        self._delimiter = None if boundary is None else _delimiter(boundary.encode("latin-1", "replace"))
        self._held = bytearray()
        self._body_from: int | None = None
        self._body_bytes: int | None = None
        self._is_picture = True
        self._searched = 0
        self._false_ends = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies of the parts that `data` completes."""
        self._held += data
        found: list[bytes] = []
        while (body := self._next()) is not None:
            if self._is_picture and body:
                found.append(body)
        return found

    def _next(self) -> bytes | None:
        begin = self._take_head() if self._body_from is None else self._body_from
        if begin is None:
            return None
        if self._body_bytes is not None:
            return self._take_body(begin, begin + self._body_bytes)
        end = self._find_delimiter(begin) or self._end_of_picture(begin)
        if end is None:
            if len(self._held) > MOST_PICTURE_BYTES:
                self._give_up()
            return None
        return self._take_body(begin, end)

    def _take_head(self) -> int | None:
        """The start of the next part's body, once its headers are complete."""
        start = self._find_delimiter(0)
        ended = None if start is None else _HEADERS_END.search(self._held, start)
        if start is None or ended is None:
            if len(self._held) > MOST_HEADER_BYTES + (start or 0):
                self._give_up()
            return None
        head = bytes(self._held[start : ended.start() + 1])
        length, kind = _LENGTH.search(head), _TYPE.search(head)
        self._is_picture = kind is None or kind[1].lower() in (b"image/jpeg", b"image/jpg")
        self._body_from, self._searched = ended.end(), ended.end()
        self._body_bytes = None if length is None else int(length[1])
        if self._body_bytes is not None and not 0 < self._body_bytes <= MOST_PICTURE_BYTES:
            self._body_bytes = None
        return ended.end()

    def _take_body(self, begin: int, end: int) -> bytes | None:
        if len(self._held) < end:
            return None
        body = bytes(self._held[begin:end])
        del self._held[:end]
        self._begin_part()
        return body

    def _find_delimiter(self, start: int) -> int | None:
        if self._delimiter is None:
            first = re.search(rb"^--([^\s]+)", self._held, re.MULTILINE)
            if first is None:
                return None
            self._delimiter = _delimiter(first[1])
        begin = max(start, self._searched - len(self._delimiter))
        found = self._held.find(self._delimiter, begin)
        if found < 0:
            self._searched = len(self._held)
            return None
        return found

    def _end_of_picture(self, begin: int) -> int | None:
        """The end of a picture without Content-Length, found before the next boundary arrives."""
        if self._false_ends >= _MOST_FALSE_ENDS:  # each check copies all held bytes
            return None
        if not self._held[-4:].rstrip(b"\r\n").endswith(b"\xff\xd9"):
            return None
        if layout(bytes(self._held[begin:])):
            return len(self._held)
        self._false_ends += 1
        return None

    def _give_up(self) -> None:
        """Discard the held bytes and resume at the next boundary."""
        self.damaged += 1
        self._held.clear()
        self._begin_part()

    def _begin_part(self) -> None:
        self._body_from = self._body_bytes = None
        self._searched = self._false_ends = 0


def _delimiter(boundary: bytes) -> bytes:
    # Many cameras include the two dashes in the boundary parameter, and then send two or four of them.
    return b"--" + boundary.lstrip(b"-")
