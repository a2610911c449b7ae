"""Proves that catalogue and disk agree, or says in sentences where they do not. Changes nothing.

Used by `hindsight fsck` and by tests. It may run beside a working daemon: what does not agree is
looked at twice, and only what did not agree both times is a finding, so a clip that was finished,
published or deleted in between is none.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from backend.catalogue import Catalogue, Clip, Location, PreviewSource, Root, StoredPath
from backend.catalogue.lifecycle import FINISHED, Status
from backend.foundation.local_files import LocalFiles, StoredFile, sha256_of
from backend.pictures.picture_names import is_ours
from recorder import MARKER_NAME, PART_NAME
from recorder.base.own_files import NotOurFile


class Level(StrEnum):
    """How closely to look; each level includes those before it."""

    PRESENCE = "presence"
    """Every file is there, and no other."""
    SIZE = "size"
    """Finished files have the size that the catalogue tells."""
    HASH = "hash"
    """Finished files have the content that the catalogue tells (reads every byte)."""


class FindingKind(StrEnum):
    """What does not agree."""

    MISSING = "missing"
    SIZE_DIFFERS = "size_differs"
    CONTENT_DIFFERS = "content_differs"
    UNREADABLE = "unreadable"
    UNKNOWN_FILE = "unknown_file"
    LEFT_OVER = "left_over"
    ROW_INCOMPLETE = "row_incomplete"


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement. `sentence` says what it is and what to do."""

    kind: FindingKind
    clip_id: str | None
    path: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What was compared and what did not agree."""

    level: Level
    clips: int
    files: int
    size_bytes: int
    findings: tuple[Finding, ...]
    objects: int = 0
    """At the store; filled in by `fsck_store`."""

    @property
    def ok(self) -> bool:
        """Catalogue and disk agree."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class _Snapshot:
    clips: dict[str, Clip]
    garbage: frozenset[str]
    files: dict[StoredPath, StoredFile]


async def check(
    catalogue: Catalogue,
    files: LocalFiles,
    recorder_id: str,
    level: Level = Level.SIZE,
    *,
    settle_s: float = 1.0,
) -> FsckReport:
    """Compare this recorder's rows with its directories. `settle_s`: time between the two looks."""
    first = await _take_snapshot(catalogue, files, recorder_id)
    found = await asyncio.to_thread(_compare, first, files, level, None)
    if found:
        await asyncio.sleep(settle_s)
        second = await _take_snapshot(catalogue, files, recorder_id)
        suspects = {finding.clip_id for finding in found}
        again = set(await asyncio.to_thread(_compare, second, files, level, suspects))
        found = [finding for finding in found if finding in again]
    size_bytes = sum(file.size_bytes for file in first.files.values())
    return FsckReport(level, len(first.clips), len(first.files), size_bytes, tuple(found))


async def _take_snapshot(catalogue: Catalogue, files: LocalFiles, recorder_id: str) -> _Snapshot:
    clips = await catalogue.clips_of_recorder(recorder_id)
    garbage = await catalogue.garbage_of_recorder(recorder_id)
    on_disk = await asyncio.to_thread(
        lambda: {file.place: file for root in Root for file in files.walk(root)}
    )
    return _Snapshot({clip.id: clip for clip in clips}, frozenset(g.clip_id for g in garbage), on_disk)


def _compare(
    seen: _Snapshot, files: LocalFiles, level: Level, suspects: set[str | None] | None
) -> list[Finding]:
    """All findings; contents are read of `suspects` only, when they are given."""
    clips = seen.clips.values()
    findings = [finding for clip in clips for finding in _check_clip(clip, seen, level)]
    findings += _strangers(seen)
    if level is Level.HASH:
        to_read = [clip for clip in clips if suspects is None or clip.id in suspects]
        findings += [finding for clip in to_read for finding in _hash(clip, seen, files)]
    return findings


def _check_clip(clip: Clip, seen: _Snapshot, level: Level) -> Iterator[Finding]:
    if clip.status in FINISHED:
        yield from _check_finished(clip, seen, level)
    elif (clip.status is not Status.FAILED or clip.retryable) and _part(clip) not in seen.files:
        yield _finding(
            FindingKind.MISSING,
            clip,
            _part(clip),
            f"Clip {clip.id} is {clip.status}, but the recording it is made of is missing. "
            "A restart of the daemon marks it failed; nothing can be salvaged.",
        )
    for source in PreviewSource:
        info = clip.previews.of(source)
        place = None if info is None else StoredPath(Root.THUMBNAILS, info.path)
        if place is not None and place not in seen.files and place not in (one.place for one in clip.remote):
            sentence = f"The {source} picture of clip {clip.id} is missing; the page shows a placeholder."
            yield _finding(FindingKind.MISSING, clip, place, sentence)


