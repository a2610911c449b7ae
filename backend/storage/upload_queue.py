"""Copies finished files to the object store, for ever if need be, and deletes there what nobody needs.

What is to be done is in rows (`Catalogue.uploads`), so a restart goes on where a kill left off. This
does it: two workers that each lease one file, and a housekeeper that turns changed clips into rows,
gives up local space, and reports the store's state to pages. One job per clip at a time: a deletion and a new
copy of the same key never cross. When to try again is decided in `store_state`. Event loop only; the store
brings its own threads. Nothing here is ever waited for by a recording, a request or a start.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from backend.catalogue import (
    Catalogue,
    Clip,
    Garbage,
    MediaType,
    NewUpload,
    Root,
    StoredPath,
    Upload,
    UploadBacklog,
)
from backend.catalogue.errors import CatalogueUnavailable
from backend.catalogue.values import PUBLIC_PREFIX
from backend.events.clip_events import ClipEvents
from backend.foundation.local_files import LocalFiles, sha256_of
from backend.problems.refused import Refused
from backend.storage.object_store import FailureCause, ObjectStore, StoreError
from backend.storage.reclaim import Reclaim
from backend.storage.store_state import FILE_BACKOFF, StoreMonitor, StoreState
from recorder.base.own_files import stat_own
from recorder.base.tasks import Tasks

log = logging.getLogger(__name__)

WORKERS = 2
POLL_EVERY_S = 1.0
PROBE_EVERY_S = 30.0
HOLD = timedelta(minutes=2)
PICTURE_TIME = timedelta(minutes=10)
"""After so long a clip without its picture will not get one."""
RENEW_EVERY_S = 30.0
CONTENT_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


Turn = Callable[[], Awaitable[bool]]
"""One piece of work; whether there was any."""


ToShare = Callable[[Clip], AbstractAsyncContextManager[Path]]
"""Gives the form of a clip that may leave the house, as a file that stays while the context is open.

Raises Refused.
"""


@dataclass(slots=True)
class UploadCounters:
    """Since the daemon started."""

    done: int = 0
    bytes: int = 0
    failures: int = 0
    deletions: int = 0
    unforeseen: int = 0


@dataclass(slots=True)
class Copying:
    """A file on its way. `sent_bytes` is set by the store's thread."""

    upload: Upload
    clip: Clip
    size_bytes: int
    sent_bytes: int = 0
    reported_bytes: int = -1


@dataclass(frozen=True, slots=True)
class QueueParts:
    """What the queue works with. `wanted` is `upload_plan.wanted` for this configuration."""

    catalogue: Catalogue
    store: ObjectStore
    files: LocalFiles
    recorder_id: str
    clip_events: ClipEvents
    to_share: ToShare
    """Makes the form of a clip that everybody may see."""
    wanted: Callable[[Clip], Sequence[NewUpload]]
    concern: Callable[[str | None], object] = lambda sentence: None
    """Takes a sentence while the store fails, None while it works."""
    reclaim_after: timedelta | None = None
    monotonic_s: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    poll_every_s: float = POLL_EVERY_S


@dataclass(slots=True)
class _Known:
    """What the housekeeper read and published last."""

    backlog: UploadBacklog = field(
        default_factory=lambda: UploadBacklog(
            files=0, size_bytes=0, oldest=None, clips_not_planned=0, deletions=0
        )
    )
    published: tuple[object, ...] = ()


