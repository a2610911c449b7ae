"""Deletes the files of deleted clips: the only place in the daemon that does.

A deletion is a garbage row, written in the transaction that removed the clip's own. The files go
first, durably, then the row; so a crash anywhere repeats a removal and never forgets one. What cannot
be deleted is tried again, later and later, and counted.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from backend.base.backoff import Backoff
from backend.base.times import utc_now
from backend.catalogue import Catalogue, Garbage
from backend.foundation.local_files import LocalFiles, PathRefused
from recorder.base.threads import in_thread

log = logging.getLogger(__name__)

BACKOFF = Backoff(10.0, 3600.0)


@dataclass(slots=True)
class GarbageCounters:
    """Since the daemon started."""

    deleted: int = 0
    failures: int = 0


class GarbageSweep:
    """Sweeps for one recorder. Event loop only; files are removed in `disk`."""

    def __init__(
        self,
        catalogue: Catalogue,
        files: LocalFiles,
        recorder_id: str,
        disk: Executor,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._catalogue = catalogue
        self._files = files
        self._recorder_id = recorder_id
        self._disk = disk
        self._now = now
        self._one_at_a_time = asyncio.Lock()
        self.counters = GarbageCounters()

    async def run(self) -> int:
        """Delete everything that is due; how many clips' files went. Raises CatalogueUnavailable only."""
        deleted = 0
        async with self._one_at_a_time:
            # A failed one moves into the future, a deleted one leaves: each round sees fewer.
            while due := await self._catalogue.garbage_due(self._recorder_id):
                for garbage in due:
                    deleted += await self._sweep(garbage)
        return deleted

    async def _sweep(self, garbage: Garbage) -> bool:
        try:
            for place in garbage.paths:
                await in_thread(self._disk, partial(self._files.remove, place))
        except (OSError, PathRefused) as error:
            self.counters.failures += 1
            later = self._now() + timedelta(seconds=BACKOFF.wait_s(garbage.attempts))
            log.warning("the files of deleted clip %s could not be removed: %s", garbage.clip_id, error)
            await self._catalogue.garbage_failed(garbage.id, str(error), later)
            return False
        await self._catalogue.garbage_done(garbage.id)
        self.counters.deleted += 1
        return True
