"""How a player gets a clip: straight from the object store, or as a stream through the daemon.

Here: the resolver, and names for downloads. An address of the store (`direct_url`) is given where the browser
can use it: the store holds the clip and answers, its scheme is not weaker than the page's, and it is not this
machine's loopback while the page is elsewhere. Everything else is streamed (`proxy_stream`). Not here: the
bytes (`clip_bytes`), which form of a clip a player gets (`forms`), clean forms (`clean_copies`). Event loop
only.
"""

import asyncio
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote, urlsplit

from aiohttp import web

from backend.access.peers import is_loopback
from backend.base.text.file_names import file_name, harmless
from backend.base.times import utc_now
from backend.catalogue import Clip, MediaType
from backend.playback.clean_copies import CleanCopies
from backend.playback.clip_bytes import LOCAL, MIME_TYPES, ClipBytes, key_of, refused_by_store
from backend.playback.clip_index import ClipIndexes
from backend.playback.file_body import FileToSend
from backend.playback.forms import Form
from backend.playback.metrics import Failure, Mode, PlaybackMetrics
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.storage.object_store import LONGEST_URL_S, FailureCause, ObjectStore, StoreError
from recorder import FrameTimes

URL_LIFETIME_S = 300
_MOST_LETTERS = 80
"""Of a title in a file name: more than a list shows."""
LOOK_WITHIN_S = 1.0
"""A store that does not say in this time that it has a clip is not where a browser is sent to."""
LOOK_LAST_S = 5.0
"""Where there is no other place to play the clip from, it is waited for longer."""
AVOID_S = 10.0
"""A store that failed is not asked again for this long while there is another way."""
# A browser may keep them, for itself, and must ask each time: its session may have ended. The ETag is that of
# the content, so the answer to a caller who still may is a 304.
_CACHING = {"Cache-Control": "private, no-cache"}


@dataclass(frozen=True, slots=True)
class Page:
    """The page that plays: its scheme and host, and why the address it had failed."""

    scheme: str
    host: str
    after: Literal["expired", "failed"] | None = None


@dataclass(frozen=True, slots=True)
class PlaybackAddress:
    """Where a player gets a clip. `expires_at` None: never."""

    provider: str
    mode: Mode
    url: str
    expires_at: datetime | None
    mime_type: str