def _check_finished(clip: Clip, seen: _Snapshot, level: Level) -> Iterator[Finding]:
    if clip.location is not Location.REMOTE:
        if clip.path is None or clip.size_bytes is None or clip.sha256 is None:
            sentence = f"Clip {clip.id} is {clip.status}, but the catalogue lacks its path, size or hash."
            yield _finding(FindingKind.ROW_INCOMPLETE, clip, None, sentence)
        else:
            yield from _check_file(clip, StoredPath(Root.CLIPS, clip.path), seen, level)
    for name in (PART_NAME, MARKER_NAME):
        left_over = StoredPath(Root.CLIPS, f"{clip.id}/{name}")
        if left_over in seen.files:
            sentence = f"Clip {clip.id} is finished, but its {name} is still there. A restart removes it."
            yield _finding(FindingKind.LEFT_OVER, clip, left_over, sentence)


def _check_file(clip: Clip, place: StoredPath, seen: _Snapshot, level: Level) -> Iterator[Finding]:
    file = seen.files.get(place)
    if file is None:
        sentence = f"The file of clip {clip.id} is missing; restore {place.path} from a backup or delete it."
        yield _finding(FindingKind.MISSING, clip, place, sentence)
    elif level is not Level.PRESENCE and file.size_bytes != clip.size_bytes:
        sentence = (
            f"The file of clip {clip.id} has {file.size_bytes} bytes, the catalogue says {clip.size_bytes}. "
            "It was changed or cut short after it was finished; restore it from a backup."
        )
        yield _finding(FindingKind.SIZE_DIFFERS, clip, place, sentence)


def _strangers(seen: _Snapshot) -> Iterator[Finding]:
    """Files that no row explains."""
    for place in seen.files:
        owner, _, name = place.path.partition("/")
        if owner in seen.garbage:
            continue
        clip = seen.clips.get(owner)
        if clip is None:
            sentence = (
                f"{place.path} in {place.root} belongs to no clip. Files of clips nobody knows are moved to "
                "quarantine when the daemon starts."
            )
            yield Finding(FindingKind.UNKNOWN_FILE, None, place.path, sentence)
        elif not _is_explained(clip, place, name):
            sentence = (
                f"{place.path} in {place.root} lies among the files of clip {clip.id} but is none of them."
            )
            yield _finding(FindingKind.UNKNOWN_FILE, clip, place, sentence)


def _is_explained(clip: Clip, place: StoredPath, name: str) -> bool:
    if place.root is Root.THUMBNAILS:
        # A picture is written before its row says so; what matters is that it is one of ours.
        infos = (clip.previews.of(source) for source in PreviewSource)
        return is_ours(name) or any(info is not None and info.path == place.path for info in infos)
    if clip.status in FINISHED:
        # The part file and the marker have a finding of their own.
        return place.path == clip.path or name in (PART_NAME, MARKER_NAME)
    return True


def _hash(clip: Clip, seen: _Snapshot, files: LocalFiles) -> Iterator[Finding]:
    if clip.status not in FINISHED or clip.path is None or clip.sha256 is None:
        return
    place = StoredPath(Root.CLIPS, clip.path)
    file = seen.files.get(place)
    if file is None or file.size_bytes != clip.size_bytes:
        return
    try:
        digest = sha256_of(files.path_of(place))
    except NotOurFile as error:
        sentence = f"In place of the file of clip {clip.id} lies {error.strerror}. Remove it by hand."
        yield _finding(FindingKind.UNREADABLE, clip, place, sentence)
        return
    except FileNotFoundError:
        return  # deleted since; the second look has no such row
    except OSError as error:
        sentence = f"The file of clip {clip.id} cannot be read: {error.strerror}. Look at the disk."
        yield _finding(FindingKind.UNREADABLE, clip, place, sentence)
        return
    if digest != clip.sha256:
        sentence = (
            f"The file of clip {clip.id} has the right size but other content than when it was finished. "
            "Restore it from a backup and look at the disk."
        )
        yield _finding(FindingKind.CONTENT_DIFFERS, clip, place, sentence)


def _part(clip: Clip) -> StoredPath:
    return StoredPath(Root.CLIPS, f"{clip.id}/{PART_NAME}")


def _finding(kind: FindingKind, clip: Clip, place: StoredPath | None, sentence: str) -> Finding:
    return Finding(kind, clip.id, place.path if place else None, sentence)
