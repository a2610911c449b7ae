"""The local disk: where clips and thumbnails lie, written durably and removed durably.

    <clips_dir>/<clip id>/…         the recorder's room (recorder/recording/clip_files.py says what is in it)
    <thumbnails_dir>/<clip id>/…    current-….jpg, middle-….jpg, manual-….png
    <thumbnails_fallback_dir>/…     the same, written while thumbnails_dir cannot be
    <quarantine_dir>/…              what nobody knows; moved there, never deleted

A picture's path is never used twice, so it means one picture in whichever of the two directories it lies.

Here: paths, whole small files, removal, listing. Not here: recordings under way and their finished
files (the recorder writes those itself). All methods that touch the disk block: call them from a
disk thread; any number of threads may. No link below the directories is followed (`recorder.base.own_files`).
"""

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self

from backend.base.ids import is_id
from backend.catalogue.values import Root, StoredPath
from backend.config.model import Config
from backend.foundation.planted import PlantedFiles
from recorder.base.durable import TEMPORARY_SUFFIX, sync_directory, write_durably
from recorder.base.own_files import NotOurFile, is_own_file, open_own, stat_own

_HASH_CHUNK_BYTES = 1024 * 1024


class PathRefused(Exception):
    """A stored path that does not lie in a clip's own directory. A damaged row, or a bug of ours."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file found under a root."""

    place: StoredPath
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture that is durable. `trouble`: why it does not lie in `thumbnails_dir`, as a sentence."""

    path: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The directories of this recorder. The fallback is made when it is needed."""

    clips_dir: Path
    thumbnails_dir: Path
    quarantine_dir: Path
    thumbnails_fallback_dir: Path | None = None
    planted: PlantedFiles = field(default_factory=PlantedFiles, compare=False)

    @classmethod
    def of(cls, config: Config) -> Self:
        """The directories that a configuration names."""
        quarantine_dir = config.data_dir / "quarantine"
        return cls(config.clips_dir, config.thumbnails_dir, quarantine_dir, config.thumbnails_fallback_dir)

    def prepare(self) -> str | None:
        """Make the directories and remove what a crash left half written. Raises OSError.

        Pictures are no reason not to record: where their directory cannot be written, that is returned.
        """
        for directory in (self.clips_dir, self.quarantine_dir):
            _refuse_link(directory)
            _make_writable(directory)
        trouble = None
        try:
            _make_writable(self.thumbnails_dir)
        except OSError as error:
            trouble = self.trouble(error)
        for top in self.roots(Root.THUMBNAILS):
            for temporary in top.glob(f"*/*{TEMPORARY_SUFFIX}"):
                if is_id(temporary.parent.name) and not temporary.parent.is_symlink():
                    with suppress(OSError):  # a directory that cannot be written keeps it, and is reported
                        temporary.unlink(missing_ok=True)
        return trouble

    def strangers(self, root: Root, known: Collection[str]) -> list[Path]:
        """What lies directly under `root` and belongs to none of the clips `known`.

        A directory that a person named may hold more than ours: there only what is named like a clip.
        """
        found = []
        for top in self.roots(root):
            own = top.is_relative_to(self.quarantine_dir.parent)
            with suppress(OSError):  # what cannot be listed cannot be moved either
                found += [path for path in top.iterdir() if path.name not in known if own or is_id(path.name)]
        return sorted(found)

    def root(self, root: Root) -> Path:
        """The directory where files of `root` are written."""
        return self.clips_dir if root is Root.CLIPS else self.thumbnails_dir

    def roots(self, root: Root) -> tuple[Path, ...]:
        """The directories where files of `root` may lie, the first one first."""
        first, fallback = self.root(root), self.thumbnails_fallback_dir
        alone = root is Root.CLIPS or fallback is None or fallback == first
        return (first,) if alone or fallback is None else (first, fallback)

    def path_of(self, place: StoredPath) -> Path:
        """Where a stored path is; where it would be written, when it is nowhere.

        Raises PathRefused unless it lies in (or is) a clip's directory.
        """
        first, *others = self._places(place)
        if not others:
            return first  # without a look at the disk
        return next((path for path in (first, *others) if _lies_here(path)), first)

    def clip_path(self, path: str) -> Path:
        """The file of a clip's `path`."""
        return self.path_of(StoredPath(Root.CLIPS, path))

    def thumbnail_path(self, path: str) -> Path:
        """The file of a preview's `path`."""
        return self.path_of(StoredPath(Root.THUMBNAILS, path))

    def open(self, path: Path) -> BinaryIO:
        """Open one of our files to be read. Raises FileNotFoundError for a link too, and OSError."""
        try:
            return open_own(path)
        except NotOurFile as error:
            self.planted.note(error)
            raise

    def is_here(self, path: Path) -> bool:
        """Whether one of our files is there; a link is none."""
        try:
            stat_own(path)
        except NotOurFile as error:
            self.planted.note(error)
            return False
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def has_thumbnail(self, path: str) -> bool:
        """Whether the file of a preview's `path` is there."""
        return self.is_here(self.thumbnail_path(path))

    def read_thumbnail(self, path: str) -> bytes:
        """The content of a preview's `path`. Raises FileNotFoundError for a link too, and OSError."""
        with self.open(self.thumbnail_path(path)) as file:
            return file.read()

    def put_thumbnail(self, clip_id: str, name: str, data: bytes) -> KeptPicture:
        """Write a picture of a clip, durably and all at once; `name` must be new. Raises OSError."""
        path = f"{clip_id}/{name}"
        first, *others = self._places(StoredPath(Root.THUMBNAILS, path))
        try:
            _write(first, data)
        except OSError as error:
            if not others:
                raise
            _write(others[0], data)
            return KeptPicture(path, self.trouble(error))
        return KeptPicture(path)

    def remove(self, place: StoredPath) -> None:
        """Remove a file or a whole directory, durably; what is not there is removed already."""
        failure: OSError | None = None
        for path in self._places(place):
            try:
                if len(PurePosixPath(place.path).parts) == 2:
                    _leave_link_alone(path.parent)
                _remove(path)
            except OSError as error:
                failure = error  # the other place is tried all the same
        if failure is not None:
            raise failure

    def quarantine(self, stranger: Path) -> Path:
        """Move a file or directory nobody knows out of our directories, keeping its bytes and name.

        Raises PathRefused unless it is one of `strangers`, OSError where it cannot be moved.
        """
        tops = {top for root in Root for top in self.roots(root)}
        if stranger.parent not in tops or stranger.name in ("", ".."):
            raise PathRefused(f"{stranger} does not lie directly in one of our directories.")
        self.quarantine_dir.mkdir(parents=True, exist_ok=True)
        target = self.quarantine_dir / stranger.name
        while target.exists() or target.is_symlink():
            target = self.quarantine_dir / f"{stranger.name}.{secrets.token_hex(4)}"
        try:
            stranger.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Pictures may lie on another disk than the quarantine.
            shutil.move(stranger, target)
        sync_directory(self.quarantine_dir)
        sync_directory(stranger.parent)
        return target

    def walk(self, root: Root) -> Iterator[StoredFile]:
        """Every file under `root`, in order of path. Links count as files and are not followed."""
        for top in self.roots(root):
            yield from self._walk(root, top)

    def _walk(self, root: Root, top: Path) -> Iterator[StoredFile]:
        for directory, folders, names in os.walk(top):
            links = [name for name in folders if (Path(directory) / name).is_symlink()]
            folders[:] = sorted(set(folders) - set(links))
            for name in sorted(names + links):
                path = Path(directory, name)
                # Files come and go while the daemon works.
                with suppress(FileNotFoundError):
                    size_bytes = path.lstat().st_size
                    yield StoredFile(StoredPath(root, path.relative_to(top).as_posix()), size_bytes)

    def space_bytes(self) -> tuple[int, int]:
        """What an ordinary user may still write where clips go, and all there is."""
        usage = shutil.disk_usage(self.clips_dir)
        return usage.free, usage.total

    def _places(self, place: StoredPath) -> list[Path]:
        parts = PurePosixPath(place.path).parts
        if not 1 <= len(parts) <= 2 or not is_id(parts[0]) or ".." in parts or "\0" in place.path:
            raise PathRefused(f"{place.path!r} is not the path of a clip's file.")
        return [top.joinpath(*parts) for top in self.roots(place.root)]

    def trouble(self, error: OSError, *, nowhere: bool = False) -> str:
        """The sentence for pictures that cannot be written where they should, or `nowhere`."""
        where = self.thumbnails_fallback_dir
        lost = nowhere or where is None
        instead = "New clips have no pictures" if lost else f"New pictures are kept in {where}"
        return f"{self.thumbnails_dir} cannot be written ({error.strerror}). {instead} until it can."


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in constant memory."""
    with open_own(path) as file:
        digest = hashlib.sha256()
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _make_writable(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    # Files synced in a directory that a power cut takes are lost with it.
    sync_directory(directory.parent)
    probe = directory / f".{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
    probe.touch()
    probe.unlink()


def _refuse_link(directory: Path) -> None:
    if directory.is_symlink():
        raise OSError(
            errno.ELOOP,
            f"{directory} is a symbolic link, and below data_dir none is followed. "
            "Mount the other disk there, or make data_dir itself the link",
        )


def _lies_here(path: Path) -> bool:
    # A directory of a clip has no folder of its own to look at, and is only ever removed.
    try:
        return stat.S_ISDIR(path.lstat().st_mode) or is_own_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _write(path: Path, data: bytes) -> None:
    if path.parent.is_symlink():
        raise OSError(errno.ELOOP, "the clip's folder there is a symbolic link", str(path))
    write_durably(path, data)


def _leave_link_alone(path: Path) -> None:
    if path.is_symlink():
        raise OSError(f"{path} is a symbolic link, so it is left alone. Remove the link by hand.")


def _remove(path: Path) -> None:
    # rmtree refuses links too, in words that differ from Python to Python and from 3.13 on name no cause.
    _leave_link_alone(path)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        # Perhaps a try before this one was cut short between here and the sync.
        pass
    except NotADirectoryError:
        with suppress(NotADirectoryError):  # its directory is none: then nothing of ours is in there
            path.unlink(missing_ok=True)
    with suppress(FileNotFoundError, NotADirectoryError):
        sync_directory(path.parent)