class Playback:
    """Resolves clips to addresses, and answers those that lead here."""

    def __init__(
        self,
        clip_bytes: ClipBytes,
        clean_copies: CleanCopies,
        indexes: ClipIndexes,
        metrics: PlaybackMetrics,
        *,
        lifetime_s: float = URL_LIFETIME_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clean_copies = clean_copies
        self.indexes = indexes
        self._bytes = clip_bytes
        self._metrics = metrics
        self._lifetime_s = int(min(max(1, lifetime_s), LONGEST_URL_S))
        self._monotonic_s = monotonic_s
        self._avoid_until_s = float("-inf")

    async def resolve(
        self,
        clip: Clip,
        page: Page,
        form: Form = Form.ORIGINAL,
        making: AbstractContextManager[object] | None = None,
    ) -> PlaybackAddress:
        """Where a player gets the clip. Refused: not a video, not ready, nowhere, no clean form now.

        A clean form is made before the answer, so a player waits for the answer and not before a black
        picture; no address of the store is given for it, which holds the camera's own file. `making` is
        entered while one is made.
        """
        began_s = self._monotonic_s()
        self._must_be_playable(clip)
        path, store = await self._bytes.local_file(clip), self._bytes.stored(clip)
        if path is None and store is None:
            raise self._bytes.missing(clip)
        self._note_return(store, page)
        clean, direct = await self._needs_clean(clip, form), None
        if clean:
            await self._make_clean(clip, making)
            self._metrics.sent_to_clean(form)
        elif store is not None:
            direct = await self._direct(clip, store, page, others=path is not None)
        provider = store.provider if store is not None and (direct or path is None) else LOCAL
        mode = Mode.PROXY_STREAM if direct is None else Mode.DIRECT_URL
        self._metrics.resolved(provider, mode, self._monotonic_s() - began_s)
        own = f"/api/clips/{clip.id}/playback/stream{'?form=clean' if clean and form is Form.EXACT else ''}"
        url, expires_at = direct or (own, None)
        return PlaybackAddress(provider, mode, url, expires_at, MIME_TYPES[".mp4"])

    async def frame_times(self, clip: Clip) -> FrameTimes:
        """When the video shows its frames. Refused: not a video, not ready, nowhere, not readable."""
        self._must_be_playable(clip)
        return await self.indexes.frame_times(clip)

    async def stream(
        self,
        request: web.Request,
        clip: Clip,
        form: Form = Form.ORIGINAL,
        making: AbstractContextManager[object] | None = None,
    ) -> web.StreamResponse:
        """The video, to be played in the page; otherwise as `resolve`."""
        self._must_be_playable(clip)
        clean = await self._needs_clean(clip, form)
        if clean:
            await self._make_clean(clip, making)
        return await self._send(request, clip, _CACHING, clean=clean)

    async def download(
        self, request: web.Request, clip: Clip, *, inline: bool, clean: bool = False
    ) -> web.StreamResponse:
        """The file under a readable name. `inline` shows it instead of saving it, `clean` hides nothing.

        Refused: not ready, nowhere, too many clean forms at once.
        """
        self._must_be_ready(clip)
        headers = {"Content-Disposition": disposition(readable_name(clip), inline=inline)} | _CACHING
        return await self._send(request, clip, headers, clean=clean)

    async def _needs_clean(self, clip: Clip, form: Form) -> bool:
        return form is Form.CLEAN or (form is Form.EXACT and await self.indexes.hides_pictures(clip))

    async def _make_clean(self, clip: Clip, making: AbstractContextManager[object] | None) -> None:
        with making or nullcontext():
            async with self.clean_copies.open(clip):
                pass  # made; it is opened once more to be sent

    async def _send(
        self, request: web.Request, clip: Clip, headers: Mapping[str, str], *, clean: bool
    ) -> web.StreamResponse:
        if not clean or clip.media_type is not MediaType.VIDEO:
            return await self._bytes.send(request, clip, headers)
        async with self.clean_copies.open(clip) as file:
            # By its own content: one that is made again, by another encoder, has another ETag.
            clean_file = FileToSend(file.path, MIME_TYPES[".mp4"], file.sha256, headers)
            return await self._bytes.send_local(request, clean_file)

    async def _direct(
        self, clip: Clip, store: ObjectStore, page: Page, *, others: bool
    ) -> tuple[str, datetime] | None:
        """An address a browser can use, and until when. `others`: the clip can be played otherwise too."""
        now_s = self._monotonic_s()
        if page.after == "failed" or (others and now_s < self._avoid_until_s):
            return None
        try:
            expires_at = utc_now() + timedelta(seconds=self._lifetime_s)
            url = await store.get_playback_url(key_of(clip), self._lifetime_s)
            if url is not None and not usable(url, page):
                url = None
            if url is None and others:
                return None
            async with asyncio.timeout(LOOK_WITHIN_S if others else LOOK_LAST_S):
                there = await store.stat(key_of(clip))
        except (StoreError, TimeoutError) as error:
            failed = self._failed(store, error)
            if others:
                self._avoid_until_s = self._monotonic_s() + AVOID_S
                return None
            raise failed from error
        if there is None or there.size_bytes != clip.size_bytes:
            self._metrics.failed(store.provider, Mode.DIRECT_URL, Failure.OTHER_CONTENT)
            if others:
                return None
            raise Refused(Kind.OBJECT_GONE)
        return None if url is None else (url, expires_at)

    def _failed(self, store: ObjectStore, error: StoreError | TimeoutError) -> Refused:
        if isinstance(error, TimeoutError):
            error = StoreError(
                FailureCause.SLOW,
                "The object store did not answer in time. Look at its load and the line to it.",
            )
        self._metrics.failed(store.provider, Mode.DIRECT_URL, error.cause)
        return refused_by_store(error)

    def _note_return(self, store: ObjectStore | None, page: Page) -> None:
        if store is not None and page.after is not None:
            reason = Failure.EXPIRED if page.after == "expired" else Failure.PAGE_COULD_NOT_PLAY
            self._metrics.failed(store.provider, Mode.DIRECT_URL, reason)

    def _must_be_playable(self, clip: Clip) -> None:
        if clip.media_type is not MediaType.VIDEO:
            self._metrics.failed(LOCAL, Mode.PROXY_STREAM, Failure.NOT_A_VIDEO)
            raise Refused(Kind.NOT_A_VIDEO, field="id")
        self._must_be_ready(clip)

    def _must_be_ready(self, clip: Clip) -> None:
        if not clip.is_ready:
            self._metrics.failed(LOCAL, Mode.PROXY_STREAM, Failure.NOT_READY)
        must_be_ready(clip)


def must_be_ready(clip: Clip) -> None:
    """Refuse a clip whose file is not finished."""
    if clip.is_ready:
        return
    if clip.error:
        raise Refused(Kind.CLIP_FAILED, status=clip.status, reason=clip.error)
    raise Refused(Kind.CLIP_NOT_READY, status=clip.status)


def usable(url: str, page: Page) -> bool:
    """Whether the browser that shows `page` can and may load `url`."""
    parts = urlsplit(url)
    weaker = page.scheme == "https" and parts.scheme != "https"
    elsewhere = is_loopback(parts.hostname or "") and not is_loopback(page.host)
    return not weaker and not elsewhere


def readable_name(clip: Clip, number: int = 1) -> str:
    """A file name for people: title or camera, then the start in UTC, and a number from the second one on."""
    words = harmless(clip.title) or clip.camera
    more = f" ({number})" if number > 1 else ""
    suffix = ".mp4" if clip.media_type is MediaType.VIDEO else ".jpg"
    return file_name(words, f" {_stamp(clip.start_time)}{more}{suffix}", _MOST_LETTERS)


def disposition(name: str, *, inline: bool) -> str:
    """Content-Disposition by RFC 6266: plain ASCII for old clients, UTF-8 for all others."""
    kind = "inline" if inline else "attachment"
    path = PurePosixPath(name)
    # Only now are some letters plain ones, and a wide quotation mark one that would end the name.
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    ascii_name = file_name(plain.replace("%", "_"), path.suffix)
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H-%M-%S") + "Z"
