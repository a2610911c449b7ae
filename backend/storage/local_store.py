"""The local disk as an object store: the same questions, answered by `LocalFiles`.

For what speaks to "the store" without caring which (the playback proxy, the contract suite). Has no
addresses to give: a browser cannot reach our disk. Blocking work runs in threads of its own.
"""

import mimetypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from backend.base.byte_range import Stored, choose_slice
from backend.catalogue.values import StoredPath
from backend.foundation.local_files import LocalFiles, PathRefused, sha256_of
from backend.storage.bodies import EmptyBody, ThreadedBody
from backend.storage.object_store import (
    FailureCause,
    ObjectStat,
    Progress,
    ProviderStreamResult,
    StoreError,
    StoreHealth,
)
from recorder.base.durable import copy_durably
from recorder.base.threads import in_thread

T = TypeVar("T")
THREADS = 4


class LocalStore:
    """`LocalFiles` behind the protocol."""

    provider = "local"

    def __init__(self, files: LocalFiles) -> None:
        self._files = files
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="local-store")

    @property
    def name(self) -> str:
        """Its directory."""
        return str(self._files.clips_dir)

    @property
    def has_public_urls(self) -> bool:
        """Never: nothing serves the directory."""
        return False

    @property
    def browser_origin(self) -> str | None:
        """Nowhere."""
        return None

    async def prepare(self) -> None:
        """Make the directories."""
        await self._do(self._files.prepare)

    async def put(
        self, key: StoredPath, path: Path, content_type: str, progress: Progress | None = None
    ) -> ObjectStat:
        """A durable copy, compared with what it was made of. The content type follows from the name."""

        def put() -> ObjectStat:
            target = self._files.path_of(key)
            copy_durably(path, target)
            if progress is not None:
                progress(target.stat().st_size)
            if sha256_of(target) != sha256_of(path):
                raise StoreError(
                    FailureCause.CONTENT, f"The disk holds something else than was written to {key.path}."
                )
            return _stat_of(target)

        return await self._do(put)

    async def copy(self, source: StoredPath, target: StoredPath) -> ObjectStat:
        """Like put, from a stored file."""
        path = await self._do(lambda: self._files.path_of(source))
        if await self.stat(source) is None:
            raise _missing(source)
        return await self.put(target, path, "")

    async def holds(self, key: StoredPath, path: Path) -> bool:
        """Compare all bytes, by their hash."""

        def holds() -> bool:
            stored = self._files.path_of(key)
            return self._files.is_here(stored) and sha256_of(stored) == sha256_of(path)

        return await self._do(holds)

    async def stat(self, key: StoredPath) -> ObjectStat | None:
        def stat() -> ObjectStat | None:
            path = self._files.path_of(key)
            return _stat_of(path) if self._files.is_here(path) else None

        return await self._do(stat)

    async def delete(self, key: StoredPath) -> None:
        await self._do(lambda: self._files.remove(key))

    async def health(self) -> StoreHealth:
        """Whether the disk takes a file now."""
        try:
            await self._do(self._files.prepare)
        except StoreError as error:
            return StoreHealth(ok=False, cause=error.cause, sentence=str(error))
        return StoreHealth(ok=True)

    async def get_playback_url(self, key: StoredPath, expires_seconds: int = 300) -> str | None:
        return None

    def public_url(self, key: StoredPath) -> str | None:
        return None

    async def open_stream(self, key: StoredPath, range_header: str | None) -> ProviderStreamResult:
        """Read a file, or the part of it that `range_header` asks for."""
        return await self._do(lambda: self._open(key, range_header))

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _open(self, key: StoredPath, range_header: str | None) -> ProviderStreamResult:
        path = self._files.path_of(key)
        try:
            file = self._files.open(path)
        except FileNotFoundError as error:
            raise _missing(key) from error
        facts = os.fstat(file.fileno())
        modified = datetime.fromtimestamp(facts.st_mtime, UTC).replace(tzinfo=None)
        stored = Stored(facts.st_size, f'"{_etag(facts)}"', modified)
        chosen = choose_slice({} if range_header is None else {"Range": range_header}, stored)
        headers = chosen.headers | {"Content-Type": _type_of(path), "Content-Length": str(chosen.length)}
        if chosen.status == 416:
            file.close()
            return ProviderStreamResult(416, headers, EmptyBody())
        file.seek(chosen.first)
        return ProviderStreamResult(chosen.status, headers, self._body(file, chosen.length))

    def _body(self, file: BinaryIO, length: int) -> ThreadedBody:
        return ThreadedBody(file.read, file.close, self._threads, length)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await in_thread(self._threads, work)
        except PathRefused as error:
            raise StoreError(FailureCause.OTHER, str(error)) from error
        except OSError as error:
            full = error.errno in {28, 122}  # ENOSPC, EDQUOT
            cause = FailureCause.FULL if full else FailureCause.OTHER
            cure = "Free some space on it." if full else "Look at the disk."
            raise StoreError(cause, f"The disk refuses: {error.strerror or error}. {cure}") from error


def _stat_of(path: Path) -> ObjectStat:
    facts = path.stat()
    modified = datetime.fromtimestamp(facts.st_mtime, UTC).replace(tzinfo=None)
    return ObjectStat(facts.st_size, _etag(facts), modified, _type_of(path))


def _etag(facts: os.stat_result) -> str:
    return f"{facts.st_size:x}-{facts.st_mtime_ns:x}"


def _type_of(path: Path) -> str:
    return mimetypes.types_map.get(path.suffix, "application/octet-stream")


def _missing(key: StoredPath) -> StoreError:
    return StoreError(FailureCause.MISSING, f"There is no file {key.path}. Run `hindsight fsck`.")
