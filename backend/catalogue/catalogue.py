"""The door to the catalogue: every method is one transaction on a catalogue thread.

Decides nothing but what must be decided inside a transaction (may the clip move there, is the key
free). Use from one event loop. Statements are in `queries`, threads in `database`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from backend.base.times import utc_now
from backend.catalogue import schema
from backend.catalogue.charge_rows import ChargeRows
from backend.catalogue.database import Database
from backend.catalogue.lifecycle import Status
from backend.catalogue.model import meta
from backend.catalogue.queries import charges as charge_queries
from backend.catalogue.queries import clips as clip_queries
from backend.catalogue.queries import garbage as garbage_queries
from backend.catalogue.queries import idempotency as idempotency_queries
from backend.catalogue.queries import lists as list_queries
from backend.catalogue.queries import publishing as publish_queries
from backend.catalogue.queries import samples as sample_queries
from backend.catalogue.queries import searched as search_queries
from backend.catalogue.queries import sessions as session_queries
from backend.catalogue.queries import tallies as tally_queries
from backend.catalogue.retention_rows import RetentionRows
from backend.catalogue.row_cache import RowCache
from backend.catalogue.schedule_rows import ScheduleRows
from backend.catalogue.search_words import FORM
from backend.catalogue.upload_rows import UploadRows
from backend.catalogue.values import (
    CameraStorage,
    Changed,
    Charge,
    Clip,
    ClipFields,
    ClipFilter,
    ClipPage,
    ClipTally,
    Garbage,
    NewClip,
    PreviewInfo,
    PreviewSource,
    Reservation,
    ReservationKey,
    Sample,
    SampleFilter,
    Session,
)

_EVERYTHING = ClipFilter()
_WALK = 200
MOST_SESSIONS = 200
"""Browsers that one principal can be signed in with."""


class Catalogue:
    """Clips, schedules, garbage, sessions, idempotency keys and samples in one SQLite or PostgreSQL database.

    Every method may raise CatalogueUnavailable.
    """

    def __init__(self, url: str, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = Database(url)
        self._now = now
        self._row_cache = RowCache()
        self.schedules = ScheduleRows(self._database, now)
        self.uploads = UploadRows(self._database, now)
        self.retention = RetentionRows(self._database, now)
        self.charges = ChargeRows(self._database)

    async def open(self) -> None:
        """Connect and migrate. Raises SchemaTooNew."""
        await self._database.open(schema.upgrade)

    async def close(self) -> None:
        """Let transactions under way end and close every connection. May be called twice."""
        await self._database.close()

    @property
    def writes(self) -> int | None:
        """See `Database.writes`."""
        return self._database.writes

    async def ping(self) -> None:
        """Ask the database for something trivial."""
        await self._database.read(lambda db: db.execute(sa.select(1)).scalar_one())

    # Clips

    async def insert_clip(self, clip: NewClip, charge: Charge | None = None) -> Clip:
        """Commit a new row: from then on the clip survives a power cut. Raises BadText, CreditsSpent."""

        def work(db: sa.Connection) -> Clip:
            if charge is not None:
                charge_queries.charge(db, clip.id, clip.recorder_id, charge)
            return clip_queries.insert(db, clip, self._now())

        return await self._database.write(work)

    async def get_clip(self, clip_id: str) -> Clip | None:
        return await self._database.read(lambda db: clip_queries.get(db, clip_id))

    async def list_clips(
        self, wanted: ClipFilter = _EVERYTHING, cursor: str | None = None, limit: int = 50
    ) -> ClipPage:
        """One page, the newest recording first. Raises BadCursor."""
        query = list_queries.PageQuery(wanted, cursor, limit)
        return await self._database.read(lambda db: list_queries.page(db, query, self._row_cache))

    async def feed(
        self, wanted: ClipFilter = _EVERYTHING, cursor: str | None = None, limit: int = 50
    ) -> ClipPage:
        """One page of what is published, the latest publication first. Raises BadCursor."""
        query = list_queries.PageQuery(wanted, cursor, limit)
        return await self._database.read(lambda db: list_queries.feed(db, query, self._row_cache))

    async def edit_clip(
        self,
        clip_id: str,
        *,
        title: str | None = None,
        caption: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Clip:
        """Change texts; None leaves one as it is. Raises ClipUnknown, BadText."""
        given = {"title": title, "caption": caption, "tags": None if tags is None else tuple(tags)}
        texts = {name: value for name, value in given.items() if value is not None}
        return await self._database.write(lambda db: clip_queries.edit(db, clip_id, texts))

    async def update_clip(self, clip_id: str, fields: ClipFields) -> Clip:
        """Set fields that need no transition (planned_end, covered_after_s …). Raises ClipUnknown."""
        return await self._database.write(lambda db: clip_queries.update(db, clip_id, fields))

    async def transition(
        self,
        clip_id: str,
        to: Status,
        *,
        expect: Status | frozenset[Status] | None = None,
        fields: ClipFields | None = None,
    ) -> Clip:
        """Move a clip along the lifecycle and set `fields` with it, in one transaction.

        `progress` becomes None unless `fields` says otherwise. `expect` narrows from where. Raises
        ClipUnknown and, with the state it found, IllegalTransition.
        """
        allowed = frozenset({expect}) if isinstance(expect, Status) else expect
        return await self._database.write(
            lambda db: clip_queries.transition(db, clip_id, to, allowed, fields or {})
        )

    async def set_progress(self, clip_id: str, progress: float | None) -> Clip | None:
        """Note progress (0 to 1) of an unfinished clip; None when it is finished or gone."""
        return await self._database.write(lambda db: clip_queries.set_progress(db, clip_id, progress))

    async def set_preview(self, clip_id: str, source: PreviewSource, preview: PreviewInfo | None) -> Clip:
        """Set or clear a preview; the catalogue gives its version. Raises ClipUnknown.

        The file it replaces is handed to the garbage table in the same transaction.
        """
        return await self._database.write(
            lambda db: clip_queries.set_preview(db, clip_id, source, preview, self._now())
        )

    async def insert_continuation(self, old: str, new: NewClip) -> tuple[Clip, Clip]:
        """Commit the row of a clip that goes on where `old` ended, and the links between the two.

        One transaction, so that a kill never leaves the one without the other. Raises ClipUnknown when
        `old` is gone and then makes nothing.
        """
        now = self._now()
        return await self._database.write(lambda db: clip_queries.insert_continuation(db, old, new, now))

    async def delete_clip(self, clip_id: str) -> Clip:
        """Remove the row and hand its files to the garbage table, in one transaction. Raises ClipUnknown.

        From every state; a clip still in the recorder's hands must have been abandoned there first.
        """
        return await self._database.write(lambda db: clip_queries.delete(db, clip_id, self._now()))

    async def list_unfinished(self, recorder_id: str) -> list[Clip]:
        """Clips of this recorder that are pending or processing, oldest first."""
        return await self._database.read(lambda db: clip_queries.unfinished(db, recorder_id))

    async def clips_of_recorder(self, recorder_id: str) -> list[Clip]:
        """Every clip of this recorder, oldest first: for fsck, which compares them with the disk."""
        return await self._database.read(lambda db: clip_queries.of_recorder(db, recorder_id))

    async def walk_clips(self, recorder_id: str) -> AsyncIterator[Clip]:
        """Every clip of this recorder, oldest first, read some at a time; changes meanwhile may be seen."""
        number = 0
        while found := await self._database.read(
            lambda db, number=number: clip_queries.following(db, recorder_id, number, _WALK)  # type: ignore[misc]
        ):
            for number, clip in found:  # noqa: B007  the last one is where to go on
                yield clip

    async def renew_search(self, recorder_id: str) -> None:
        """Store the words of clips that an earlier version wrote in today's form.

        Reads some at a time and goes on where the last call ended. Until then, searches may miss some.
        """
        key = f"search {recorder_id}"
        form, _, seen = (await self.note(key) or "").partition(" ")
        begun = number = int(seen) if form == FORM else 0
        while found := await self._database.read(
            lambda db, number=number: search_queries.outdated(db, recorder_id, number, _WALK)  # type: ignore[misc]
        ):
            number, old = found
            if old:
                await self._database.write(lambda db, old=old: search_queries.renew(db, old))  # type: ignore[misc]
        if number != begun:
            await self.set_notes({key: f"{FORM} {number}"})

    async def count_by_status(self) -> dict[Status, int]:
        """How many clips are in each state; every state is a key."""
        return await self._database.read(clip_queries.count_by_status)

    async def storage_by_camera(self) -> list[CameraStorage]:
        """What each camera's clips take on local disks."""
        return await self._database.read(clip_queries.storage_by_camera)

    # Publishing

    async def publish(
        self, clip_id: str, *, caption: str | None = None, at: datetime | None = None
    ) -> Changed:
        """Publish a draft, or promise to when `at` is later than now. Again changes nothing.

        Raises ClipUnknown, BadText, and IllegalTransition for what is unfinished (or, with a later time,
        published already).
        """
        return await self._database.write(
            lambda db: publish_queries.publish(db, clip_id, caption, at, self._now())
        )

    async def publish_due(self, recorder_id: str, limit: int = 100) -> list[str]:
        """Drafts of this recorder whose promised time has come, the longest promised first."""
        return await self._database.read(lambda db: publish_queries.due(db, recorder_id, self._now(), limit))

    async def next_promise(self, recorder_id: str) -> datetime | None:
        """When the first promised time of this recorder's drafts comes or has come; None without any."""
        return await self._database.read(lambda db: publish_queries.next_promise(db, recorder_id))

    async def keep_promise(self, clip_id: str) -> Clip | None:
        """Publish a draft whose time has come; None, and nothing done, when it no longer wants that."""
        return await self._database.write(lambda db: publish_queries.publish_due(db, clip_id, self._now()))

    async def unpublish(self, clip_id: str) -> Changed:
        """Back to draft, also from a promise. Raises ClipUnknown, and IllegalTransition if unfinished."""
        return await self._database.write(lambda db: publish_queries.unpublish(db, clip_id))

    async def like(self, clip_id: str, visitor: str) -> Changed:
        """Count `visitor` once. Raises ClipUnknown and, for what is unfinished, IllegalTransition."""
        return await self._database.write(lambda db: publish_queries.like(db, clip_id, visitor, self._now()))

    async def unlike(self, clip_id: str, visitor: str) -> Changed:
        """Take a like back. Raises ClipUnknown."""
        return await self._database.write(lambda db: publish_queries.unlike(db, clip_id, visitor))

    async def is_liked(self, clip_id: str, visitor: str) -> bool:
        return await self._database.read(lambda db: publish_queries.is_liked(db, clip_id, visitor))

    # Garbage

    async def garbage_due(self, recorder_id: str, limit: int = 100) -> list[Garbage]:
        """Garbage of this recorder whose time has come, oldest first."""
        return await self._database.read(lambda db: garbage_queries.due(db, recorder_id, self._now(), limit))

    async def garbage_of_recorder(self, recorder_id: str) -> list[Garbage]:
        """All garbage of this recorder, due or not."""
        return await self._database.read(lambda db: garbage_queries.of_recorder(db, recorder_id))

    async def garbage_done(self, garbage_id: int) -> None:
        """The files are gone."""
        await self._database.write(lambda db: garbage_queries.done(db, garbage_id))

    async def garbage_failed(self, garbage_id: int, error: str, not_before: datetime) -> None:
        """The files could not be deleted; try again from `not_before` on."""
        now = self._now()
        await self._database.write(lambda db: garbage_queries.failed(db, garbage_id, error, not_before, now))

    # Sessions

    async def create_session(
        self,
        token_hash: str,
        principal: str,
        expires_at: datetime,
        *,
        device: str = "",
        address: str = "",
        most: int = MOST_SESSIONS,
    ) -> Session:
        """Sign a device in. Beyond `most` of one principal, those not used for the longest time end."""
        now = self._now()
        session = Session(token_hash, principal, now, now, expires_at, device, address)
        return await self._database.write(lambda db: session_queries.create(db, session, most))

    async def sessions_of(self, principal: str) -> list[Session]:
        """Those that have not expired, the last used first."""
        return await self._database.read(lambda db: session_queries.all_of(db, principal, self._now()))

    async def find_session(self, token_hash: str) -> Session | None:
        """The session, unless it has expired."""
        return await self._database.read(lambda db: session_queries.find(db, token_hash, self._now()))

    async def touch_session(self, token_hash: str, expires_at: datetime) -> None:
        """The session was used; an expired one stays expired."""
        await self._database.write(lambda db: session_queries.touch(db, token_hash, self._now(), expires_at))

    async def delete_session(self, token_hash: str) -> None:
        await self._database.write(lambda db: session_queries.delete(db, token_hash))

    async def delete_sessions(self, principal: str) -> int:
        """End every session of a principal (a new key ends those of the old one)."""
        return await self._database.write(lambda db: session_queries.delete_all(db, principal))

    async def expire_sessions(self) -> int:
        return await self._database.write(lambda db: session_queries.expire(db, self._now()))

    # Idempotency

    async def reserve_key(
        self, key: ReservationKey, request_hash: str, subject: str | None = None
    ) -> Reservation:
        """Take an Idempotency-Key before acting. `subject`: the id that this request is going to make.

        UNDER_WAY may mean a request that died with the daemon: when a row `subject` exists by now, it
        was carried out.
        """
        return await self._database.write(
            lambda db: idempotency_queries.reserve(db, key, request_hash, subject, self._now())
        )

    async def complete_key(self, key: ReservationKey, status: int, body: str) -> None:
        """Keep the answer for a request with the same key."""
        await self._database.write(lambda db: idempotency_queries.complete(db, key, status, body))

    async def release_key(self, key: ReservationKey) -> None:
        """Nothing was done: the key may be used again. A completed key stays."""
        await self._database.write(lambda db: idempotency_queries.release(db, key))

    async def expire_keys(self, before: datetime) -> int:
        return await self._database.write(lambda db: idempotency_queries.expire(db, before))

    # Samples

    async def add_sample(self, sample: Sample) -> None:
        """Add to the minute that `sample.at` lies in; a minute written twice is the sum of both."""
        await self._database.write(lambda db: sample_queries.add(db, sample))

    async def thin_samples(self, recorder_id: str, before: datetime) -> int:
        """Turn this recorder's minutes in whole hours before `before` into hours; how many went in."""
        return await self._database.write(lambda db: sample_queries.thin(db, recorder_id, before))

    async def samples(self, wanted: SampleFilter) -> list[Sample]:
        """Sums per camera and step, oldest first."""
        return await self._database.read(lambda db: sample_queries.read(db, wanted))

    async def clips_by_quarter(self, wanted: SampleFilter) -> list[ClipTally]:
        """How many clips began in each quarter of an hour, oldest first; empty ones are left out."""
        return await self._database.read(lambda db: tally_queries.by_quarter(db, wanted))

    # Notes: small facts that must survive a restart

    async def note(self, key: str) -> str | None:
        return await self._database.read(
            lambda db: db.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()
        )

    async def set_notes(self, notes: Mapping[str, str]) -> None:
        """Write all of them or none."""
        await self._database.write(lambda db: _set_notes(db, notes))


def _set_notes(db: sa.Connection, notes: Mapping[str, str]) -> None:
    db.execute(meta.delete().where(meta.c.key.in_(list(notes))))
    if notes:
        db.execute(meta.insert(), [{"key": key, "value": value} for key, value in notes.items()])