class UploadQueue:
    """The workers of one recorder."""

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts
        self._rows = parts.catalogue.uploads
        self._tasks = Tasks()
        self._busy: set[str] = set()
        self._prepared = False
        self._known = _Known()
        self.monitor = StoreMonitor()
        self.copying: dict[int, Copying] = {}
        self.counters = UploadCounters()
        self.reclaim = Reclaim(parts.catalogue, parts.store, parts.files, parts.clip_events)

    @property
    def backlog(self) -> UploadBacklog:
        """What waited a second ago."""
        return self._known.backlog

    @property
    def trouble(self) -> str | None:
        """What is wrong, as a sentence: the store fails, or it works and some file cannot be copied."""
        backlog = self._known.backlog
        if self.monitor.sentence is not None or not backlog.troubled:
            return self.monitor.sentence
        files = "A file" if backlog.troubled == 1 else f"{backlog.troubled} files"
        return f"{files} cannot be copied to the store. {backlog.trouble}"

    def start(self) -> None:
        """Begin to work."""
        self._tasks.spawn(self._run(), "upload queue")

    async def close(self) -> None:
        """Stop; what was under way is done again after the next start."""
        await self._parts.store.close()
        await self._tasks.close()

    async def _run(self) -> None:
        await self._patiently(self._begin)
        for number in range(WORKERS):
            self._tasks.spawn(self._for_ever(self._work), f"upload worker {number + 1}")
        self._tasks.spawn(self._for_ever(self._watch), "store watch")
        await self._for_ever(self._keep_house)

    async def _begin(self) -> bool:
        parts = self._parts
        lost = await self._rows.begin(parts.recorder_id, parts.store.name, public=parts.store.has_public_urls)
        if lost:
            log.error(
                "the store is another one than before: %d clips were only at the former one. They play if "
                "their objects have been moved to the new one, or when storage.s3 names the former again",
                lost,
            )
        return True

    async def _for_ever(self, turn: Turn) -> None:
        while True:
            if not await self._patiently(turn):
                await asyncio.sleep(self._parts.poll_every_s)

    async def _patiently(self, turn: Turn) -> bool:
        """One turn; the outermost frame of a worker, which nothing may end."""
        try:
            return await turn()
        except CatalogueUnavailable as error:
            log.warning("the upload queue waits for the catalogue: %s", error)
        except Exception:
            self.counters.unforeseen += 1
            log.exception("the upload queue met an error nobody foresaw")
        return False

    # Workers

    async def _work(self) -> bool:
        """One file or deletion; whether there was any."""
        something = self._known.backlog.files or self._known.backlog.deletions
        if not something or not self.monitor.may_try(self._parts.monotonic_s()):
            return False
        self.monitor.trying = True
        try:
            if not await self._prepare():
                return False
            return await self._copy_one() or await self._delete_one()
        finally:
            self.monitor.trying = False

    async def _prepare(self) -> bool:
        if not self._prepared:
            try:
                await self._parts.store.prepare()
            except StoreError as error:
                self._failed(error)
                return False
            self._prepared = True
            self._succeeded()
        return True

    async def _copy_one(self) -> bool:
        longest = timedelta(seconds=FILE_BACKOFF.longest_s)
        token = secrets.token_hex(8)
        upload = await self._rows.lease(self._parts.recorder_id, token, HOLD, longest, self._busy)
        if upload is None:
            return False
        if upload.clip_id in self._busy:
            # The other worker took a job of this clip while we asked.
            await self._rows.failed(upload, "", timedelta(0), counts=False)
            return False
        with self._alone(upload.clip_id):
            renewing = self._tasks.spawn(self._renew(upload), f"lease {upload.id}")
            try:
                await self._copy(upload)
            finally:
                renewing.cancel()
        return True

    async def _copy(self, upload: Upload) -> None:
        clip = await self._parts.catalogue.get_clip(upload.clip_id)
        if clip is None or not self._is_wanted(clip, upload):
            await self._rows.drop(upload)
            return
        try:
            await self._put(clip, upload)
        except StoreError as error:
            await self._give_back(upload, str(error), everything=self._failed(error))
            return
        except Refused as refused:
            await self._give_back(upload, refused.detail, everything=False)
            return
        except OSError as error:
            if upload.root is Root.THUMBNAILS and isinstance(error, FileNotFoundError):
                await self._rows.drop(upload)  # replaced or cleared; what took its place has a row of its own
                return
            sentence = f"{upload.path} cannot be read: {error.strerror or error}. Run `hindsight fsck`."
            await self._give_back(upload, sentence, everything=False)
            return
        self._succeeded()
        self.counters.done += 1
        confirmed = await self._rows.confirm(upload, self._parts.wanted)
        if confirmed is not None:
            self._parts.clip_events.changed(confirmed)

    def _is_wanted(self, clip: Clip, upload: Upload) -> bool:
        return any((one.root, one.key) == (upload.root, upload.key) for one in self._parts.wanted(clip))

    async def _put(self, clip: Clip, upload: Upload) -> None:
        if upload.key.startswith(PUBLIC_PREFIX):
            async with self._parts.to_share(clip) as path:
                await self._put_file(clip, upload, path)
            return
        place = StoredPath(upload.root, upload.path)
        path = await asyncio.to_thread(self._parts.files.path_of, place)
        if upload.root is Root.CLIPS:
            await self._must_be_whole(clip, path)
        await self._put_file(clip, upload, path)

    async def _put_file(self, clip: Clip, upload: Upload, path: Path) -> None:
        store, place = self._parts.store, StoredPath(upload.root, upload.key)
        size_bytes = await asyncio.to_thread(lambda: stat_own(path).st_size)
        copying = self.copying[upload.id] = Copying(upload, clip, size_bytes)
        try:
            # Perhaps it was copied before a kill, or the store has another name now.
            if not await store.holds(place, path):
                await store.put(place, path, _type_of(path), lambda sent: _note(copying, sent))
                self.counters.bytes += size_bytes
        finally:
            del self.copying[upload.id]

    async def _must_be_whole(self, clip: Clip, path: Path) -> None:
        """A file that has changed since it was finished is not spread further."""
        if clip.sha256 is not None and await asyncio.to_thread(sha256_of, path) != clip.sha256:
            raise StoreError(
                FailureCause.CONTENT,
                "The local file has changed since it was finished, so it is not copied. Look at the disk, "
                "restore the file from a backup or delete the clip.",
            )

    async def _give_back(self, upload: Upload, sentence: str, *, everything: bool) -> None:
        self.counters.failures += 1
        wait_s = 0.0 if everything else FILE_BACKOFF.random_wait_s(upload.attempts, self._parts.chance())
        log.log(
            logging.INFO if everything else logging.WARNING,
            "copying %s to the store: %s",
            upload.key,
            sentence,
        )
        await self._rows.failed(upload, sentence, timedelta(seconds=wait_s), counts=not everything)

    async def _renew(self, upload: Upload) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            await self._rows.renew(upload, HOLD)

    async def _delete_one(self) -> bool:
        for garbage in await self._rows.garbage_due(self._parts.recorder_id):
            if garbage.clip_id not in self._busy:
                with self._alone(garbage.clip_id):
                    await self._delete(garbage)
                return True
        return False

    async def _delete(self, garbage: Garbage) -> None:
        try:
            for place in garbage.paths:
                # Published again since: then the key belongs to that publication.
                if place not in await self._rows.still_used(garbage.clip_id):
                    await self._parts.store.delete(place)
        except StoreError as error:
            everything = self._failed(error)
            self.counters.failures += 1
            wait_s = 0.0 if everything else FILE_BACKOFF.random_wait_s(garbage.attempts, self._parts.chance())
            await self._rows.garbage_failed(garbage, str(error), timedelta(seconds=wait_s))
            return
        self._succeeded()
        self.counters.deletions += 1
        await self._parts.catalogue.garbage_done(garbage.id)

    # What is known of the store

    @contextmanager
    def _alone(self, clip_id: str) -> Iterator[None]:
        """One job per clip at a time."""
        self._busy.add(clip_id)
        try:
            yield
        finally:
            self._busy.discard(clip_id)

    def _succeeded(self) -> None:
        self.monitor.succeeded(self._parts.monotonic_s())

    def _failed(self, error: StoreError) -> bool:
        return self.monitor.failed(error, self._parts.monotonic_s(), self._parts.chance())

    # The housekeeper never waits for the store; the watch does

    async def _keep_house(self) -> bool:
        planned = 0
        if self._known.backlog.clips_not_planned:
            planned = await self._rows.plan(self._parts.recorder_id, self._parts.wanted)
        self._known.backlog = await self._rows.backlog(self._parts.recorder_id)
        self._publish_changes()
        return planned > 0

    async def _watch(self) -> bool:
        now_s, after = self._parts.monotonic_s(), self._parts.reclaim_after
        succeeded_s = self.monitor.last_success_s
        if not self.copying and (succeeded_s is None or now_s - succeeded_s >= PROBE_EVERY_S):
            await self._probe()
        elif after is not None and self.monitor.state is StoreState.OK:
            await self._give_up_local_files(after)
        return False

    async def _give_up_local_files(self, after: timedelta) -> None:
        recorder_id = self._parts.recorder_id
        without_picture = await self._rows.reclaimable(recorder_id, max(after, PICTURE_TIME))
        late = {clip.id for clip in without_picture}
        for clip in await self._rows.reclaimable(recorder_id, after):
            # The picture on the card is made from the local file, seconds after the clip.
            if clip.id not in self._busy and (has_its_picture(clip) or clip.id in late):
                with self._alone(clip.id):
                    await self.reclaim.reclaim(clip)

    async def reclaim_now(self, clip_id: str) -> bool:
        """Give up a clip's local file, unless it is being worked on; whether it goes."""
        clip = await self._parts.catalogue.get_clip(clip_id)
        if clip is None or clip.id in self._busy:
            return False
        with self._alone(clip.id):
            return await self.reclaim.reclaim(clip) is None

    async def _probe(self) -> None:
        """Check whether the store still answers when nothing has been copied for a while."""
        if not self.monitor.may_try(self._parts.monotonic_s()):
            return
        self.monitor.trying = True
        try:
            if await self._prepare():
                health = await self._parts.store.health()
                if health.ok:
                    self._succeeded()
                else:
                    self._failed(
                        StoreError(health.cause or FailureCause.HOST, health.sentence or "It fails.")
                    )
        finally:
            self.monitor.trying = False

    def _publish_changes(self) -> None:
        """Publish the progress of uploads, and the store's state if it has changed."""
        for copying in list(self.copying.values()):
            sent_bytes = copying.sent_bytes
            if sent_bytes != copying.reported_bytes:
                copying.reported_bytes = sent_bytes
                self._parts.clip_events.log.publish(
                    "upload", upload_progress(copying), camera=copying.clip.camera
                )
        backlog, monitor = self._known.backlog, self.monitor
        self._parts.concern(self.trouble)
        sentence = (
            monitor.state,
            monitor.cause,
            backlog.files,
            backlog.clips_not_planned > 0,
            backlog.troubled,
        )
        if sentence != self._known.published:
            self._known.published = sentence
            self._parts.clip_events.log.publish(
                "storage",
                {
                    "state": monitor.state.value,
                    "cause": monitor.cause.value if monitor.cause else None,
                    "detail": self.trouble,
                    "waiting_files": backlog.files,
                    "waiting_bytes": backlog.size_bytes,
                },
            )


def upload_progress(copying: Copying) -> dict[str, object]:
    """The JSON of an upload's progress."""
    return {
        "clip_id": copying.clip.id,
        "bucket": copying.upload.root.value,
        "key": copying.upload.key,
        "sent_bytes": copying.sent_bytes,
        "size_bytes": copying.size_bytes,
    }


def has_its_picture(clip: Clip) -> bool:
    """Whether the automatic picture of the finished clip is there."""
    of_image = clip.media_type is MediaType.IMAGE
    picture = clip.previews.current if of_image else clip.previews.middle
    return picture is not None and not picture.approximate


def _note(copying: Copying, sent_bytes: int) -> None:
    copying.sent_bytes = sent_bytes


def _type_of(path: Path) -> str:
    return CONTENT_TYPES.get(path.suffix, "application/octet-stream")
