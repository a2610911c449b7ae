"""An S3-compatible store, by the `minio` client: AWS, MinIO, Garage, Ceph, rclone's gateway and others.

    clips         [public/]<clip id>/clip.mp4
    thumbnails    [public/]<clip id>/current.jpg, middle.jpg, manual.png

Here: requests, and the threads they block. Not here: in which bucket, below which prefix (`s3_settings`),
whether buckets are there (`s3_buckets`), connections (`s3_http`), what an error means (`s3_errors`), when to
try again (`upload_queue`). Two clients: one speaks to `endpoint`, the other only signs for `public_endpoint`,
because the host is part of a signature; both know the region, without which the client asks the store before
it signs anything.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import MinioException

from backend.base.byte_range import is_single_range, suffix_bytes
from backend.catalogue.values import PUBLIC_PREFIX, StoredPath
from backend.storage.bodies import EmptyBody, ThreadedBody
from backend.storage.checksums import PART_BYTES, Checksums, checksums_of
from backend.storage.object_store import (
    LONGEST_URL_S,
    PIECE_BYTES,
    FailureCause,
    ObjectStat,
    Progress,
    ProviderStreamResult,
    StoreError,
    StoreHealth,
    origin_of,
)
from backend.storage.s3_buckets import Buckets
from backend.storage.s3_errors import (
    LARGEST_SKEW_S,
    clock_error,
    code_of,
    foreseen,
    is_denied,
    is_missing,
    skew_s,
    store_error,
)
from backend.storage.s3_http import PatientPool
from backend.storage.s3_settings import S3Settings
from recorder.base.own_files import open_own, stat_own
from recorder.base.threads import in_thread

T = TypeVar("T")

TRANSFER_THREADS, CALL_THREADS, STREAM_THREADS = 4, 2, 16
"""Apart, so that a store that stands still under uploads does not hold up players or health checks."""

_PRESIGNED = {"response-cache-control": "private, no-cache"}
"""What the store is to answer with, as we do; stores that do not know it ignore it."""

_FAILURES = (MinioException, urllib3.exceptions.HTTPError, ValueError, ConnectionError)


class S3Store:
    """One S3-compatible store, with a place for clips and one for pictures. Connects on the first request."""

    provider = "s3"

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._http = PatientPool()
        self._client = _client(settings, settings.endpoint, self._http)
        self._buckets = Buckets(self._client, settings)
        self._signer = _client(settings, settings.public_endpoint or settings.endpoint, PatientPool())
        self._transfers = ThreadPoolExecutor(TRANSFER_THREADS, thread_name_prefix="s3-transfer")
        self._calls = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="s3-call")
        self._streams = ThreadPoolExecutor(STREAM_THREADS, thread_name_prefix="s3-stream")
        self._closing = False

    @property
    def name(self) -> str:
        """Endpoint and places."""
        return " ".join([self._settings.endpoint, *map(str, self._settings.places)])

    @property
    def has_public_urls(self) -> bool:
        """As configured."""
        return self._settings.public_urls

    @property
    def browser_origin(self) -> str | None:
        """That of the public endpoint; at AWS the bucket is part of the host."""
        base = self._settings.public_endpoint or self._settings.endpoint
        try:
            return origin_of(self._signer.presigned_get_object(self._settings.clips.bucket, "x"))
        except _FAILURES:  # a name that no store takes: `prepare` says so
            return origin_of(base)

    async def prepare(self) -> None:
        """Make the buckets that are missing; with `public_urls` only, anyone may read below public/."""
        await self._do(self._calls, "make the buckets", self._buckets.prepare)

    async def put(
        self, key: StoredPath, path: Path, content_type: str, progress: Progress | None = None
    ) -> ObjectStat:
        """Upload in parts of 8 MiB; the ETag, or else reading it back, confirms the content."""
        return await self._do(
            self._transfers,
            f"put {key.path}",
            lambda: self._put(key, path, content_type, progress),
            self._needs("s3:PutObject and s3:GetObject", key),
        )

    async def copy(self, source: StoredPath, target: StoredPath) -> ObjectStat:
        """A copy made by the store itself; its size and, where it says so, its ETag must be the same."""
        return await self._do(
            self._transfers,
            f"copy {source.path}",
            lambda: self._copy(source, target),
            self._needs("s3:GetObject and s3:PutObject", target),
        )

    async def holds(self, key: StoredPath, path: Path) -> bool:
        """Compare by ETag where it is a checksum, else by reading the object."""
        return await self._do(
            self._transfers,
            f"compare {key.path}",
            lambda: self._holds(key, path),
            self._needs("s3:GetObject", key),
        )

    async def stat(self, key: StoredPath) -> ObjectStat | None:
        """HEAD."""
        return await self._do(
            self._calls,
            f"look at {key.path}",
            lambda: self._stat(key),
            self._needs("s3:GetObject", key),
        )

    async def delete(self, key: StoredPath) -> None:
        """DELETE, which S3 answers alike whether there was an object or not."""
        await self._do(
            self._calls,
            f"delete {key.path}",
            lambda: self._delete(key),
            self._needs("s3:DeleteObject", key),
        )

    async def health(self) -> StoreHealth:
        """Whether both places are there for this key. Says nothing about room: no request tells that."""
        try:
            await self._do(self._calls, "look at the buckets", self._buckets.check)
        except Exception as error:  # noqa: BLE001  foreseen() has made it a StoreError, or it is one to report
            found = foreseen(error, "look at the buckets")
            return StoreHealth(ok=False, cause=found.cause, sentence=str(found))
        return StoreHealth(ok=True)

    async def get_playback_url(self, key: StoredPath, expires_seconds: int = 300) -> str | None:
        """A presigned address at the public endpoint. Signed offline (0.3 ms), so not in a thread."""
        lifetime = timedelta(seconds=max(1, min(expires_seconds, LONGEST_URL_S)))
        try:
            return self._signer.presigned_get_object(
                *self._settings.bucket_and_name(key), expires=lifetime, response_headers=dict(_PRESIGNED)
            )
        except _FAILURES as error:
            raise foreseen(error, f"sign for {key.path}") from error

    def public_url(self, key: StoredPath) -> str | None:
        """The plain address of an object below public/; None unless `public_urls` is set."""
        if not self._settings.public_urls or not key.path.startswith(PUBLIC_PREFIX):
            return None
        base = (self._settings.public_endpoint or self._settings.endpoint).rstrip("/")
        return "/".join([base, *map(quote, self._settings.bucket_and_name(key))])

    async def open_stream(self, key: StoredPath, range_header: str | None) -> ProviderStreamResult:
        """GET, with the client's range passed on; always 206 when the store sends a part."""
        wanted = range_header if range_header is not None and is_single_range(range_header) else None
        return await self._do(
            self._streams,
            f"read {key.path}",
            lambda: self._open(key, wanted),
            self._needs("s3:GetObject", key),
        )

    async def close(self) -> None:
        """Transfers under way fail at once: no thread may keep a daemon that ends."""
        self._closing = True
        for threads in (self._transfers, self._calls, self._streams):
            threads.shutdown(wait=False, cancel_futures=True)
        self._http.abort()

    def _needs(self, rights: str, key: StoredPath) -> str:
        return f"{rights} on {self._settings.place(key.root)}/*"

    async def _do(
        self, threads: ThreadPoolExecutor, what: str, work: Callable[[], T], needs: str | None = None
    ) -> T:
        if self._closing:
            raise store_error(FailureCause.OTHER, "The daemon is being stopped")
        try:
            return await in_thread(threads, work)
        except _FAILURES as error:
            raise await self._explained(foreseen(error, what, needs=needs)) from error
        except StoreError as error:
            raise await self._explained(error) from error

    async def _explained(self, error: StoreError) -> StoreError:
        """A refusal for no good reason may be a clock: stores answer a skewed signature in many ways."""
        if error.cause not in {FailureCause.CREDENTIALS, FailureCause.OTHER} or self._closing:
            return error
        skew_s = await in_thread(self._calls, self._clock_ahead_s)
        return error if skew_s is None or abs(skew_s) <= LARGEST_SKEW_S else clock_error(skew_s)

    def _clock_ahead_s(self) -> float | None:
        try:
            return skew_s(self._http.request("GET", self._settings.endpoint))
        except urllib3.exceptions.HTTPError:
            return None

    def _put(self, key: StoredPath, path: Path, content_type: str, progress: Progress | None) -> ObjectStat:
        sums = checksums_of(path)
        with open_own(path) as file:
            reported = _Reported(self, progress)
            answer = self._client.put_object(
                *self._settings.bucket_and_name(key),
                file,
                sums.size_bytes,
                content_type=content_type,
                progress=reported,
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        stored = self._stat(key)
        etag = stored.etag if stored is not None else str(answer.etag or "")
        if stored is None or stored.size_bytes != sums.size_bytes or not self._is(key, etag, sums):
            raise store_error(
                FailureCause.CONTENT, f"The store holds something else than it was sent as {key.path}"
            )
        return stored

    def _holds(self, key: StoredPath, path: Path) -> bool:
        stored = self._stat(key)
        if stored is None or stored.size_bytes != stat_own(path).st_size:
            return False
        return self._is(key, stored.etag, checksums_of(path))

    def _is(self, key: StoredPath, etag: str, sums: Checksums) -> bool:
        verdict = sums.verdict(etag)
        # Parts of another size make another composite: only reading it back can tell.
        if verdict is True:
            return True
        return self._read_back(key) == sums.sha256

    def _read_back(self, key: StoredPath) -> str:
        response = self._client.get_object(*self._settings.bucket_and_name(key))
        try:
            digest = hashlib.sha256()
            while piece := response.read(PIECE_BYTES):
                self._go_on()
                digest.update(piece)
            return digest.hexdigest()
        finally:
            response.close()
            response.release_conn()

    def _copy(self, source: StoredPath, target: StoredPath) -> ObjectStat:
        before = self._stat(source)
        if before is None:
            raise _gone(source)
        origin = CopySource(*self._settings.bucket_and_name(source))
        self._client.copy_object(*self._settings.bucket_and_name(target), origin)
        after = self._stat(target)
        same = after is not None and after.size_bytes == before.size_bytes
        if after is None or not same or (after.etag != before.etag and not self._same(source, target)):
            raise store_error(
                FailureCause.CONTENT, f"The store's copy {target.path} is not what {source.path} is"
            )
        return after

    def _same(self, one: StoredPath, other: StoredPath) -> bool:
        return self._read_back(one) == self._read_back(other)

    def _stat(self, key: StoredPath) -> ObjectStat | None:
        try:
            found = self._client.stat_object(*self._settings.bucket_and_name(key))
        except MinioException as error:
            if self._means_missing(error, key):
                return None
            raise
        modified = (found.last_modified or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
        etag = (found.etag or "").strip('"')
        return ObjectStat(found.size or 0, etag, modified, found.content_type or "application/octet-stream")

    def _means_missing(self, error: MinioException, key: StoredPath) -> bool:
        """Whether the store says, or hides from a key that may not list, that there is no such object."""
        place = self._settings.place(key.root)
        return is_missing(error) or (is_denied(error) and self._buckets.can_read(place))

    def _delete(self, key: StoredPath) -> None:
        try:
            self._client.remove_object(*self._settings.bucket_and_name(key))
        except MinioException as error:
            if not is_missing(error):
                raise

    def _open(self, key: StoredPath, wanted: str | None) -> ProviderStreamResult:
        request_headers: dict[str, str | list[str] | tuple[str]] = {} if wanted is None else {"Range": wanted}
        try:
            response: Any = self._client.get_object(
                *self._settings.bucket_and_name(key), request_headers=request_headers
            )
        except MinioException as error:
            if code_of(error) == "InvalidRange":
                return self._outside(key, str(wanted))
            if self._means_missing(error, key):
                raise _gone(key) from error
            raise
        headers = _headers(response.headers)
        status = 206 if "Content-Range" in headers else 200

        def read(most_bytes: int) -> bytes:
            try:
                return bytes(response.read(most_bytes))
            except _FAILURES as error:
                raise foreseen(error, f"read {key.path}") from error

        def close() -> None:
            with suppress(*_FAILURES):
                response.close()  # a connection with something left in it is of no use to anybody
                response.release_conn()

        length = int(headers["Content-Length"])
        return ProviderStreamResult(status, headers, ThreadedBody(read, close, self._streams, length))

    def _outside(self, key: StoredPath, wanted: str) -> ProviderStreamResult:
        stored = self._stat(key)
        if stored is None:
            raise _gone(key)
        if (last := suffix_bytes(wanted)) is not None and 0 < stored.size_bytes < last:
            # "The last N" of something shorter is all of it (RFC 9110, 14.1.2); rclone refuses.
            return self._open(key, "bytes=0-")
        headers = {
            "Content-Type": stored.content_type,
            "Content-Length": "0",
            "Content-Range": f"bytes */{stored.size_bytes}",
            "Accept-Ranges": "bytes",
            "ETag": f'"{stored.etag}"',
            "Last-Modified": format_datetime(stored.modified.replace(tzinfo=UTC), usegmt=True),
        }
        return ProviderStreamResult(416, headers, EmptyBody())

    def _go_on(self) -> None:
        if self._closing:
            raise store_error(FailureCause.OTHER, "The daemon is being stopped")


class _Reported:
    """What minio tells about an upload, for us: bytes so far, and a chance to end it."""

    def __init__(self, store: S3Store, progress: Progress | None) -> None:
        self._store = store
        self._progress = progress
        self._sent_bytes = 0

    def set_meta(self, object_name: str, total_length: int) -> None:
        """minio's word before the first byte; we know both."""

    def update(self, length: int) -> None:
        """So many more bytes were read for sending."""
        self._store._go_on()
        self._sent_bytes += length
        if self._progress is not None:
            self._progress(self._sent_bytes)


def _gone(key: StoredPath) -> StoreError:
    return store_error(FailureCause.MISSING, f"The object {key.path} is gone from the store")


def _client(settings: S3Settings, endpoint: str, http: PatientPool) -> Minio:
    parts = urlsplit(endpoint)
    return Minio(
        parts.netloc,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        secure=parts.scheme == "https",
        region=settings.region,
        http_client=http,
    )


def _headers(received: Any) -> dict[str, str]:
    names = ("Content-Type", "Content-Length", "Content-Range", "ETag", "Last-Modified")
    headers = {name: str(received[name]) for name in names if received.get(name) is not None}
    headers.setdefault("Content-Type", "application/octet-stream")
    if "ETag" in headers:
        headers["ETag"] = f'"{headers["ETag"].strip(chr(34))}"'
    if (modified := headers.get("Last-Modified")) is not None:
        with suppress(ValueError, TypeError):
            headers["Last-Modified"] = format_datetime(
                parsedate_to_datetime(modified).astimezone(UTC), usegmt=True
            )
    return headers | {"Accept-Ranges": "bytes"}
