"""The room of everything that plays and hands out clips. Event loop only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from backend.base.machine.host import FreeSpace
from backend.base.numbers import counted
from backend.catalogue import Clip, MediaType
from backend.events.clip_events import ClipEvents
from backend.foundation.foundation import Foundation
from backend.playback.archive import Archives, Content, LocalContent
from backend.playback.clean_copies import CleanCopies
from backend.playback.clip_bytes import ClipBytes
from backend.playback.clip_index import ClipIndexes
from backend.playback.metrics import PlaybackMetrics
from backend.playback.playback import Playback
from backend.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True)
class PlaybackRoom:
    """The parts, for those who need one of them."""

    playback: Playback
    clip_bytes: ClipBytes
    indexes: ClipIndexes
    clean_copies: CleanCopies
    archives: Archives
    metrics: PlaybackMetrics

    async def close(self) -> None:
        """End what is being made."""
        await self.clean_copies.close()

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return {
            "clean_forms_kept_bytes": self.clean_copies.kept_bytes,
            "clean_forms_under_way": self.clean_copies.making,
            **counted("clean_forms", self.clean_copies.counters),
            "archives_under_way": self.archives.under_way,
            **counted("archives", self.archives.counters),
        }


def open_playback(
    base: Foundation,
    store: ObjectStore | None,
    clip_events: ClipEvents,
    shortage: Callable[[], FreeSpace | None] = lambda: None,
) -> PlaybackRoom:
    """All of it, for one daemon. `shortage`: why nothing may be written to the disk now."""
    config = base.config.playback
    metrics = PlaybackMetrics()
    clip_bytes = ClipBytes(base.files, store, base.disk, metrics)
    directory = base.runtime_dir / "clean"
    clean_copies = CleanCopies(directory, clip_bytes, base.disk, config.clean_cache, shortage)
    clip_events.on_deleted.append(clean_copies.forget)
    indexes = ClipIndexes(clip_bytes, base.disk, base.runtime_dir / "indexes")
    playback = Playback(clip_bytes, clean_copies, indexes, metrics, lifetime_s=config.url_lifetime)
    to_share = partial(open_to_share, clip_bytes, clean_copies)
    archives = Archives(to_share, partial(open_original, clip_bytes), base.events)
    return PlaybackRoom(playback, clip_bytes, indexes, clean_copies, archives, metrics)


async def open_original(clip_bytes: ClipBytes, clip: Clip) -> Content:
    """An `archive.Opener`: the clip's own file, wherever it is. Raises Refused."""
    path = await clip_bytes.local_file(clip)
    if path is not None:
        return await LocalContent.open(path)
    store = clip_bytes.stored(clip)
    if store is None:
        raise clip_bytes.missing(clip)
    return await clip_bytes.open_stored(clip, store)


async def open_to_share(clip_bytes: ClipBytes, clean_copies: CleanCopies, clip: Clip) -> Content:
    """An `archive.Opener`: the clip as it may leave the house. What is open stays, whatever is evicted.

    Raises Refused.
    """
    if clip.media_type is not MediaType.VIDEO:
        return await open_original(clip_bytes, clip)
    async with clean_copies.to_share(clip) as path:
        return await LocalContent.open(path)
