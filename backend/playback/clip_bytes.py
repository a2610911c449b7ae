"""The bytes of a finished clip, from this disk or through us from the store, to HTTP clients.

Here: where they are, and sending the requested part. Not here: which clients are sent here at all
(`playback`), which part that is (`byte_range`), the local disk's sending (`file_body`), stores (`storage`).
A reader costs one piece of memory, whatever the size; nothing is read that nobody takes. Event loop only.
"""

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from backend.base.byte_range import Slice, Stored, choose_slice
from backend.catalogue import Clip, Location
from backend.catalogue.values import Root, StoredPath
from backend.foundation.local_files import LocalFiles, PathRefused
from backend.playback.file_body import FileToSend, StoppedReading, outside, send_file, write_piece
from backend.playback.metrics import Failure, Mode, PlaybackMetrics
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.storage.object_store import FailureCause, ObjectStore, ProviderStreamResult, StoreError
from recorder.base.threads import in_thread

MIME_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg"}
LOCAL = "local"
_PROXY = Mode.PROXY_STREAM


def key_of(clip: Clip) -> StoredPath:
    """Under which key the clip's file is kept, on the disk and in the store."""
    return StoredPath(Root.CLIPS, str(clip.path))


def content_type_of(clip: Clip) -> str:
    """By the name of its file."""
    return MIME_TYPES[Path(str(clip.path)).suffix]


