"""Statements about clips. Each function runs inside the caller's transaction, on a catalogue thread."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from backend.catalogue.clip_rows import changed_row, clip_of, new_row, texts_row
from backend.catalogue.errors import ClipUnknown, IllegalTransition
from backend.catalogue.lifecycle import UNFINISHED, Status, can
from backend.catalogue.model import clips, likes
from backend.catalogue.queries import charges as charge_queries
from backend.catalogue.queries import garbage as garbage_queries
from backend.catalogue.queries import uploads as upload_queries
from backend.catalogue.values import (
    CameraStorage,
    Clip,
    ClipFields,
    Location,
    NewClip,
    PreviewInfo,
    PreviewSource,
    Root,
    StoredPath,
)

_UPLOADED = frozenset({"status", "path", "previews"})
"""When one of these changes, what the object store should hold may change too (`uploads`)."""


def insert(db: sa.Connection, clip: NewClip, now: datetime) -> Clip:
    row = new_row(clip, now)
    number = db.execute(clips.insert().values(row).returning(clips.c.number)).scalar_one()
    return clip_of(row | {"number": number})


def get(db: sa.Connection, clip_id: str) -> Clip | None:
    row = db.execute(sa.select(clips).where(clips.c.id == clip_id)).mappings().one_or_none()
    return None if row is None else clip_of(row)


def edit(db: sa.Connection, clip_id: str, texts: Mapping[str, Any]) -> Clip:
    clip = locked(db, clip_id)
    new = {"title": clip.title, "caption": clip.caption, "tags": clip.tags, **texts}
    return write(db, clip, texts_row(**new))


def update(db: sa.Connection, clip_id: str, changed: ClipFields) -> Clip:
    return write(db, locked(db, clip_id), changed_row(changed))


def transition(
    db: sa.Connection, clip_id: str, to: Status, expect: frozenset[Status] | None, changed: ClipFields
) -> Clip:
    """Move a clip to `to` if the lifecycle, and `expect`, allow it from where it is now."""
    clip = locked(db, clip_id)
    if not can(clip.status, to) or (expect is not None and clip.status not in expect):
        raise IllegalTransition(clip.status, to)
    if Status.FAILED in {clip.status, to}:
        charge_queries.set_refunded(db, clip_id, refunded=to is Status.FAILED)
    return write(db, clip, {"progress": None} | changed_row(changed) | {"status": to.value})


def set_progress(db: sa.Connection, clip_id: str, progress: float | None) -> Clip | None:
    """Progress of an unfinished clip; None when there is none any more (it came too late: no error)."""
    clip = get(db, clip_id)
    if clip is None or clip.status not in UNFINISHED:
        return None
    return write(db, clip, {"progress": progress})


def set_preview(
    db: sa.Connection, clip_id: str, source: PreviewSource, info: PreviewInfo | None, now: datetime
) -> Clip:
    """Set or clear one preview. A new picture gets a version that no earlier one of the clip had.

    The file of the one before, if it is another, becomes garbage in the same transaction.
    """
    clip = locked(db, clip_id)
    before = clip.previews.of(source)
    if before is not None and (info is None or info.path != before.path):
        garbage_queries.add(db, clip.recorder_id, clip_id, [StoredPath(Root.THUMBNAILS, before.path)], now)
    stored = db.execute(sa.select(clips.c.previews).where(clips.c.id == clip_id)).scalar_one()
    previews = {name: value for name, value in stored.items() if name != source.value}
    if info is not None:
        # The row's version never repeats, so neither does a picture's, even after it was cleared.
        previews[source.value] = asdict(replace(info, version=clip.version + 1))
    return write(db, clip, {"previews": previews})


def insert_continuation(db: sa.Connection, old: str, new: NewClip, now: datetime) -> tuple[Clip, Clip]:
    first, second = locked(db, old), insert(db, new, now)
    return write(db, first, {"continued_by": new.id}), write(db, second, {"continued_from": old})


def delete(db: sa.Connection, clip_id: str, now: datetime) -> Clip:
    """Remove the row, hand its files to the garbage table and unlink its neighbours, all or nothing."""
    clip = locked(db, clip_id)
    db.execute(clips.delete().where(clips.c.id == clip_id))
    db.execute(likes.delete().where(likes.c.clip_id == clip_id))
    garbage_queries.add_clip(db, clip, now)
    upload_queries.forget(db, clip, now)
    grown = {"version": clips.c.version + 1}
    if clip.continued_from is not None:
        db.execute(clips.update().where(clips.c.id == clip.continued_from).values(continued_by=None, **grown))
    if clip.continued_by is not None:
        db.execute(clips.update().where(clips.c.id == clip.continued_by).values(continued_from=None, **grown))
    return clip


def unfinished(db: sa.Connection, recorder_id: str) -> list[Clip]:
    select = sa.select(clips).where(
        clips.c.recorder_id == recorder_id, clips.c.status.in_([status.value for status in UNFINISHED])
    )
    return [clip_of(row) for row in db.execute(select.order_by(clips.c.number)).mappings()]


def of_recorder(db: sa.Connection, recorder_id: str) -> list[Clip]:
    select = sa.select(clips).where(clips.c.recorder_id == recorder_id).order_by(clips.c.number)
    return [clip_of(row) for row in db.execute(select).mappings()]


def following(db: sa.Connection, recorder_id: str, number: int, limit: int) -> list[tuple[int, Clip]]:
    """The next clips of this recorder behind `number`, oldest first, with their numbers."""
    select = sa.select(clips).where(clips.c.recorder_id == recorder_id, clips.c.number > number)
    rows = db.execute(select.order_by(clips.c.number).limit(limit)).mappings()
    return [(row["number"], clip_of(row)) for row in rows]


def count_by_status(db: sa.Connection) -> dict[Status, int]:
    select = sa.select(clips.c.status, sa.func.count()).group_by(clips.c.status)
    counted = {Status(status): count for status, count in db.execute(select)}
    return {status: counted.get(status, 0) for status in Status}


def storage_by_camera(db: sa.Connection) -> list[CameraStorage]:
    total = sa.func.coalesce(sa.func.sum(clips.c.size_bytes), 0)
    select = sa.select(clips.c.camera, sa.func.count(), total).group_by(clips.c.camera)
    on_disk = select.where(clips.c.location != Location.REMOTE.value)
    return [
        CameraStorage(camera, count, int(size))
        for camera, count, size in db.execute(on_disk.order_by(clips.c.camera))
    ]


def find_locked(db: sa.Connection, clip_id: str) -> Clip | None:
    """The clip, if there is one, which nobody else changes until the transaction ends."""
    # SQLite has the whole database to itself by now (BEGIN IMMEDIATE) and ignores FOR UPDATE.
    select = sa.select(clips).where(clips.c.id == clip_id).with_for_update()
    row = db.execute(select).mappings().one_or_none()
    return None if row is None else clip_of(row)


def locked(db: sa.Connection, clip_id: str) -> Clip:
    """The clip, which nobody else changes until the transaction ends. Raises ClipUnknown."""
    clip = find_locked(db, clip_id)
    if clip is None:
        raise ClipUnknown(clip_id)
    return clip


def write(db: sa.Connection, clip: Clip, changed: Mapping[str, Any]) -> Clip:
    """Set columns of a clip that is locked; the clip as it is then, its version grown by one."""
    due = {"upload_due": True} if _UPLOADED.intersection(changed) else {}
    grown = clips.update().where(clips.c.id == clip.id).values(**changed, **due, version=clips.c.version + 1)
    db.execute(grown)
    row = db.execute(sa.select(clips).where(clips.c.id == clip.id)).mappings().one()
    return clip_of(row)
