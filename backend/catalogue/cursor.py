"""The opaque cursor of a page: where the last clip of the page before stood. Pure."""

import base64
import binascii
import json
from datetime import datetime

from backend.catalogue.errors import BadCursor
from backend.ids import is_id


def encode(created_at: datetime, clip_id: str) -> str:
    """The cursor behind a clip."""
    text = json.dumps([created_at.isoformat(timespec="microseconds"), clip_id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str]:
    """Where a cursor stands. Raises BadCursor for anything `encode` did not make."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created_at, clip_id = json.loads(base64.urlsafe_b64decode(padded))
        moment = datetime.fromisoformat(created_at)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursor("That cursor is not one of ours. Start again at the first page.") from error
    if moment.tzinfo is not None or not isinstance(clip_id, str) or not is_id(clip_id):
        raise BadCursor("That cursor is not one of ours. Start again at the first page.")
    return moment, clip_id
