"""Everything that is kept beside or instead of the local disk, as one part of the daemon.

Here: which store there is, made from the configuration, and how it stands with it, for `/readyz`,
`/metrics` and `/api/system`. Without `storage.s3` there is no store and no queue, and nothing to say.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from backend.base.times import utc_now
from backend.catalogue import Clip
from backend.catalogue.lifecycle import Status
from backend.config.model import StorageConfig
from backend.config.storage import S3Config, reclaim_after
from backend.events.clip_events import ClipEvents
from backend.foundation.foundation import Foundation
from backend.storage.object_store import ObjectStore
from backend.storage.store_state import StoreReach, StoreState
from backend.storage.upload_plan import wanted
from backend.storage.upload_queue import QueueParts, ToShare, UploadQueue

if TYPE_CHECKING:
    from backend.storage.s3_settings import S3Settings


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """How it stands with the store. `state` is `none` when none is configured."""

    provider: str
    state: str
    cause: str | None = None
    detail: str | None = None
    keep_local: str | float = "always"
    waiting_files: int = 0
    waiting_bytes: int = 0
    waiting_deletions: int = 0
    troubled_files: int = 0
    oldest: datetime | None = None
    oldest_age_s: float = 0.0


class Storage:
    """The store and its queue; either both or none."""

    def __init__(self, config: StorageConfig, store: ObjectStore | None, queue: UploadQueue | None) -> None:
        self._config = config
        self.store = store
        self.queue = queue

    def start(self) -> None:
        """Begin to copy."""
        if self.queue is not None:
            self.queue.start()

    @property
    def browser_origin(self) -> str | None:
        """Where else than here browsers are sent to for clips: scheme, host and port."""
        return None if self.store is None else self.store.browser_origin

    async def close(self) -> None:
        """Stop copying, at once."""
        if self.queue is not None:
            await self.queue.close()

    def status(self, now: datetime | None = None) -> StorageStatus:
        """What was true a second ago."""
        if self.queue is None or self.store is None:
            return StorageStatus(provider="local", state="none")
        backlog, monitor = self.queue.backlog, self.queue.monitor
        age_s = ((now or utc_now()) - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        return StorageStatus(
            provider=self.store.provider,
            state=monitor.state.value,
            cause=monitor.cause.value if monitor.cause else None,
            detail=self.queue.trouble,
            keep_local=self._config.keep_local,
            waiting_files=backlog.files + backlog.clips_not_planned,
            waiting_bytes=backlog.size_bytes,
            waiting_deletions=backlog.deletions,
            troubled_files=backlog.troubled,
            oldest=backlog.oldest,
            oldest_age_s=max(0.0, age_s),
        )

    @property
    def copies(self) -> "ConfirmedCopies | None":
        """What retention may give up; None: there is no store."""
        return None if self.queue is None else ConfirmedCopies(self.queue)

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        if self.queue is None:
            return {}
        now = self.status()
        return {
            "store_up": now.state == StoreState.OK.value,
            "uploads_waiting": now.waiting_files,
            "uploads_waiting_bytes": now.waiting_bytes,
            "uploads_oldest_age_seconds": now.oldest_age_s,
            "store_deletions_waiting": now.waiting_deletions,
            "uploads_troubled": now.troubled_files,
            **{f"uploads_{name}_total": number for name, number in asdict(self.queue.counters).items()},
            **{
                f"reclaimed_{name}_total": number
                for name, number in asdict(self.queue.reclaim.counters).items()
            },
        }


@dataclass(frozen=True, slots=True)
class ConfirmedCopies:
    """The local copies of clips that the store has confirmed, for whatever frees disk space."""

    queue: UploadQueue

    @property
    def state(self) -> StoreReach:
        """Whether the store can be asked, which must be before a copy goes."""
        return StoreReach.READY if self.queue.monitor.state is StoreState.OK else StoreReach.AWAY

    async def reclaim(self, clip_id: str) -> bool:
        """Give up the local copy, if the store says once more that it has the same; whether it goes."""
        return await self.queue.reclaim_now(clip_id)


def open_store(config: StorageConfig) -> ObjectStore | None:
    """The object store of this configuration; this makes no request."""
    if config.s3 is None:
        return None
    # A box without a store does not wait a quarter of a second for the client of one.
    from backend.storage.s3 import S3Store

    return S3Store(_s3_settings(config.s3))


def public_url(store: ObjectStore | None, clip: Clip) -> str | None:
    """The lasting address of a published clip, once its public copy is confirmed."""
    if store is None or clip.status is not Status.PUBLISHED or clip.public_file is None:
        return None
    return store.public_url(clip.public_file)


def open_storage(
    base: Foundation, store: ObjectStore | None, clip_events: ClipEvents, to_share: ToShare
) -> Storage:
    """The parts for this configuration. `to_share` makes the form of a clip that everybody may see."""
    config = base.config.storage
    if store is None:
        return Storage(config, None, None)
    parts = QueueParts(
        catalogue=base.catalogue,
        store=store,
        files=base.files,
        recorder_id=base.recorder_id,
        clip_events=clip_events,
        to_share=to_share,
        concern=partial(base.health.concern, "storage"),
        wanted=partial(wanted, public_urls=store.has_public_urls),
        reclaim_after=reclaim_after(config.keep_local),
    )
    return Storage(config, store, UploadQueue(parts))


def _s3_settings(config: S3Config) -> "S3Settings":
    """The section as the provider takes it."""
    from backend.storage.s3_settings import S3Place, S3Settings

    access_key, secret_key = config.access_key, config.secret_key
    return S3Settings(
        endpoint=config.endpoint,
        access_key="" if access_key is None else access_key.get_secret_value(),
        secret_key="" if secret_key is None else secret_key.get_secret_value(),
        region=config.region,
        public_endpoint=config.public_endpoint,
        clips=S3Place(*config.clips_place),
        thumbnails=S3Place(*config.thumbnails_place),
        public_urls=config.public_urls,
    )
