"""One round trip through a store, step by step, as the daemon and a browser would make it.

For `hindsight storage check`. Each step says how it went; a failure has its cause and what to do. What
the check puts at the store it deletes again. Not here: printing (`cli.storage`).
"""

import asyncio
import os
import re
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import urllib3

from backend.base.ids import new_id
from backend.catalogue.values import PUBLIC_PREFIX, Root, StoredPath
from backend.storage.object_store import FailureCause, ObjectStore, StoreError
from backend.storage.s3_errors import foreseen, store_error
from backend.storage.s3_http import PatientPool

SIZE_BYTES = 9 * 1024 * 1024
"""More than one part, so that uploads in parts are tried too."""
_FIRST, _LAST = 1000, 2000


class StoreCheckOutcome(StrEnum):
    """How a step went."""

    OK = "ok"
    WARNING = "warning"
    """Not as it should be, and clips are kept and played all the same."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """A step before it failed, or it is not configured."""


@dataclass(frozen=True, slots=True)
class StoreCheckStep:
    """One step. `cause` and `detail` when it did not go well."""

    name: str
    outcome: StoreCheckOutcome
    seconds: float = 0.0
    cause: FailureCause | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Trip:
    store: ObjectStore
    origin: str
    key: StoredPath
    file: Path
    content: bytes


async def check_store(store: ObjectStore, *, origin: str, public: bool) -> AsyncIterator[StoreCheckStep]:
    """Every step in its order. `origin`: of the page, for CORS; `public`: whether public_urls is on."""
    content = os.urandom(SIZE_BYTES)
    key = StoredPath(Root.CLIPS, f"{new_id()}/check-{secrets.token_hex(4)}.mp4")
    with tempfile.TemporaryDirectory(prefix="hindsight-check-") as folder:
        file = Path(folder) / "check.mp4"
        await asyncio.to_thread(file.write_bytes, content)
        trip = _Trip(store, origin, key, file, content)
        steps: list[tuple[str, Callable[[_Trip], Awaitable[StoreCheckStep | None]]]] = [
            ("buckets", _buckets),
            ("put", _put),
            ("picture", _picture),
            ("stat", _stat),
            ("range", _range),
            ("presigned", _presigned),
            ("cors", _cors),
        ]
        if public:
            steps.append(("public", _public))
        failed = put = False
        for name, step in steps:
            done = (
                StoreCheckStep(name, StoreCheckOutcome.SKIPPED) if failed else await _timed(name, step, trip)
            )
            failed = failed or done.outcome is StoreCheckOutcome.FAILED
            put = put or (name == "put" and not failed)
            yield done
        yield (
            await _timed("delete", _delete, trip)
            if put
            else StoreCheckStep("delete", StoreCheckOutcome.SKIPPED)
        )


async def _timed(
    name: str, step: Callable[[_Trip], Awaitable[StoreCheckStep | None]], trip: _Trip
) -> StoreCheckStep:
    begun_s = time.monotonic()
    try:
        result = await step(trip) or StoreCheckStep(name, StoreCheckOutcome.OK)
    except StoreError as error:
        result = StoreCheckStep(name, StoreCheckOutcome.FAILED, cause=error.cause, detail=str(error))
    return replace(result, seconds=round(time.monotonic() - begun_s, 3))


async def _buckets(trip: _Trip) -> None:
    await trip.store.prepare()


async def _put(trip: _Trip) -> None:
    await trip.store.put(trip.key, trip.file, "video/mp4")


async def _picture(trip: _Trip) -> None:
    """Pictures lie elsewhere than clips, where the key may have other rights."""
    key = StoredPath(Root.THUMBNAILS, f"{trip.key.path}.jpg")
    with tempfile.TemporaryDirectory(prefix="hindsight-check-") as folder:
        file = Path(folder) / "check.jpg"
        await asyncio.to_thread(file.write_bytes, trip.content[:1000])
        await trip.store.put(key, file, "image/jpeg")
    await trip.store.delete(key)


async def _stat(trip: _Trip) -> None:
    stored = await trip.store.stat(trip.key)
    if stored is None or stored.size_bytes != SIZE_BYTES:
        raise store_error(FailureCause.CONTENT, "The store does not show what was just put there")


async def _range(trip: _Trip) -> None:
    result = await trip.store.open_stream(trip.key, f"bytes={_FIRST}-{_LAST}")
    async with result:
        got = b"".join([piece async for piece in result.body])
    if result.status != 206 or got != trip.content[_FIRST : _LAST + 1]:
        raise store_error(FailureCause.OTHER, "The store does not answer byte ranges, which players seek by")


async def _presigned(trip: _Trip) -> None:
    url = await trip.store.get_playback_url(trip.key)
    if url is None:
        raise store_error(
            FailureCause.OTHER, "This store gives no addresses; clips are streamed by the daemon"
        )
    answer = await _get(url, {"Range": f"bytes={_FIRST}-{_LAST}"})
    if answer.status in {200, 206} and answer.data in {trip.content, trip.content[_FIRST : _LAST + 1]}:
        return
    raise _why_refused(answer)


async def _cors(trip: _Trip) -> StoreCheckStep | None:
    url = await trip.store.get_playback_url(trip.key)
    answer = await _get(str(url), {"Range": "bytes=0-0", "Origin": trip.origin})
    if answer.headers.get("Access-Control-Allow-Origin") in {"*", trip.origin}:
        return None
    error = store_error(
        FailureCause.CORS, f"The store does not let a page at {trip.origin} read what it sends"
    )
    return StoreCheckStep(
        "cors", StoreCheckOutcome.WARNING, cause=FailureCause.CORS, detail=f"{error} Players work without it."
    )


async def _public(trip: _Trip) -> None:
    key = StoredPath(trip.key.root, PUBLIC_PREFIX + trip.key.path)
    await trip.store.copy(trip.key, key)
    try:
        url = trip.store.public_url(key)
        answer = await _get(str(url), {"Range": "bytes=0-0"})
        if answer.status not in {200, 206}:
            raise store_error(
                FailureCause.CREDENTIALS,
                f"public_urls is on, but nobody may read below {PUBLIC_PREFIX} without a key "
                f"(HTTP {answer.status}); set the bucket's policy, or turn public_urls off",
            )
        without_prefix = str(url).removesuffix(key.path) + trip.key.path
        private = await _get(without_prefix, {"Range": "bytes=0-0"})
        if private.status in {200, 206}:
            raise store_error(
                FailureCause.CREDENTIALS,
                f"Everybody may read every clip of this bucket, drafts too; open {PUBLIC_PREFIX} only",
            )
    finally:
        await trip.store.delete(key)


async def _delete(trip: _Trip) -> None:
    await trip.store.delete(trip.key)
    if await trip.store.stat(trip.key) is not None:
        raise store_error(FailureCause.OTHER, "The store still shows what was deleted")


async def _get(url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    try:
        return await asyncio.to_thread(lambda: PatientPool().request("GET", url, headers=headers))
    except urllib3.exceptions.HTTPError as error:
        found = foreseen(error, "fetch a presigned address")
        cure = "Check storage.s3.public_endpoint: this machine cannot reach it either."
        raise StoreError(found.cause, f"{found} {cure}") from error


_CODES = {
    "RequestTimeTooSkewed": FailureCause.CLOCK,
    "AuthorizationQueryParametersError": FailureCause.REGION,
    "AuthorizationHeaderMalformed": FailureCause.REGION,
    "InvalidAccessKeyId": FailureCause.CREDENTIALS,
    "AccessDenied": FailureCause.CREDENTIALS,
    "NoSuchBucket": FailureCause.BUCKET,
    "NoSuchKey": FailureCause.HOST,
}


def _why_refused(answer: urllib3.BaseHTTPResponse) -> StoreError:
    """Why a presigned address fails where the same key works: most often the host is not the signed one."""
    found = re.search(rb"<Code>(\w+)</Code>", answer.data or b"")
    code = found[1].decode() if found else f"HTTP {answer.status}"
    cause = _CODES.get(code, FailureCause.HOST)
    sentence = f"The store refuses a presigned address ({code})"
    if cause is FailureCause.HOST:
        return StoreError(
            cause,
            f"{sentence}. The host is part of the signature: storage.s3.public_endpoint must be exactly what "
            "the store is asked by, and a proxy before it must pass on the Host header.",
        )
    return store_error(cause, sentence)
