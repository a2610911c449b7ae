"""The opaque cursor of a page: where the last clip of the page before stood. Pure."""

import base64
import binascii
import json

from backend.catalogue.errors import BadCursor

_MOST = 2**63


def encode(kind: str, place: tuple[int, ...]) -> str:
    """The cursor behind a clip, which stands at `place` in lists of that `kind`."""
    text = json.dumps([kind, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(kind: str, cursor: str, length: int) -> tuple[int, ...]:
    """Where a cursor stands. Raises BadCursor for anything `encode` did not make for that kind of list."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found, *place = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise _refused() from error
    if found != kind or len(place) != length or not all(_is_number(part) for part in place):
        raise _refused()
    return tuple(place)


def _is_number(part: object) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and 0 <= part < _MOST


def _refused() -> BadCursor:
    return BadCursor("That cursor is not one of ours. Start again at the first page.")
