"""The catalogue's doors to what retention and budget need: every method is one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime

from backend.catalogue import charge_queries, retention_queries
from backend.catalogue.database import Database
from backend.catalogue.values import Clip, Recorded, RetentionGroup, RetentionRow


class RetentionRows:
    """What decides which clips stay. Every method may raise CatalogueUnavailable."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def read(self, recorder_id: str, after: int = 0, limit: int = 5000) -> list[RetentionRow]:
        """One batch in the order of recording, beginning behind row number `after`."""
        return await self._database.read(lambda db: retention_queries.rows(db, recorder_id, after, limit))

    async def groups(self, recorder_id: str) -> list[RetentionGroup]:
        """What there is of this recorder, summed up."""
        return await self._database.read(lambda db: retention_queries.groups(db, recorder_id))

    async def date(self, recorder_id: str, *, again: bool = False) -> int:
        """Let clips of a clock that nobody could trust age from now on; how many. `again`: dated ones too."""
        return await self._database.write(
            lambda db: retention_queries.date(db, recorder_id, self._now(), again=again)
        )

    async def delete(self, chosen: Sequence[RetentionRow]) -> list[Clip]:
        """Delete, in one transaction, those of `chosen` that nobody kept, moved or removed meanwhile."""
        return await self._database.write(lambda db: retention_queries.delete(db, chosen, self._now()))

    async def leaving_bytes(self, recorder_id: str) -> int:
        """What deleted clips still take on the local disk."""
        return await self._database.read(lambda db: retention_queries.leaving_bytes(db, recorder_id))


class ChargeRows:
    """What recordings cost. A clip is charged by `Catalogue.insert_clip`, a failed one refunded with its
    transition. Every method may raise CatalogueUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spent(self, recorder_id: str, period_start: datetime) -> int:
        """Credits of the period that begins then, without what was given back."""
        return await self._database.read(lambda db: charge_queries.spent(db, recorder_id, period_start))

    async def refund(self, clip_id: str) -> None:
        """Nothing became of the clip."""
        await self._database.write(lambda db: charge_queries.set_refunded(db, clip_id, refunded=True))

    async def expire(self, recorder_id: str, before: datetime) -> int:
        """Forget periods that began before then."""
        return await self._database.write(lambda db: charge_queries.expire(db, recorder_id, before))

    async def recorded(self, recorder_id: str, camera: str) -> Recorded:
        """What the newest clips and snapshots of a camera take."""
        return await self._database.read(lambda db: charge_queries.recorded(db, recorder_id, camera))
