"""Statements about copies at the object store: what waits, who works on it, what is confirmed, what may go.

Each function runs inside the caller's transaction. What *should* be at the store is not decided here
but by `storage.upload_plan`, which comes in as a function of the clip. `clips.upload_due` says that a
row has changed since that was last asked; every change of state, file or picture sets it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from backend.catalogue.clip_rows import clip_of
from backend.catalogue.lifecycle import FINISHED
from backend.catalogue.model import clips, garbage, meta, uploads
from backend.catalogue.queries import garbage as garbage_queries
from backend.catalogue.values import (
    PUBLIC_FORM,
    Clip,
    Location,
    NewUpload,
    RemoteObject,
    Root,
    StoredPath,
    Upload,
    UploadBacklog,
)

Wanted = Callable[[Clip], Sequence[NewUpload]]
"""What a clip should have at the store, whatever is there already."""

TROUBLED_ATTEMPTS = 3
_FINISHED = [status.value for status in FINISHED]


def begin(db: sa.Connection, recorder_id: str, store: str, *, public: bool) -> int:
    """A daemon starts: nobody holds a lease any more, and what another configuration left is due.

    `store` names the store; what was confirmed by another one counts no more. Returns how many clips of
    this recorder are at the former store only, and so cannot be had.
    """
    held = uploads.update().where(uploads.c.recorder_id == recorder_id)
    db.execute(held.values(lease=None, leased_until=None))
    mine = clips.c.recorder_id == recorder_id
    note = f"store.{recorder_id}"
    # With the form of public copies, so that those of an earlier form are replaced.
    identity = f"{store} public {PUBLIC_FORM}" if public else store
    before = db.execute(sa.select(meta.c.value).where(meta.c.key == note)).scalar_one_or_none()
    if before == identity:
        return 0
    db.execute(meta.delete().where(meta.c.key == note))
    db.execute(meta.insert().values(key=note, value=identity))
    db.execute(clips.update().where(mine, clips.c.status.in_(_FINISHED)).values(upload_due=True))
    if before is None or before == store or before.startswith(f"{store} public"):
        return 0
    at_both = clips.update().where(mine, clips.c.location == Location.BOTH.value)
    db.execute(at_both.values(location=Location.LOCAL.value, version=clips.c.version + 1))
    not_remote = clips.c.location != Location.REMOTE.value
    db.execute(clips.update().where(mine, not_remote).values(remote=[]))
    only = sa.select(sa.func.count()).where(mine, clips.c.location == Location.REMOTE.value)
    return int(db.execute(only).scalar_one())


def plan(db: sa.Connection, recorder_id: str, wanted: Wanted, now: datetime, limit: int) -> int:
    """Turn up to `limit` changed clips into upload rows; returns how many clips were looked at."""
    due = sa.select(clips).where(
        clips.c.upload_due, clips.c.recorder_id == recorder_id, clips.c.status.in_(_FINISHED)
    )
    rows = db.execute(due.order_by(clips.c.number).limit(limit).with_for_update()).mappings().all()
    for row in rows:
        _plan_one(db, clip_of(row), wanted, now)
    return len(rows)


def _plan_one(db: sa.Connection, clip: Clip, wanted: Wanted, now: datetime) -> None:
    targets = {(target.root, target.key): target for target in wanted(clip)}
    confirmed = {(one.root, one.key): one for one in clip.remote}
    missing = {
        place: target
        for place, target in targets.items()
        if place not in confirmed or confirmed[place].version != target.version
    }
    _plan_rows(db, clip, missing, now)
    unwanted = [one.place for place, one in confirmed.items() if place not in targets]
    discard(db, clip.recorder_id, clip.id, unwanted, now)
    kept = [one for place, one in confirmed.items() if place in targets]
    changed: dict[str, Any] = {"upload_due": False}
    if unwanted:
        changed |= {"remote": _stored(kept), "version": clips.c.version + 1}
    db.execute(clips.update().where(clips.c.id == clip.id).values(changed))


def _plan_rows(
    db: sa.Connection, clip: Clip, missing: Mapping[tuple[Root, str], NewUpload], now: datetime
) -> None:
    select = sa.select(uploads).where(uploads.c.clip_id == clip.id)
    known = {(Root(row.root), row.key): row for row in db.execute(select)}
    # A leased row is left to its worker, which will find that the object is not wanted any more.
    obsolete = [row for place, row in known.items() if place not in missing and row.lease is None]
    db.execute(uploads.delete().where(uploads.c.id.in_([row.id for row in obsolete])))
    # A worker that was killed may have copied it all the same.
    discard(db, clip.recorder_id, clip.id, [StoredPath(Root(row.root), row.key) for row in obsolete], now)
    for place, target in missing.items():
        row = known.get(place)
        if row is None:
            new = asdict(target) | {"root": target.root.value, "not_before": now, "created_at": now}
            owner = {"recorder_id": clip.recorder_id, "clip_id": clip.id, "attempts": 0}
            db.execute(uploads.insert().values(new | owner))
        elif row.version != target.version:
            changed = {"version": target.version, "path": target.path, "not_before": now}
            db.execute(uploads.update().where(uploads.c.id == row.id).values(changed))


def lease(
    db: sa.Connection,
    recorder_id: str,
    token: str,
    window: tuple[datetime, datetime, datetime],
    busy: Collection[str],
) -> Upload | None:
    """Take the next row whose time has come, in one UPDATE; None: there is none.

    `window`: now, until when the lease holds, and the farthest future that a retry can be in. A row
    beyond it was dated before the clock was set back, and is due. `busy`: clips being worked on here.
    """
    now, until, farthest = window
    held = uploads.c.leased_until
    free = sa.or_(held.is_(None), held < now, held > farthest)
    due = sa.or_(uploads.c.not_before <= now, uploads.c.not_before > farthest)
    first = (
        sa.select(uploads.c.id)
        .where(uploads.c.recorder_id == recorder_id, due, free, uploads.c.clip_id.not_in(busy))
        # What failed before waits behind what did not: one bad file must not hold up the rest.
        .order_by(uploads.c.attempts, uploads.c.id)
        .limit(1)
    )
    if db.dialect.name == "postgresql":
        first = first.with_for_update(skip_locked=True)
    taken = uploads.update().where(uploads.c.id == first.scalar_subquery())
    row = db.execute(taken.values(lease=token, leased_until=until).returning(*uploads.c)).one_or_none()
    return None if row is None else _upload(row)


def renew(db: sa.Connection, upload_id: int, token: str, until: datetime) -> bool:
    """Hold a lease for longer; False when it is not ours any more."""
    mine = uploads.update().where(uploads.c.id == upload_id, uploads.c.lease == token)
    return db.execute(mine.values(leased_until=until)).rowcount == 1


def failed(db: sa.Connection, upload: Upload, error: str, not_before: datetime, *, counts: bool) -> None:
    mine = uploads.update().where(uploads.c.id == upload.id, uploads.c.lease == upload.lease)
    fields = {"last_error": error.replace("\0", ""), "not_before": not_before}
    more = uploads.c.attempts + (1 if counts else 0)
    db.execute(mine.values(**fields, attempts=more, lease=None, leased_until=None))


def drop(db: sa.Connection, upload: Upload, now: datetime) -> None:
    """Nobody wants it any more; what an earlier worker may have copied is garbage."""
    mine = uploads.delete().where(uploads.c.id == upload.id, uploads.c.lease == upload.lease)
    if db.execute(mine).rowcount:
        discard(db, upload.recorder_id, upload.clip_id, [StoredPath(upload.root, upload.key)], now)


def confirm(db: sa.Connection, upload: Upload, wanted: Wanted, now: datetime) -> Clip | None:
    """The store has confirmed the content: note it with the clip and let the row go, all in one.

    When the clip is gone or does not want it any more, the object that was just made is garbage.
    Returns the clip as it is then, None when nothing about it changed.
    """
    mine = uploads.delete().where(uploads.c.id == upload.id, uploads.c.version == upload.version)
    if not db.execute(mine).rowcount:
        # Another version of the picture became wanted meanwhile: the row stays, for that one.
        db.execute(uploads.update().where(uploads.c.id == upload.id).values(lease=None, leased_until=None))
        return None
    clip = _locked(db, upload.clip_id)
    made = RemoteObject(upload.root, upload.key, upload.version)
    targets = () if clip is None else wanted(clip)
    if clip is None or not any((t.root, t.key) == (made.root, made.key) for t in targets):
        discard(db, upload.recorder_id, upload.clip_id, [made.place], now)
        return None
    others = [one for one in clip.remote if one.place != made.place]
    changed: dict[str, Any] = {"remote": _stored([*others, made])}
    if upload.root is Root.CLIPS and upload.key == clip.path and clip.location is Location.LOCAL:
        changed["location"] = Location.BOTH.value
    return _changed(db, clip.id, changed)


def reclaim(db: sa.Connection, clip_id: str, now: datetime) -> Clip | None:
    """Let the local file go: the row says `remote`, and garbage takes the file, in one transaction.

    None, and nothing done, unless the clip is finished, at both places, and nothing of its file waits
    to be copied.
    """
    clip = _locked(db, clip_id)
    if clip is None or clip.status not in FINISHED or clip.location is not Location.BOTH:
        return None
    of_file = sa.select(sa.func.count()).where(
        uploads.c.clip_id == clip_id, uploads.c.root == Root.CLIPS.value
    )
    if clip.remote_file is None or db.execute(of_file).scalar_one():
        return None
    garbage_queries.add(db, clip.recorder_id, clip.id, [StoredPath(Root.CLIPS, clip.id)], now)
    return _changed(db, clip_id, {"location": Location.REMOTE.value})


def lost(db: sa.Connection, clip_id: str, place: StoredPath) -> Clip | None:
    """The store does not hold what it had confirmed; with a local file that is the only one and due again."""
    clip = _locked(db, clip_id)
    if clip is None or not any(one.place == place for one in clip.remote):
        return None
    changed: dict[str, Any] = {"remote": _stored([one for one in clip.remote if one.place != place])}
    if clip.remote_file == place and clip.location is Location.BOTH:
        changed["location"] = Location.LOCAL.value
    elif clip.remote_file == place:
        return None
    return _changed(db, clip_id, changed | {"upload_due": True})


def reclaimable(db: sa.Connection, recorder_id: str, made_before: datetime, limit: int) -> list[Clip]:
    """Clips at both places that were made before, oldest first."""
    select = sa.select(clips).where(
        clips.c.recorder_id == recorder_id,
        clips.c.location == Location.BOTH.value,
        clips.c.created_at <= made_before,
        clips.c.status.in_(_FINISHED),
    )
    return [clip_of(row) for row in db.execute(select.order_by(clips.c.number).limit(limit)).mappings()]


def backlog(db: sa.Connection, recorder_id: str) -> UploadBacklog:
    waiting = sa.select(
        sa.func.count(),
        sa.func.min(uploads.c.created_at),
        sa.func.coalesce(sa.func.sum(uploads.c.size_bytes), 0),
    ).where(uploads.c.recorder_id == recorder_id)
    files, oldest, size_bytes = db.execute(waiting).one()
    troubled = (uploads.c.recorder_id == recorder_id) & (uploads.c.attempts >= TROUBLED_ATTEMPTS)
    trouble = sa.select(uploads.c.last_error).where(troubled).order_by(uploads.c.id.desc()).limit(1)
    planned = sa.select(sa.func.count()).where(
        clips.c.upload_due, clips.c.recorder_id == recorder_id, clips.c.status.in_(_FINISHED)
    )
    deletions = sa.select(sa.func.count()).where(garbage.c.recorder_id == recorder_id, garbage.c.at_store)
    return UploadBacklog(
        files=files,
        size_bytes=int(size_bytes),
        oldest=oldest,
        clips_not_planned=db.execute(planned).scalar_one(),
        deletions=db.execute(deletions).scalar_one(),
        troubled=db.execute(sa.select(sa.func.count()).where(troubled)).scalar_one(),
        trouble=db.execute(trouble).scalar_one_or_none(),
    )


def discard(
    db: sa.Connection, recorder_id: str, clip_id: str, places: Sequence[StoredPath], now: datetime
) -> None:
    """Have objects deleted at the store, by way of the garbage table."""
    if places:
        garbage_queries.add(db, recorder_id, clip_id, places, now, at_store=True)


def forget(db: sa.Connection, clip: Clip, now: datetime) -> None:
    """The clip's row goes: so does what waits for it, and what it has, or may have, at the store."""
    of_clip = uploads.c.clip_id == clip.id
    waiting = db.execute(sa.select(uploads.c.root, uploads.c.key).where(of_clip))
    # Also what waits: a worker that was killed may have copied it before.
    places = {StoredPath(Root(root), key) for root, key in waiting} | {one.place for one in clip.remote}
    db.execute(uploads.delete().where(of_clip, uploads.c.lease.is_(None)))
    discard(db, clip.recorder_id, clip.id, sorted(places, key=lambda one: (one.root, one.path)), now)


