"""Statements that bring stored words to the form that queries look for, inside the caller's transaction."""

from collections.abc import Sequence

import sqlalchemy as sa

from backend.catalogue.model import clips
from backend.catalogue.search_words import search_text

_TEXTS = sa.select(clips.c.number, clips.c.title, clips.c.caption, clips.c.tags, clips.c.search_text)


def outdated(db: sa.Connection, recorder_id: str, number: int, limit: int) -> tuple[int, list[int]] | None:
    """Of this recorder's next clips behind `number`: the last, and those in another form. None: no more."""
    select = _TEXTS.where(clips.c.recorder_id == recorder_id, clips.c.number > number)
    rows = db.execute(select.order_by(clips.c.number).limit(limit)).mappings().all()
    if not rows:
        return None
    return rows[-1]["number"], [row["number"] for row in rows if row["search_text"] != _words(row)]


def renew(db: sa.Connection, numbers: Sequence[int]) -> None:
    """Their words as they are stored now. What a clip shows does not change, so neither does its version."""
    rows = db.execute(_TEXTS.where(clips.c.number.in_(numbers)).with_for_update()).mappings().all()
    for row in rows:
        db.execute(clips.update().where(clips.c.number == row["number"]).values(search_text=_words(row)))


def _words(row: sa.RowMapping) -> str:
    return search_text(row["title"], row["caption"], row["tags"])
