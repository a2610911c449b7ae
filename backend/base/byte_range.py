"""Which bytes of a file an HTTP request asks for (RFC 9110, sections 13 and 14).

Here: the decision, from method, conditional headers, size and ETag to status, first byte and
length. Not here: reading or sending the bytes (`file_body`). Pure: no clock, no I/O.

A request for several ranges gets the whole file with 200: section 14.2 lets a server ignore Range,
players ask for one range at a time, and a multipart answer would be code that nobody exercises.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

_RANGE = re.compile(r"bytes\s*=\s*(?P<first>\d*)\s*-\s*(?P<last>\d*)", re.IGNORECASE | re.ASCII)
_MAX_DIGITS = 19
"""Longer numbers are past any file's end; they are not worth a big-integer conversion."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is true of the bytes on offer. `modified` is naive UTC."""

    size: int
    etag: str
    """Strong and quoted, as it goes into the header."""
    modified: datetime


@dataclass(frozen=True, slots=True)
class Slice:
    """What to answer: status, the bytes `first … first + length - 1`, and the headers that say so."""

    status: int
    first: int
    length: int
    headers: dict[str, str] = field(default_factory=dict)


def choose_slice(headers: Mapping[str, str], stored: Stored) -> Slice:
    """Decide between 200, 206, 304, 412 and 416 for a GET or HEAD of `stored`."""
    common = {
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Last-Modified": format_datetime(_whole_second(stored.modified), usegmt=True),
    }
    if not _preconditions_hold(headers, stored):
        return Slice(412, 0, 0, common)
    if _is_unchanged(headers, stored):
        return Slice(304, 0, 0, common)
    range_header = headers.get("Range")
    if range_header is None or not _range_applies(headers.get("If-Range"), stored):
        return Slice(200, 0, stored.size, common)
    return _ranged(range_header, stored, common)


def is_single_range(range_header: str) -> bool:
    """Whether a Range header names one range that some file could have; all others get the whole file."""
    match = _RANGE.fullmatch(range_header.strip())
    if match is None or not (match["first"] or match["last"]):
        return False
    return not match["last"] or _number(match["first"] or "0") <= _number(match["last"])


def suffix_bytes(range_header: str) -> int | None:
    """The N of "the last N bytes"; None when the range is of another form."""
    match = _RANGE.fullmatch(range_header.strip())
    return _number(match["last"]) if match and match["last"] and not match["first"] else None


def _ranged(range_header: str, stored: Stored, common: dict[str, str]) -> Slice:
    match = _RANGE.fullmatch(range_header.strip())
    if match is None or not (match["first"] or match["last"]):
        # A unit we do not know, several ranges, or nonsense: "MAY ignore" (section 14.2).
        return Slice(200, 0, stored.size, common)
    bounds = _resolve(match["first"], match["last"], stored.size)
    if bounds is None:
        return Slice(200, 0, stored.size, common)
    first, end = bounds
    if first >= end:
        return Slice(416, 0, 0, common | {"Content-Range": f"bytes */{stored.size}"})
    span = {"Content-Range": f"bytes {first}-{end - 1}/{stored.size}"}
    return Slice(206, first, end - first, common | span)


def _resolve(first: str, last: str, size: int) -> tuple[int, int] | None:
    """First byte and end (exclusive), empty when nothing can be had; None when last < first."""
    if not first:
        return max(0, size - _number(last)), size
    if not last:
        return _number(first), size
    if _number(last) < _number(first):
        return None
    return _number(first), min(size, _number(last) + 1)


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _preconditions_hold(headers: Mapping[str, str], stored: Stored) -> bool:
    wanted = headers.get("If-Match")
    if wanted is not None:
        return wanted.strip() == "*" or stored.etag in _strong_tags(wanted)
    since = _http_date(headers.get("If-Unmodified-Since"))
    return since is None or _whole_second(stored.modified) <= since


def _is_unchanged(headers: Mapping[str, str], stored: Stored) -> bool:
    known = headers.get("If-None-Match")
    if known is not None:
        # Weak comparison (section 13.1.2): a proxy may have weakened the tag we gave.
        return known.strip() == "*" or stored.etag in {tag.removeprefix("W/") for tag in _tags(known)}
    since = _http_date(headers.get("If-Modified-Since"))
    return since is not None and _whole_second(stored.modified) <= since


def _range_applies(condition: str | None, stored: Stored) -> bool:
    """If-Range (section 13.1.5): strong comparison for tags, exact equality for dates."""
    if condition is None:
        return True
    condition = condition.strip()
    if condition.startswith(('"', "W/")):
        return condition == stored.etag
    return _http_date(condition) == _whole_second(stored.modified)


def _tags(header: str) -> list[str]:
    return re.findall(r'(?:W/)?"[^"]*"', header)


def _strong_tags(header: str) -> list[str]:
    return [tag for tag in _tags(header) if not tag.startswith("W/")]


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0, tzinfo=UTC)
