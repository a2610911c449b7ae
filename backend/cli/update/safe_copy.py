"""Keeps, before a newer version touches them, the catalogue and the recordings that are not finished.

    data_dir/before-update/catalogue.sqlite    a whole copy; stays until the next update
    data_dir/before-update/parts/ID.part       a second name (hard link) of a recording under way

The newer version may migrate the catalogue, which older versions then refuse, and finishes recordings,
which removes the part files that the older rows need. Blocking. The caller holds the lock of `data_dir`.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from recorder import PART_NAME
from recorder.base.durable import sync_directory

CATALOGUE = "catalogue.sqlite"


class SafeCopy:
    """The copies of one data_dir. `has_catalogue`: its catalogue is SQLite, inside data_dir."""

    def __init__(self, data_dir: Path, clips_dir: Path, *, has_catalogue: bool = True) -> None:
        self._has_catalogue = has_catalogue
        self._data_dir = data_dir
        self._clips_dir = clips_dir
        self._live = data_dir / CATALOGUE
        self._folder = data_dir / "before-update"
        self._parts = self._folder / "parts"
        self.catalogue = self._folder / CATALOGUE
        self._is_complete = False

    def make(self) -> None:
        """Copy everything, to the disk. Raises OSError, sqlite3.Error."""
        for folder in (self._folder, self._parts):
            folder.mkdir(mode=0o700, exist_ok=True)
            _give(folder, self._data_dir)
        self._forget_parts()
        for part in self._clips_dir.glob(f"*/{PART_NAME}"):
            os.link(part, self._parts / f"{part.parent.name}.part")
        self.catalogue.unlink(missing_ok=True)
        if self._has_catalogue and self._live.exists():
            fresh = self.catalogue.with_suffix(".new")
            _copy_catalogue(self._live, fresh)
            fresh.replace(self.catalogue)
        for folder in (self._parts, self._folder, self._data_dir):
            sync_directory(folder)
        self._is_complete = True

    def put_back(self) -> None:
        """Make catalogue and part files what they were when `make` ended. Without a whole copy: nothing."""
        if not self._is_complete:
            return
        if self._has_catalogue:
            self._put_catalogue_back()
        self._put_parts_back()

    def _put_catalogue_back(self) -> None:
        fresh = self._live.with_suffix(".restored")
        if self.catalogue.exists():
            shutil.copyfile(self.catalogue, fresh)
            _give(fresh, self.catalogue)
            _sync(fresh)
        # The log belongs to the file that goes: SQLite would replay it into the one that comes.
        for suffix in ("-wal", "-shm"):
            self._live.with_name(CATALOGUE + suffix).unlink(missing_ok=True)
        sync_directory(self._data_dir)
        if self.catalogue.exists():
            fresh.replace(self._live)
        else:
            self._live.unlink(missing_ok=True)  # there was none before
        sync_directory(self._data_dir)

    def _put_parts_back(self) -> None:
        for kept in self._parts.iterdir():
            part = self._clips_dir / kept.stem / PART_NAME
            if part.exists():
                continue
            if not part.parent.exists():
                part.parent.mkdir(mode=0o700)
                _give(part.parent, self._clips_dir)
            os.link(kept, part)
            sync_directory(part.parent)

    def forget(self) -> None:
        """Give the disk space of the part files back; the copy of the catalogue stays. Raises nothing."""
        with suppress(OSError):
            self._forget_parts()

    def _forget_parts(self) -> None:
        for kept in self._parts.iterdir():
            kept.unlink()


def _copy_catalogue(source: Path, target: Path) -> None:
    """By SQLite itself: what is only in the write-ahead log yet is copied, too."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _give(target, source)
    uri = f"{source.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    _sync(target)


def _give(path: Path, like: Path) -> None:
    """Mode and owner of `like`: root may update what another user runs."""
    wanted = like.stat()
    path.chmod(wanted.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(path, wanted.st_uid, wanted.st_gid)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
