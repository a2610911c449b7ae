"""Pages of clips: by the order in which they were recorded, or in which they were published.

Order is by numbers the catalogue gives out and not by times: the newest stands on top also after the
clock was set back. Each function runs inside the caller's transaction, on a catalogue thread.
"""

import sqlalchemy as sa

from backend.catalogue import cursor as cursors
from backend.catalogue.clip_rows import clip_of
from backend.catalogue.model import clips
from backend.catalogue.search import matches
from backend.catalogue.values import ClipFilter, ClipPage

_RECORDED = (clips.c.number,)
_PUBLISHED = (clips.c.feed_number, clips.c.number)


def page(db: sa.Connection, wanted: ClipFilter, cursor: str | None, limit: int) -> ClipPage:
    """One page, the newest recording first. Raises BadCursor."""
    conditions = _conditions(wanted, sqlite=db.dialect.name == "sqlite")
    return _page(db, "recorded", _RECORDED, conditions, cursor, limit)


def feed(db: sa.Connection, wanted: ClipFilter, cursor: str | None, limit: int) -> ClipPage:
    """One page of what is published, the latest publication first. Raises BadCursor."""
    conditions = _conditions(wanted, sqlite=db.dialect.name == "sqlite")
    return _page(db, "feed", _PUBLISHED, [clips.c.feed_number.is_not(None), *conditions], cursor, limit)


def _page(
    db: sa.Connection,
    kind: str,
    order: tuple[sa.Column[int], ...],
    conditions: list[sa.ColumnElement[bool]],
    cursor: str | None,
    limit: int,
) -> ClipPage:
    """One row more than asked tells whether there is a next page."""
    select = sa.select(clips).where(*conditions)
    if cursor is not None:
        place = cursors.decode(kind, cursor, len(order))
        select = select.where(sa.tuple_(*order) < sa.tuple_(*(sa.literal(part) for part in place)))
    rows = db.execute(select.order_by(*(column.desc() for column in order)).limit(limit + 1))
    found = rows.mappings().all()
    last = found[limit - 1] if len(found) > limit else None
    next_cursor = None if last is None else cursors.encode(kind, tuple(last[column] for column in order))
    return ClipPage(tuple(clip_of(row) for row in found[:limit]), next_cursor)


def _conditions(wanted: ClipFilter, *, sqlite: bool) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.statuses:
        conditions.append(clips.c.status.in_(sorted(status.value for status in wanted.statuses)))
    if wanted.camera is not None:
        conditions.append(clips.c.camera == wanted.camera)
    if wanted.media_type is not None:
        conditions.append(clips.c.media_type == wanted.media_type.value)
    if wanted.keep is not None:
        conditions.append(clips.c.keep.is_(wanted.keep))
    if wanted.from_ is not None:
        conditions.append(clips.c.start_time >= wanted.from_)
    if wanted.to is not None:
        conditions.append(clips.c.start_time < wanted.to)
    if wanted.q is not None:
        found = matches(wanted.q, sqlite=sqlite)
        if found is not None:
            conditions.append(found)
        elif wanted.q.strip():
            # Asked for something that no word can match (punctuation only): that finds nothing.
            conditions.append(sa.false())
    return conditions
