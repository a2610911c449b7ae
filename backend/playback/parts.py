"""Puts together what plays and hands out clips. The parts are in `playback`, `clip_bytes`, `clean_copies`."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.base.host import FreeSpace
from backend.catalogue import Clip
from backend.config.model import Config
from backend.config.playback import PlaybackConfig
from backend.events.clip_events import ClipNews
from backend.foundation.local_files import LocalFiles
from backend.playback.archive import Content, LocalContent
from backend.playback.clean_copies import CleanForms
from backend.playback.clip_bytes import ClipBytes
from backend.playback.metrics import PlaybackMetrics
from backend.playback.playback import Playback, origin_of
from backend.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True)
class Places:
    """Where bytes are: here, and in the store if there is one. `runtime_dir` is emptied at every start."""

    files: LocalFiles
    store: ObjectStore | None
    runtime_dir: Path


@dataclass(frozen=True, slots=True)
class Playing:
    """The parts, for those who need one of them."""

    playback: Playback
    clip_bytes: ClipBytes
    clean: CleanForms
    metrics: PlaybackMetrics

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        counted = {f"clean_forms_{name}_total": value for name, value in asdict(self.clean.counters).items()}
        return {
            "clean_forms_kept_bytes": self.clean.kept_bytes,
            "clean_forms_under_way": self.clean.making,
            **counted,
        }

    async def open_to_share(self, clip: Clip) -> Content:
        """An `archive.Opener`: the clip as it may leave the house. What is open stays, whatever is evicted.

        Raises Refused, with the field `ids`.
        """
        store = self.clip_bytes.stored(clip)
        if store is not None and not clip.hides_much and await self.clip_bytes.local_file(clip) is None:
            return await self.clip_bytes.open_stored(clip, store)
        async with self.clean.to_share(clip) as path:
            return await LocalContent.open(path)

    async def close(self) -> None:
        """End what is being made."""
        await self.clean.close()


def media_origin(config: Config) -> str | None:
    """Where else than here browsers are sent to for clips: scheme, host and port, for the page's policy."""
    s3 = config.storage.s3
    return None if s3 is None else origin_of(s3.public_endpoint or s3.endpoint)


def open_playing(
    places: Places,
    disk: Executor,
    news: ClipNews,
    config: PlaybackConfig,
    shortage: Callable[[], FreeSpace | None] = lambda: None,
) -> Playing:
    """All of it, for one daemon. `shortage`: why nothing may be written to the disk now."""
    metrics = PlaybackMetrics()
    clip_bytes = ClipBytes(places.files, places.store, disk, metrics)
    clean = CleanForms(places.runtime_dir / "clean", clip_bytes, disk, config.clean_cache, shortage)
    news.on_deleted.append(clean.forget)
    playback = Playback(clip_bytes, clean, metrics, lifetime_s=config.url_lifetime)
    return Playing(playback, clip_bytes, clean, metrics)
