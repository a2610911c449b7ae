"""Statements about garbage. Each function runs inside the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.model import garbage, uploads
from backend.catalogue.values import Clip, Garbage, Location, Root, StoredPath


def add(
    db: sa.Connection,
    recorder_id: str,
    clip_id: str,
    places: Iterable[StoredPath],
    now: datetime,
    *,
    at_store: bool = False,
) -> None:
    """Files that nothing needs once the caller's transaction is committed."""
    db.execute(garbage.insert().values(_row(recorder_id, clip_id, places, now) | {"at_store": at_store}))


def add_clip(db: sa.Connection, clip: Clip, now: datetime) -> None:
    """Everything that a clip has on the local disk."""
    row = _row(clip.recorder_id, clip.id, [StoredPath(root, clip.id) for root in Root], now)
    size_bytes = 0 if clip.location is Location.REMOTE else clip.size_bytes or 0
    db.execute(garbage.insert().values(row | {"size_bytes": size_bytes}))


def due(
    db: sa.Connection, recorder_id: str, now: datetime, limit: int, *, at_store: bool = False
) -> list[Garbage]:
    """Of the local disk, or at the store; there not what a worker is just copying (its row has a lease)."""
    # A row from the future means that the clock was set back since: its own time would never come.
    come = sa.or_(garbage.c.not_before <= now, garbage.c.created_at > now)
    select = sa.select(garbage).where(garbage.c.recorder_id == recorder_id, come)
    select = select.where(garbage.c.at_store == at_store)
    if at_store:
        leased = sa.select(uploads.c.clip_id).where(uploads.c.lease.is_not(None))
        select = select.where(garbage.c.clip_id.not_in(leased))
    return [_garbage(row) for row in db.execute(select.order_by(garbage.c.id).limit(limit))]


def of_recorder(db: sa.Connection, recorder_id: str) -> list[Garbage]:
    select = sa.select(garbage).where(garbage.c.recorder_id == recorder_id).order_by(garbage.c.id)
    return [_garbage(row) for row in db.execute(select)]


def done(db: sa.Connection, garbage_id: int) -> None:
    db.execute(garbage.delete().where(garbage.c.id == garbage_id))


def failed(db: sa.Connection, garbage_id: int, error: str, not_before: datetime, now: datetime) -> None:
    tried = garbage.update().where(garbage.c.id == garbage_id)
    db.execute(
        tried.values(
            attempts=garbage.c.attempts + 1,
            last_error=error.replace("\0", ""),
            not_before=not_before,
            created_at=sa.case((garbage.c.created_at > now, now), else_=garbage.c.created_at),
        )
    )


def _row(recorder_id: str, clip_id: str, places: Iterable[StoredPath], now: datetime) -> dict[str, object]:
    return {
        "recorder_id": recorder_id,
        "clip_id": clip_id,
        "paths": [[place.root.value, place.path] for place in places],
        "at_store": False,
        "size_bytes": 0,
        "attempts": 0,
        "not_before": now,
        "created_at": now,
        "last_error": None,
    }


def _garbage(row: sa.Row[tuple[object, ...]]) -> Garbage:
    values = dict(row._mapping)
    values["paths"] = tuple(StoredPath(Root(root), path) for root, path in row.paths)
    return Garbage(**values)
