"""The part of the catalogue's door that is about retention: `Catalogue.retention`.

Every method is one transaction and may raise CatalogueUnavailable.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from backend.catalogue.database import Database
from backend.catalogue.queries import retention as retention_queries
from backend.catalogue.values import Clip, RetentionGroup, RetentionRow


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
