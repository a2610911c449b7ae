"""The part of the catalogue's door that is about credits: `Catalogue.charges`.

Every method is one transaction and may raise CatalogueUnavailable.
"""

from datetime import datetime

from backend.catalogue.database import Database
from backend.catalogue.queries import charges as charge_queries
from backend.catalogue.values import Recorded


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