class StoredContent:
    """An object that is read when its turn comes: an archive of many costs neither disk nor connections."""

    def __init__(self, store: ObjectStore, key: StoredPath, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._store = store
        self._key = key

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Raises ConnectionResetError when the store fails in the middle: part of an answer is out."""
        try:
            async with await self._store.open_stream(self._key, None) as result:
                async for piece in result.body:
                    yield piece
        except StoreError as error:
            raise ConnectionResetError(f"the store failed in the middle: {error}") from error

    async def close(self) -> None:
        """Nothing is open between pieces."""


class ClipBytes:
    """Reads clips from `files` where they are here, else from `store`."""

    def __init__(
        self, files: LocalFiles, store: ObjectStore | None, threads: Executor, metrics: PlaybackMetrics
    ) -> None:
        self.store = store
        self._files = files
        self._threads = threads
        self._metrics = metrics

    async def local_file(self, clip: Clip) -> Path | None:
        """The file on this disk; None where it is only in the store, or lost."""
        if clip.location is Location.REMOTE:
            return None
        try:
            path = self._files.path_of(key_of(clip))
        except PathRefused:
            return None
        here = await in_thread(self._threads, partial(self._files.is_here, path))
        return path if here else None

    def stored(self, clip: Clip) -> ObjectStore | None:
        """The store where it holds the clip."""
        return None if clip.location is Location.LOCAL else self.store

    def missing(self, clip: Clip) -> Refused:
        """The refusal for a clip whose bytes are nowhere."""
        if clip.location is not Location.LOCAL and self.store is None:
            return self._lost(Kind.STORE_NOT_CONFIGURED)
        return self._lost()

    async def send(self, request: web.Request, clip: Clip, headers: Mapping[str, str]) -> web.StreamResponse:
        """Answer a GET or HEAD with the clip or the requested part. Raises Refused."""
        path = await self.local_file(clip)
        store = self.stored(clip)
        if path is None and store is not None:
            return await self._send_stored(request, clip, store, headers)
        if path is None:
            raise self.missing(clip)
        return await self.send_local(request, FileToSend(path, content_type_of(clip), clip.sha256, headers))

    async def send_local(self, request: web.Request, file: FileToSend) -> web.StreamResponse:
        """Answer with a file of this disk, counted."""
        began_s = time.monotonic()
        first = True

        def wrote(count: int) -> None:
            nonlocal first
            if first:
                self._metrics.began(LOCAL, time.monotonic() - began_s)
                first = False
            self._metrics.sent(LOCAL, count)

        with self._metrics.open_streams.track_inprogress():
            try:
                return await send_file(request, file, wrote)
            except StoppedReading:
                self._metrics.failed(LOCAL, _PROXY, Failure.STOPPED_READING)
                raise
            except ConnectionError:
                raise
            except FileNotFoundError as error:
                raise self._lost() from error
            except OSError as error:
                self._metrics.failed(LOCAL, _PROXY, Failure.DISK)
                raise Refused(Kind.DISK_CANNOT_READ, reason=error.strerror or type(error).__name__) from error

    async def fetch(self, clip: Clip, target: Path) -> None:
        """Write the clip's bytes, from the store, to `target`. Raises Refused, OSError."""
        store = self.stored(clip)
        if store is None:
            raise self.missing(clip)
        file: BinaryIO = await in_thread(self._threads, lambda: target.open("wb"))
        try:
            async with self._opened(clip, store, None) as result:
                async for piece in result.body:
                    await in_thread(self._threads, partial(file.write, piece))
        except StoreError as error:
            raise self._failed(store, error) from error
        finally:
            await in_thread(self._threads, file.close)

    async def open_stored(self, clip: Clip, store: ObjectStore) -> "StoredContent":
        """The clip in the store, looked at now and read later, piece by piece. Raises Refused."""
        try:
            there = await store.stat(key_of(clip))
        except StoreError as error:
            raise self._failed(store, error) from error
        if there is None or there.size_bytes != clip.size_bytes:
            raise Refused(Kind.OBJECT_NOT_AS_PUT, clip=clip.id)
        return StoredContent(store, key_of(clip), there.size_bytes)

    async def fetch_part(self, clip: Clip, first: int, length: int, target: Path) -> None:
        """Write bytes of the clip, from the store, to where they belong in the file `target`.

        Raises Refused, OSError.
        """
        store = self.stored(clip)
        if store is None:
            raise self.missing(clip)
        file: BinaryIO = await in_thread(self._threads, lambda: target.open("r+b"))
        at = first
        try:
            async with self._opened(clip, store, Slice(206, first, length)) as result:
                async for piece in result.body:
                    await in_thread(self._threads, partial(os.pwrite, file.fileno(), piece, at))
                    at += len(piece)
        except StoreError as error:
            raise self._failed(store, error) from error
        finally:
            await in_thread(self._threads, file.close)
        if at != first + length:
            raise self._other_content(store, clip)

    def _lost(self, kind: Kind = Kind.FILE_MISSING) -> Refused:
        self._metrics.failed(LOCAL, _PROXY, Failure.FILE_MISSING)
        return Refused(kind)

    async def _send_stored(
        self, request: web.Request, clip: Clip, store: ObjectStore, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        stored = Stored(clip.size_bytes or 0, f'"{clip.sha256}"', clip.created_at)
        chosen = choose_slice(request.headers, stored)
        if chosen.status == 416:
            return outside(stored, chosen)
        response = web.StreamResponse(status=chosen.status, headers={**headers, **chosen.headers})
        if chosen.status in {200, 206}:
            response.content_type = content_type_of(clip)
            response.content_length = chosen.length
        if request.method == "HEAD" or chosen.status not in {200, 206}:
            await response.prepare(request)
            return response
        with self._metrics.open_streams.track_inprogress():
            await self._pass_on(request, response, clip, chosen)
        return response

    async def _pass_on(
        self, request: web.Request, response: web.StreamResponse, clip: Clip, chosen: Slice
    ) -> None:
        store, began_s, sent = self.stored(clip), time.monotonic(), 0
        if store is None:
            raise self.missing(clip)
        try:
            async with self._opened(clip, store, chosen) as result:
                async for piece in result.body:
                    if not sent:
                        # Only now: until the first byte is here, a failing store is an honest 502.
                        await response.prepare(request)
                        self._metrics.began(store.provider, time.monotonic() - began_s)
                    await write_piece(response, piece)
                    sent += len(piece)
                    self._metrics.sent(store.provider, len(piece))
        except StoreError as error:
            failed = self._failed(store, error)
            if sent:
                raise ConnectionResetError("the store broke off") from error
            raise failed from error
        except StoppedReading:
            self._metrics.failed(store.provider, _PROXY, Failure.STOPPED_READING)
            raise
        if sent != chosen.length:
            failed = self._other_content(store, clip)
            if sent:
                raise ConnectionResetError("the store sent less than it announced")
            raise failed
        await response.write_eof()

    @asynccontextmanager
    async def _opened(
        self, clip: Clip, store: ObjectStore, chosen: Slice | None
    ) -> AsyncIterator[ProviderStreamResult]:
        """The stream of the whole clip or a part, once it is known to be that."""
        size = clip.size_bytes or 0
        first, length = (0, size) if chosen is None else (chosen.first, chosen.length)
        whole = length == size
        range_header = None if whole else f"bytes={first}-{first + length - 1}"
        async with await store.open_stream(key_of(clip), range_header) as result:
            content_range = result.headers.get("Content-Range")
            part = whole or content_range == f"bytes {first}-{first + length - 1}/{size}"
            if result.headers.get("Content-Length") != str(length) or not part:
                raise self._other_content(store, clip)
            yield result

    def _other_content(self, store: ObjectStore, clip: Clip) -> Refused:
        self._metrics.failed(store.provider, _PROXY, Failure.OTHER_CONTENT)
        return Refused(Kind.OBJECT_OF_OTHER_SIZE, size_bytes=clip.size_bytes)

    def _failed(self, store: ObjectStore, error: StoreError) -> Refused:
        self._metrics.failed(store.provider, _PROXY, error.cause)
        return refused_by_store(error)


def refused_by_store(error: StoreError) -> Refused:
    """The refusal for what a store could not do."""
    kind = Kind.OBJECT_MISSING if error.cause is FailureCause.MISSING else Kind.STORE_FAILED
    return Refused(kind, members={"cause": error.cause.value}, reason=str(error))
