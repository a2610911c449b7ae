"""A disk, a real S3 store and what plays clips from them, without a daemon around it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from backend.base.machine.host import FreeSpace
from backend.catalogue import Clip
from backend.foundation.local_files import LocalFiles
from backend.playback.clean_copies import CleanCopies
from backend.playback.clip_bytes import ClipBytes, key_of
from backend.playback.clip_index import ClipIndexes
from backend.playback.metrics import PlaybackMetrics
from backend.playback.playback import Playback
from backend.storage.object_store import ObjectStore
from backend.storage.s3 import S3Store
from backend.storage.s3_settings import S3Settings
from tests.support.s3_servers import S3Server


@dataclass(frozen=True, slots=True)
class House:
    """The parts."""

    files: LocalFiles
    store: ObjectStore | None
    registry: CollectorRegistry
    clip_bytes: ClipBytes
    indexes: ClipIndexes
    clean_copies: CleanCopies
    playback: Playback
    scratch: Path

    def keep(self, clip: Clip, body: bytes) -> Path:
        """Put the clip's file on the disk."""
        path = self.files.path_of(key_of(clip))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return path

    async def upload(self, clip: Clip, body: bytes) -> None:
        """Put the clip's file into the store."""
        assert self.store is not None
        self.scratch.write_bytes(body)
        await self.store.put(key_of(clip), self.scratch, "video/mp4")

    def sample(self, name: str, **labels: str) -> float:
        """What /metrics says of `hindsight_playback_NAME`."""
        return self.registry.get_sample_value(f"hindsight_playback_{name}", labels) or 0.0

    def failures(self, provider: str, mode: str, reason: str) -> float:
        """How often players got nothing for this reason."""
        return self.sample("failures_total", provider=provider, mode=mode, reason=reason)


@asynccontextmanager
async def house(
    directory: Path,
    settings: S3Settings | None = None,
    *,
    clean_bytes: int = 1 << 20,
    shortage: Callable[[], FreeSpace | None] = lambda: None,
) -> AsyncIterator[House]:
    """With the store of `settings` behind it, which need not answer."""
    files = LocalFiles(directory / "clips", directory / "pictures", directory / "quarantine")
    await asyncio.to_thread(files.prepare)
    store = None if settings is None else S3Store(settings)
    metrics, registry, threads = PlaybackMetrics(), CollectorRegistry(), ThreadPoolExecutor(4)
    metrics.register(registry)
    clip_bytes = ClipBytes(files, store, threads, metrics)
    clean_copies = CleanCopies(directory / "clean", clip_bytes, threads, clean_bytes, shortage)
    indexes = ClipIndexes(clip_bytes, threads, directory / "indexes")
    playback = Playback(clip_bytes, clean_copies, indexes, metrics, lifetime_s=120)
    try:
        scratch = directory / "scratch"
        yield House(files, store, registry, clip_bytes, indexes, clean_copies, playback, scratch)
    finally:
        await clean_copies.close()
        if store is not None:
            await store.close()
        await asyncio.to_thread(threads.shutdown)


def settings_of(server: S3Server) -> S3Settings:
    """How to reach a test's server."""
    return S3Settings(server.endpoint, server.access_key, server.secret_key)