def still_used(db: sa.Connection, clip_id: str) -> set[StoredPath]:
    """What of a clip must not be deleted at the store: confirmed, or on its way."""
    row = db.execute(sa.select(clips).where(clips.c.id == clip_id)).mappings().one_or_none()
    if row is None:
        return set()
    waiting = db.execute(sa.select(uploads.c.root, uploads.c.key).where(uploads.c.clip_id == clip_id))
    return {one.place for one in clip_of(row).remote} | {StoredPath(Root(root), key) for root, key in waiting}


def _locked(db: sa.Connection, clip_id: str) -> Clip | None:
    row = db.execute(sa.select(clips).where(clips.c.id == clip_id).with_for_update()).mappings().one_or_none()
    return None if row is None else clip_of(row)


def _changed(db: sa.Connection, clip_id: str, values: Mapping[str, Any]) -> Clip:
    db.execute(clips.update().where(clips.c.id == clip_id).values(**values, version=clips.c.version + 1))
    return clip_of(db.execute(sa.select(clips).where(clips.c.id == clip_id)).mappings().one())


def _stored(objects: Sequence[RemoteObject]) -> list[list[object]]:
    return [[one.root.value, one.key, one.version] for one in objects]


def _upload(row: sa.Row[Any]) -> Upload:
    values = dict(row._mapping)
    values["root"] = Root(values["root"])
    return Upload(**values)
