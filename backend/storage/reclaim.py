"""The one door through which a finished clip's local file may go because the store has it.

All that free local space (`storage.keep_local`, retention) come here and nowhere else. The store
is asked once more, now, for exactly this content; then the row says `remote` and the garbage table
takes the file, in one transaction. So a reader finds either the local file or a row that says where
else to look. Not here: which clips, and when. Event loop only.
"""

import logging
from dataclasses import dataclass

from backend.catalogue import Catalogue, Clip
from backend.events.clip_events import ClipEvents
from backend.foundation.local_files import LocalFiles
from backend.storage.object_store import ObjectStore, StoreError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ReclaimCounters:
    """Since the daemon started."""

    clips: int = 0
    size_bytes: int = 0
    refused: int = 0


class Reclaim:
    """Gives up local files, one at a time."""

    def __init__(
        self, catalogue: Catalogue, store: ObjectStore, files: LocalFiles, clip_events: ClipEvents
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._files = files
        self._clip_events = clip_events
        self.counters = ReclaimCounters()

    async def reclaim(self, clip: Clip) -> str | None:
        """Give up the local file of `clip`; None when it goes, else a sentence why it stays.

        Raises CatalogueUnavailable only.
        """
        refusal = await self._reclaim(clip)
        if refusal is None:
            self.counters.clips += 1
            self.counters.size_bytes += clip.size_bytes or 0
        else:
            self.counters.refused += 1
            log.info("the local file of clip %s stays: %s", clip.id, refusal)
        return refusal

    async def _reclaim(self, clip: Clip) -> str | None:
        place = clip.remote_file
        if place is None or clip.path is None:
            return "The store has not confirmed it."
        try:
            holds = await self._store.holds(place, self._files.clip_path(clip.path))
        except StoreError as error:
            return str(error)
        except OSError as error:
            return f"It cannot be compared with the store's: {error.strerror}."
        if not holds:
            if (lost := await self._catalogue.uploads.lost(clip.id, place)) is not None:
                self._clip_events.changed(lost)
            return "The store does not hold what it had confirmed; it is copied again."
        gone = await self._catalogue.uploads.reclaim(clip.id)
        if gone is None:
            return "The clip has changed meanwhile, or a copy of it is still to be made."
        self._clip_events.changed(gone)
        return None
