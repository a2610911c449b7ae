"""The local disk: where clips and thumbnails lie, written durably and removed durably.

    <clips_dir>/<clip id>/…         the recorder's room (recorder/clip_files.py says what is in it)
    <thumbnails_dir>/<clip id>/…    current.jpg, middle.jpg, manual.png
    <quarantine_dir>/…              what nobody knows; moved there, never deleted

Here: paths, whole small files, removal, listing. Not here: recordings under way and their finished
files (the recorder writes those itself). All methods that touch the disk block: call them from a
disk thread. No state of its own, so any number of threads may.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from backend.catalogue.values import Root, StoredPath
from backend.ids import is_id
from recorder.clip_files import sync_directory

_HASH_CHUNK_BYTES = 1024 * 1024
TEMPORARY_SUFFIX = ".tmp"


class PathRefused(Exception):
    """A stored path that does not lie in a clip's own directory. A damaged row, or a bug of ours."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file found under a root."""

    place: StoredPath
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The directories of this recorder."""

    clips_dir: Path
    thumbnails_dir: Path
    quarantine_dir: Path

    def prepare(self) -> None:
        """Make the directories and remove what a crash left half written. Raises OSError."""
        for directory in (self.clips_dir, self.thumbnails_dir, self.quarantine_dir):
            directory.mkdir(parents=True, exist_ok=True)
            # Files synced in a directory that a power cut takes are lost with it.
            sync_directory(directory.parent)
            probe = directory / f".{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
            probe.touch()
            probe.unlink()
        for temporary in self.thumbnails_dir.glob(f"*/*{TEMPORARY_SUFFIX}"):
            if is_id(temporary.parent.name):
                temporary.unlink(missing_ok=True)

    def strangers(self, root: Root, known: Collection[str]) -> list[str]:
        """Names directly under `root` that are none of the clips `known`."""
        return sorted(path.name for path in self.root(root).iterdir() if path.name not in known)

    def root(self, root: Root) -> Path:
        """The directory that paths of `root` are relative to."""
        return self.clips_dir if root is Root.CLIPS else self.thumbnails_dir

    def path_of(self, place: StoredPath) -> Path:
        """Where a stored path is. Raises PathRefused unless it lies in (or is) a clip's directory."""
        parts = PurePosixPath(place.path).parts
        if not parts or not is_id(parts[0]) or ".." in parts or "\0" in place.path:
            raise PathRefused(f"{place.path!r} is not the path of a clip's file.")
        return self.root(place.root).joinpath(*parts)

    def clip_path(self, path: str) -> Path:
        """The file of a clip's `path`."""
        return self.path_of(StoredPath(Root.CLIPS, path))

    def thumbnail_path(self, path: str) -> Path:
        """The file of a preview's `path`."""
        return self.path_of(StoredPath(Root.THUMBNAILS, path))

    def put_thumbnail(self, clip_id: str, name: str, data: bytes) -> str:
        """Write a picture of a clip, durably and all at once; returns the path for its row."""
        path = f"{clip_id}/{name}"
        write_durably(self.thumbnail_path(path), data)
        return path

    def remove(self, place: StoredPath) -> None:
        """Remove a file or a whole directory, durably; what is not there is removed already."""
        path = self.path_of(place)
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            # Perhaps a try before this one was cut short between here and the sync.
            pass
        except NotADirectoryError:
            path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            sync_directory(path.parent)

    def quarantine(self, root: Root, name: str) -> Path:
        """Move a file or directory nobody knows out of `root`, keeping its bytes and name."""
        source = self.root(root) / name
        if PurePosixPath(name).name != name or name in ("", ".", ".."):
            raise PathRefused(f"{name!r} does not lie directly in {self.root(root)}.")
        self.quarantine_dir.mkdir(parents=True, exist_ok=True)
        target = self.quarantine_dir / name
        while target.exists() or target.is_symlink():
            target = self.quarantine_dir / f"{name}.{secrets.token_hex(4)}"
        # move, not rename: quarantine and thumbnails may lie on different file systems.
        shutil.move(source, target)
        sync_directory(self.quarantine_dir)
        sync_directory(self.root(root))
        return target

    def walk(self, root: Root) -> Iterator[StoredFile]:
        """Every file under `root`, in order of path. Links count as files and are not followed."""
        top = self.root(root)
        for directory, folders, names in os.walk(top):
            links = [name for name in folders if (Path(directory) / name).is_symlink()]
            folders[:] = sorted(set(folders) - set(links))
            for name in sorted(names + links):
                path = Path(directory, name)
                # Files come and go while the daemon works.
                with suppress(FileNotFoundError):
                    size_bytes = path.lstat().st_size
                    yield StoredFile(StoredPath(root, path.relative_to(top).as_posix()), size_bytes)

    def free_bytes(self) -> int:
        """What an ordinary user may still write where clips go."""
        return shutil.disk_usage(self.clips_dir).free


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in constant memory."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_durably(path: Path, data: bytes) -> None:
    """Write a whole file: after a crash at any moment it holds the old content or the new, never a part."""
    _replace_durably(path, lambda file: file.write(data))


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, with the same promise and in constant memory."""
    with source.open("rb") as original:
        _replace_durably(target, lambda file: shutil.copyfileobj(original, file, _HASH_CHUNK_BYTES))


def _replace_durably(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    made = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    if made:
        sync_directory(path.parent.parent)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
