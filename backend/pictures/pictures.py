"""The pictures of clips: written durably, named in the row, found again, published.

Here: what every picture goes through. Not here: making them (`automatic`, `manual`), which
one a card shows (`http.wire.clips`), names (`picture_names`). Event loop only; files are written, looked
for and sent in threads of our own: the directory is a person's choice and may hang.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from backend.base.health import Health
from backend.catalogue import Catalogue, Clip, ClipUnknown, PreviewInfo, PreviewSource, Root, StoredPath
from backend.events.clip_events import ClipEvents
from backend.foundation.foundation import THUMBNAILS
from backend.foundation.local_files import LocalFiles
from backend.pictures.picture_names import new_name
from backend.playback.file_body import FileToSend
from backend.storage.object_store import ObjectStore, StoreError
from recorder.base.threads import in_thread

log = logging.getLogger(__name__)

THREADS = 2
LOOK_TIMEOUT_S = 5.0
STORE_TIMEOUT_S = 10.0
MOST_STORED_BYTES = 64 << 20
"""No PNG of ours is as large; another object under its name shall not fill the memory."""

"""What `Health` calls our directory."""

PLACEHOLDER = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" width="640" height="360">'
    b'<rect width="640" height="360" fill="#22262c"/>'
    b'<g fill="none" stroke="#5a6470" stroke-width="10" stroke-linejoin="round">'
    b'<rect x="230" y="130" width="120" height="100" rx="14"/><path d="M350 165l60-32v94l-60-32z"/></g></svg>'
)
"""Shown while there is no picture, or none could be made."""

CONTENT_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture that was made of a clip. `approximate`: a keyframe near the moment, not its frame."""

    data: bytes = field(repr=False)
    width: int
    height: int
    suffix: str = ".jpg"
    approximate: bool = False


@dataclass(slots=True)
class PreviewCounters:
    """Since the daemon started."""

    made: int = 0
    failed: int = 0
    in_fallback: int = 0
    """Written to `thumbnails_fallback_dir`, because `thumbnails_dir` refused."""


class Pictures:
    """Keeps and finds them."""

    def __init__(
        self,
        catalogue: Catalogue,
        clip_events: ClipEvents,
        files: LocalFiles,
        health: Health,
        store: ObjectStore | None = None,
    ) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pictures")
        self._catalogue = catalogue
        self._clip_events = clip_events
        self._files = files
        self._health = health
        self._store = store
        self.counters = PreviewCounters()

    def close(self) -> None:
        """Let go of the threads; one that hangs is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def keep(self, clip_id: str, source: PreviewSource, made: MadePicture) -> Clip:
        """Write the picture, then let the row name it; what it replaces is deleted later.

        A kill in between leaves the old picture in force. Raises OSError where neither directory takes
        it, ClipUnknown where the clip is gone, CatalogueUnavailable; each leaves things as they were.
        """
        name = new_name(source, made.suffix)
        try:
            kept = await in_thread(self._threads, lambda: self._files.put_thumbnail(clip_id, name, made.data))
        except OSError as error:
            self._health.concern(THUMBNAILS, self._files.trouble(error, nowhere=True))
            raise
        self._health.concern(THUMBNAILS, kept.trouble)
        self.counters.in_fallback += kept.trouble is not None
        info = PreviewInfo(kept.path, made.width, made.height, approximate=made.approximate)
        try:
            clip = await self._catalogue.set_preview(clip_id, source, info)
        except ClipUnknown:
            # Its files may have been deleted just before this one came, so nobody else would take it away.
            await in_thread(self._threads, lambda: self._files.remove(StoredPath(Root.THUMBNAILS, clip_id)))
            raise
        self.counters.made += 1
        self._clip_events.changed(clip)
        return clip

    async def file(self, clip: Clip, source: PreviewSource) -> FileToSend | None:
        """A picture that was made, wherever it lies; None when there is none from this source."""
        info = clip.previews.of(source)
        if info is None:
            return None
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                path = await in_thread(self._threads, lambda: self._files.thumbnail_path(info.path))
        except TimeoutError:
            # A browser has six connections; pictures that never come would hang the whole page.
            sentence = (
                f"{self._files.thumbnails_dir} does not answer. Clips are shown without their pictures."
            )
            self._health.concern(THUMBNAILS, sentence)
            return None
        etag = f"{clip.id}-{source}-{info.version}"
        return FileToSend(path, CONTENT_TYPES[path.suffix], etag, threads=self._threads)

    async def is_there(self, clip: Clip, source: PreviewSource) -> bool:
        """Whether there is such a picture: in the row, and on the disk or in the store."""
        info = clip.previews.of(source)
        if info is None:
            return False
        here = await in_thread(self._threads, lambda: self._files.has_thumbnail(info.path))
        return here or self._stored_under(clip, info) is not None

    async def read(self, clip: Clip, source: PreviewSource) -> bytes | None:
        """The bytes of a picture, from the disk, else from the store; None where neither has it."""
        info = clip.previews.of(source)
        if info is None:
            return None
        with suppress(FileNotFoundError, NotADirectoryError):
            return await in_thread(self._threads, lambda: self._files.read_thumbnail(info.path))
        place = self._stored_under(clip, info)
        if place is None or self._store is None:
            return None
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                return await _read_stored(self._store, place)
        except (StoreError, TimeoutError) as error:
            log.warning("the %s picture of clip %s cannot be had from the store: %s", source, clip.id, error)
            return None

    def _stored_under(self, clip: Clip, info: PreviewInfo) -> StoredPath | None:
        place = StoredPath(Root.THUMBNAILS, info.path)
        return place if any(one.place == place for one in clip.remote) else None


async def _read_stored(store: ObjectStore, place: StoredPath) -> bytes | None:
    body = bytearray()
    async with await store.open_stream(place, None) as result:
        async for piece in result.body:
            body += piece
            if len(body) > MOST_STORED_BYTES:
                return None
    return bytes(body)
