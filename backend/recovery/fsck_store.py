"""The part of fsck that asks the object store: does it hold what it confirmed? Changes nothing.

What does not agree is looked at twice, like everything in `fsck`. Not here: objects that no row knows;
the protocol does not list.
"""

import asyncio
import hashlib
from collections.abc import Iterable

from backend.catalogue import Catalogue, Clip, Location, Root, StoredPath
from backend.recovery.fsck import Finding, FindingKind, Level
from backend.storage.object_store import FailureCause, ObjectStore, StoreError

_AT_ONCE = 4


async def compare_with_store(
    catalogue: Catalogue, store: ObjectStore | None, recorder_id: str, level: Level, *, settle_s: float = 1.0
) -> tuple[int, list[Finding]]:
    """How many objects were looked at, and what is not as it should be. `store` None: none is configured."""
    clips = [clip for clip in await catalogue.clips_of_recorder(recorder_id) if clip.remote]
    if store is None:
        return 0, [_unreachable(clip) for clip in clips if clip.location is Location.REMOTE]
    try:
        found = await _compare(clips, store, level)
        if found:
            await asyncio.sleep(settle_s)
            suspects = {finding.clip_id for finding in found}
            again = [clip for clip in await catalogue.clips_of_recorder(recorder_id) if clip.id in suspects]
            second = set(await _compare(again, store, level))
            found = [finding for finding in found if finding in second]
    except StoreError as error:
        return 0, [Finding(FindingKind.UNREADABLE, None, None, f"The store cannot be asked. {error}")]
    return sum(len(clip.remote) for clip in clips), found


async def _compare(clips: Iterable[Clip], store: ObjectStore, level: Level) -> list[Finding]:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(clip: Clip, place: StoredPath) -> Finding | None:
        async with turn:
            return await _check(clip, place, store, level)

    checks = [one(clip, remote.place) for clip in clips for remote in clip.remote]
    return [finding for finding in await asyncio.gather(*checks) if finding is not None]


async def _check(clip: Clip, place: StoredPath, store: ObjectStore, level: Level) -> Finding | None:
    stored = await store.stat(place)
    if stored is None:
        sentence = (
            f"{place.path} of clip {clip.id} is gone from the store's {place.root}. {_cure(clip, place)}"
        )
        return Finding(FindingKind.MISSING, clip.id, place.path, sentence)
    if place != clip.remote_file:
        return None  # of pictures and public copies the catalogue knows neither size nor hash
    if level is not Level.PRESENCE and stored.size_bytes != clip.size_bytes:
        sentence = (
            f"{place.path} at the store has {stored.size_bytes} bytes, the catalogue says {clip.size_bytes}. "
            f"{_cure(clip, place)}"
        )
        return Finding(FindingKind.SIZE_DIFFERS, clip.id, place.path, sentence)
    if level is Level.HASH and clip.sha256 is not None and await _sha256(store, place) != clip.sha256:
        sentence = f"{place.path} at the store has other content than the clip. {_cure(clip, place)}"
        return Finding(FindingKind.CONTENT_DIFFERS, clip.id, place.path, sentence)
    return None


async def _sha256(store: ObjectStore, place: StoredPath) -> str | None:
    digest = hashlib.sha256()
    try:
        async with await store.open_stream(place, None) as stream:
            async for piece in stream.body:
                digest.update(piece)
    except StoreError as error:
        if error.cause is FailureCause.MISSING:
            return None
        raise
    return digest.hexdigest()


def _cure(clip: Clip, place: StoredPath) -> str:
    if place.root is Root.THUMBNAILS:
        return "The picture itself is on the local disk."
    if clip.location is Location.REMOTE:
        return "Restore it at the store from a backup, or delete the clip."
    return "The local file is there, and stays until the store holds it again."


def _unreachable(clip: Clip) -> Finding:
    sentence = f"Clip {clip.id} is only at an object store, and the configuration names none (storage.s3)."
    return Finding(FindingKind.MISSING, clip.id, clip.path, sentence)
