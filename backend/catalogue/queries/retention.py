"""Statements for retention. Each function runs inside the caller's transaction, on a catalogue thread."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.lifecycle import Status
from backend.catalogue.model import clips, garbage
from backend.catalogue.queries import clips as clip_queries
from backend.catalogue.values import Clip, Location, RetentionGroup, RetentionRow
from recorder.base.values import ClockState

_SIZE = sa.case((clips.c.location == Location.REMOTE.value, 0), else_=sa.func.coalesce(clips.c.size_bytes, 0))
_DATED = sa.func.coalesce(clips.c.dated_at, clips.c.created_at)
_COLUMNS = (
    clips.c.number,
    clips.c.id,
    clips.c.camera,
    clips.c.status,
    clips.c.keep,
    clips.c.location,
    clips.c.publish_at.is_not(None),
    _SIZE,
    _DATED,
)


def rows(db: sa.Connection, recorder_id: str, after: int, limit: int) -> list[RetentionRow]:
    """One batch in the order of recording, beginning behind row number `after`."""
    select = sa.select(*_COLUMNS).where(clips.c.recorder_id == recorder_id, clips.c.number > after)
    return [
        RetentionRow(
            number, id_, camera, Status(status), keep, Location(location), bool(promised), int(size), dated
        )
        for number, id_, camera, status, keep, location, promised, size, dated in db.execute(
            select.order_by(clips.c.number).limit(limit)
        )
    ]


def groups(db: sa.Connection, recorder_id: str) -> list[RetentionGroup]:
    """Sums by camera, state and favourite: one pass inside the database, where rows would be many."""
    by = (clips.c.camera, clips.c.status, clips.c.keep)
    select = sa.select(
        *by, sa.func.count(), sa.func.sum(_SIZE), sa.func.min(_DATED), sa.func.max(clips.c.created_at)
    ).where(clips.c.recorder_id == recorder_id)
    return [
        RetentionGroup(camera, Status(status), keep, count, int(size), dated, newest)
        for camera, status, keep, count, size, dated, newest in db.execute(select.group_by(*by).order_by(*by))
    ]


def date(db: sa.Connection, recorder_id: str, now: datetime, *, again: bool) -> int:
    """Clips that a clock made which was not synchronised age from `now` on, also (`again`) dated ones."""
    doubtful = clips.update().where(
        clips.c.recorder_id == recorder_id, clips.c.clock != ClockState.SYNCHRONISED.value
    )
    chosen = doubtful if again else doubtful.where(clips.c.dated_at.is_(None))
    return db.execute(chosen.values(dated_at=now)).rowcount


def delete(db: sa.Connection, chosen: Sequence[RetentionRow], now: datetime) -> list[Clip]:
    """Delete those of `chosen` that still are what they were when they were chosen; all in one go."""
    return [
        clip_queries.delete(db, row.id, now)
        for row in chosen
        if (found := clip_queries.find_locked(db, row.id)) is not None
        and found.status is row.status
        and not found.keep
        and (found.publish_at is not None) is row.promised
    ]


def leaving_bytes(db: sa.Connection, recorder_id: str) -> int:
    """What the files of deleted clips still take."""
    total = sa.select(sa.func.coalesce(sa.func.sum(garbage.c.size_bytes), 0))
    return int(db.execute(total.where(garbage.c.recorder_id == recorder_id)).scalar_one())
