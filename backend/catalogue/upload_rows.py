"""The part of the catalogue's door that is about copies at the object store: `Catalogue.uploads`.

Every method is one transaction and may raise CatalogueUnavailable. Statements are in `queries.uploads`;
which worker does what, and when, is decided in `storage`.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from backend.catalogue.database import Database
from backend.catalogue.queries import garbage as garbage_queries
from backend.catalogue.queries import uploads as upload_queries
from backend.catalogue.queries.uploads import Wanted
from backend.catalogue.values import Clip, Garbage, StoredPath, Upload, UploadBacklog


class UploadRows:
    """Upload rows, what the store has confirmed, and what is to be deleted there."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def begin(self, recorder_id: str, store: str, *, public: bool) -> int:
        """Once per start, before the queue works; how many clips are at a former store only."""
        return await self._database.write(
            lambda db: upload_queries.begin(db, recorder_id, store, public=public)
        )

    async def plan(self, recorder_id: str, wanted: Wanted, limit: int = 200) -> int:
        """Make rows of what changed clips lack at the store; how many clips were looked at."""
        now = self._now()
        return await self._database.write(lambda db: upload_queries.plan(db, recorder_id, wanted, now, limit))

    async def lease(
        self, recorder_id: str, token: str, hold: timedelta, longest_wait: timedelta, busy: Collection[str]
    ) -> Upload | None:
        """Take the next upload that is due, but for the clips `busy`; nobody else gets it for `hold`."""
        now = self._now()
        window = (now, now + hold, now + max(hold, longest_wait) * 2)
        return await self._database.write(
            lambda db: upload_queries.lease(db, recorder_id, token, window, list(busy))
        )

    async def renew(self, upload: Upload, hold: timedelta) -> bool:
        """Hold a lease for longer; False: the row is gone or leased by another worker."""
        until, token = self._now() + hold, upload.lease or ""
        return await self._database.write(lambda db: upload_queries.renew(db, upload.id, token, until))

    async def failed(self, upload: Upload, error: str, wait: timedelta, *, counts: bool) -> None:
        """Give the row back, to be tried after `wait`; `counts` False: any file would have failed."""
        later = self._now() + wait
        await self._database.write(lambda db: upload_queries.failed(db, upload, error, later, counts=counts))

    async def confirm(self, upload: Upload, wanted: Wanted) -> Clip | None:
        """The store holds the file: the clip says so. None when nothing about the clip changed."""
        now = self._now()
        return await self._database.write(lambda db: upload_queries.confirm(db, upload, wanted, now))

    async def drop(self, upload: Upload) -> None:
        """The clip is gone, or does not want this file any more."""
        await self._database.write(lambda db: upload_queries.drop(db, upload, self._now()))

    async def backlog(self, recorder_id: str) -> UploadBacklog:
        return await self._database.read(lambda db: upload_queries.backlog(db, recorder_id))

    async def reclaimable(self, recorder_id: str, older_than: timedelta, limit: int = 100) -> list[Clip]:
        """Clips at both places that are older, the oldest first."""
        made_before = self._now() - older_than
        return await self._database.read(
            lambda db: upload_queries.reclaimable(db, recorder_id, made_before, limit)
        )

    async def reclaim(self, clip_id: str) -> Clip | None:
        """Hand the local file to the garbage table; only `storage.reclaim` calls this. None: not allowed."""
        return await self._database.write(lambda db: upload_queries.reclaim(db, clip_id, self._now()))

    async def lost(self, clip_id: str, place: StoredPath) -> Clip | None:
        """The store does not hold what it had confirmed: it is copied again."""
        return await self._database.write(lambda db: upload_queries.lost(db, clip_id, place))

    async def garbage_due(self, recorder_id: str, limit: int = 100) -> list[Garbage]:
        """Objects of this recorder that are to be deleted at the store now."""
        return await self._database.read(
            lambda db: garbage_queries.due(db, recorder_id, self._now(), limit, at_store=True)
        )

    async def garbage_failed(self, garbage: Garbage, error: str, wait: timedelta) -> None:
        """An object could not be deleted: try again after `wait`."""
        now = self._now()
        await self._database.write(lambda db: garbage_queries.failed(db, garbage.id, error, now + wait, now))

    async def still_used(self, clip_id: str) -> set[StoredPath]:
        """The objects of the clip that are needed now."""
        return await self._database.read(lambda db: upload_queries.still_used(db, clip_id))
