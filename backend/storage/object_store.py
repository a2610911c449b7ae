"""What every place for finished files can do. A third provider is one more file.

Here: the protocol, its values, and its one error with the causes that a person can act on. Not here:
which clip lies under which key (`upload_plan`), when a file is copied (`upload_queue`), the providers
(`local_store`, `s3`). Methods are awaited on the event loop and never block it: each provider brings its own
threads. A key is a `StoredPath`: `Root` names the bucket, `path` the object in it.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

from backend.catalogue.values import StoredPath

PIECE_BYTES = 256 * 1024
"""A body comes in pieces of at most this size, so a reader costs about one of them in memory."""

LONGEST_URL_S = 600
"""An address that needs no key lives ten minutes at most."""

Progress = Callable[[int], None]
"""Told how many bytes of a file have been handed over; called in a thread. What it raises ends the put."""


class FailureCause(StrEnum):
    """Why a store request failed, in words that an operator can act on."""

    HOST = "host"
    """Nobody answers at the endpoint: name, port, network, TLS, or the store is down."""
    REGION = "region"
    CLOCK = "clock"
    """Our clock and the store's disagree too much for signatures."""
    CREDENTIALS = "credentials"
    """The key is wrong, or may not do this."""
    BUCKET = "bucket"
    """The bucket is gone, or cannot be made."""
    CORS = "cors"
    """A page may not read what the store sends."""
    FULL = "full"
    SLOW = "slow"
    """It answers too late, or asks to be left alone for a while."""
    MISSING = "missing"
    """There is no such object."""
    CONTENT = "content"
    """What the store holds is not what was put."""
    OTHER = "other"


class StoreError(Exception):
    """A store failed. `str()` is a sentence with the cure and without secrets; the operator must act."""

    def __init__(self, cause: FailureCause, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause

    @property
    def is_permanent(self) -> bool:
        """Whether only a person or another file can change it: trying again soon is pointless."""
        return self.cause in {
            FailureCause.REGION,
            FailureCause.CREDENTIALS,
            FailureCause.BUCKET,
            FailureCause.CLOCK,
        }


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """One object as the store tells it. `etag` without quotes; `modified` is naive UTC."""

    size_bytes: int
    etag: str
    modified: datetime
    content_type: str


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Whether the store would take a file now, and if not, why and what to do."""

    ok: bool
    cause: FailureCause | None = None
    sentence: str | None = None


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as a content security policy names it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class StreamBody(Protocol):
    """The bytes of an object, piece by piece: `async for piece in body`.

    The next piece is fetched on demand. `aclose` must be called, once or more often;
    from then on nothing more is read from the store, whatever is left.
    """

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ProviderStreamResult:
    """The answer of a store to a (range) read: 200, 206 or 416, whatever the store itself calls it.

    `headers` has Content-Type, Content-Length, Accept-Ranges, ETag (quoted), Last-Modified and, with
    206 and 416, Content-Range. Leaving `async with result:` closes the body.
    """

    status: int
    headers: dict[str, str]
    body: StreamBody

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.body.aclose()


class ObjectStore(Protocol):
    """A place for finished files. Every method but `close` may raise StoreError."""

    @property
    def provider(self) -> str:
        """One word for answers and metrics: `local`, `s3`."""
        ...

    @property
    def name(self) -> str:
        """Which store this is; another name means another store, to which every file is copied again."""
        ...

    @property
    def has_public_urls(self) -> bool:
        """Whether published clips get a lasting address that everybody may read."""
        ...

    @property
    def browser_origin(self) -> str | None:
        """Scheme, host and port under which browsers reach it; None if they do not."""
        ...

    async def prepare(self) -> None:
        """Make what must be there before the first file (buckets, directories); may be called again."""
        ...

    async def put(
        self, key: StoredPath, path: Path, content_type: str, progress: Progress | None = None
    ) -> ObjectStat:
        """Store the file `path` under `key`, in place of what was there.

        Returns only when the store has confirmed that it holds this content: by its checksum, or by
        reading it back. Raises OSError when the local file cannot be read.
        """
        ...

    async def copy(self, source: StoredPath, target: StoredPath) -> ObjectStat:
        """Copy an object within the store; returns when the copy is known to be as good as `source`."""
        ...

    async def holds(self, key: StoredPath, path: Path) -> bool:
        """Whether the object under `key` has exactly the content of the local file."""
        ...

    async def stat(self, key: StoredPath) -> ObjectStat | None:
        """What is stored under `key`; None when nothing is."""
        ...

    async def delete(self, key: StoredPath) -> None:
        """Remove the object; what is not there is removed already."""
        ...

    async def health(self) -> StoreHealth:
        """Whether files could be put now. Never raises."""
        ...

    async def get_playback_url(self, key: StoredPath, expires_seconds: int = 300) -> str | None:
        """An address that a browser can play for this long, without any key of ours in it.

        None when the provider has none to give: stream through the daemon then. At most
        `LONGEST_URL_S`. Signing needs no network; whether the object exists is not looked at.
        """
        ...

    def public_url(self, key: StoredPath) -> str | None:
        """The lasting address of an object that everybody may read; None where there is no such thing.

        For published clips only; the caller must have checked the clip's state.
        """
        ...

    async def open_stream(self, key: StoredPath, range_header: str | None) -> ProviderStreamResult:
        """Begin to read. `range_header` is the client's own; several ranges get the whole object.

        StoreError with FailureCause.MISSING when there is no such object.
        """
        ...

    async def close(self) -> None:
        """Let go of threads and connections; transfers under way end early."""
        ...
