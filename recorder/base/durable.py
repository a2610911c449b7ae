"""Writes files and directory entries durably: each call returns once they are on disk.

Here: one directory's entries, one whole small file, one copy. Not here: part files, which grow (`part_file`),
and clips written by the muxer (`muxer`). Blocking; called from disk threads only.
"""

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from recorder.base.own_files import open_own

TEMPORARY_SUFFIX = ".tmp"
_COPY_CHUNK_BYTES = 1024 * 1024


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Write a whole file atomically: after a crash it holds either the old content or the new."""
    _replace_durably(path, lambda file: file.write(data))


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file of ours atomically, in constant memory."""
    with open_own(source) as original:
        _replace_durably(target, lambda file: shutil.copyfileobj(original, file, _COPY_CHUNK_BYTES))


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
