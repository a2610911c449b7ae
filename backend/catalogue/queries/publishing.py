"""Statements about publishing and likes. Each function runs inside the caller's transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from backend.catalogue.clip_rows import texts_row
from backend.catalogue.errors import IllegalTransition
from backend.catalogue.lifecycle import FINISHED, Status
from backend.catalogue.model import clips, likes
from backend.catalogue.queries.clips import locked, write
from backend.catalogue.values import Changed, Clip

_UNPUBLISHED: dict[str, Any] = {
    "status": Status.DRAFT.value,
    "published_at": None,
    "publish_at": None,
    "feed_number": None,
}


def publish(
    db: sa.Connection, clip_id: str, caption: str | None, at: datetime | None, now: datetime
) -> Changed:
    """Publish a draft now, or promise to `at` a later time; again is no error and changes nothing.

    Raises ClipUnknown, and IllegalTransition for what is unfinished or, with a later time, is out already.
    """
    clip = locked(db, clip_id)
    later = at is not None and at > now
    if clip.status not in FINISHED or (later and clip.status is Status.PUBLISHED):
        raise IllegalTransition(clip.status, Status.PUBLISHED)
    changed: dict[str, Any] = {}
    if caption is not None and caption != clip.caption:
        changed |= texts_row(clip.title, caption, clip.tags)
    if later and clip.publish_at != at:
        changed["publish_at"] = at
    elif not later and clip.status is Status.DRAFT:
        changed |= _published(db, now)
    return _written(db, clip, changed)


def publish_due(db: sa.Connection, clip_id: str, now: datetime) -> Clip | None:
    """Publish a draft whose time has come; None for one that was published, put off or deleted meanwhile."""
    select = sa.select(clips.c.id).where(clips.c.id == clip_id, *_due(now)).with_for_update()
    if db.execute(select).one_or_none() is None:
        return None
    return write(db, locked(db, clip_id), _published(db, now))


def due(db: sa.Connection, recorder_id: str, now: datetime, limit: int) -> list[str]:
    """Drafts of this recorder whose time has come, the longest promised first."""
    select = sa.select(clips.c.id).where(clips.c.recorder_id == recorder_id, *_due(now))
    return list(db.execute(select.order_by(clips.c.publish_at, clips.c.number).limit(limit)).scalars())


def next_promise(db: sa.Connection, recorder_id: str) -> datetime | None:
    """The earliest time promised for a draft of this recorder."""
    promised = (clips.c.publish_at.is_not(None), clips.c.status == Status.DRAFT.value)
    select = sa.select(sa.func.min(clips.c.publish_at)).where(clips.c.recorder_id == recorder_id, *promised)
    earliest: datetime | None = db.execute(select).scalar_one()
    return earliest


def unpublish(db: sa.Connection, clip_id: str) -> Changed:
    """Take a clip out of the feed, or a promise back; a draft without one is left as it is.

    Raises ClipUnknown, and IllegalTransition for what is unfinished.
    """
    clip = locked(db, clip_id)
    if clip.status not in FINISHED:
        raise IllegalTransition(clip.status, Status.DRAFT)
    something = clip.status is Status.PUBLISHED or clip.publish_at is not None
    return _written(db, clip, _UNPUBLISHED if something else {})


def like(db: sa.Connection, clip_id: str, visitor: str, now: datetime) -> Changed:
    """Count a visitor once. Raises ClipUnknown, and IllegalTransition while there is nothing to see."""
    clip = locked(db, clip_id)
    if clip.status not in FINISHED:
        raise IllegalTransition(clip.status, clip.status)
    if is_liked(db, clip_id, visitor):
        return Changed(clip, False)
    db.execute(likes.insert().values(clip_id=clip_id, visitor=visitor, created_at=now))
    return _written(db, clip, {"likes": clip.likes + 1})


def unlike(db: sa.Connection, clip_id: str, visitor: str) -> Changed:
    """Take a like back; one that was never given is no error. Raises ClipUnknown."""
    clip = locked(db, clip_id)
    gone = db.execute(likes.delete().where(likes.c.clip_id == clip_id, likes.c.visitor == visitor))
    return _written(db, clip, {"likes": clip.likes - 1} if gone.rowcount else {})


def is_liked(db: sa.Connection, clip_id: str, visitor: str) -> bool:
    select = sa.select(likes.c.clip_id).where(likes.c.clip_id == clip_id, likes.c.visitor == visitor)
    return db.execute(select).one_or_none() is not None


def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (clips.c.publish_at <= now, clips.c.status == Status.DRAFT.value)


def _published(db: sa.Connection, now: datetime) -> dict[str, Any]:
    highest = db.execute(sa.select(sa.func.max(clips.c.feed_number))).scalar_one()
    return {
        "status": Status.PUBLISHED.value,
        "published_at": now,
        "publish_at": None,
        "feed_number": (highest or 0) + 1,
    }


def _written(db: sa.Connection, clip: Clip, changed: dict[str, Any]) -> Changed:
    return Changed(write(db, clip, changed), True) if changed else Changed(clip, False)
