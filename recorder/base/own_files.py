"""Opens the files that we wrote, and nothing that was put in their place.

Every file of ours is `<top>/<folder>/<name>`: a clip, a part file, a picture, a file below `runtime`. The top
may be reached by links, because an operator chose it. The folder and the file may not be links: one there
leads out of our directories, to anything that the daemon's account can read. Blocking.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, a named pipe would hold the thread until another program opens its other end.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE = {errno.ELOOP, errno.EISDIR, errno.ENXIO}
"""A link; a directory to be written; a socket, or a pipe that no program reads."""


class NotOurFile(FileNotFoundError):
    """Where a file of ours would lie there is a link, or no file at all. It counts as missing."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.ENOENT, "a link or no file at all, so it was not opened", str(path))


def open_own(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """Open a file of ours for reading, or for what `flags` say. Raises NotOurFile, OSError."""
    descriptor = own_descriptor(path, flags)
    return os.fdopen(descriptor, "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "r+b")


def own_descriptor(path: Path, flags: int = os.O_RDONLY) -> int:
    """Like `open_own`; the caller closes the descriptor."""
    with _folder_of(path) as folder:
        try:
            descriptor = os.open(path.name, flags | _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in _NO_FILE:
                raise NotOurFile(path) from None
            error.filename = str(path)
            raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotOurFile(path)
    return descriptor


def stat_own(path: Path) -> os.stat_result:
    """Look at a file of ours. Raises NotOurFile, OSError."""
    with _folder_of(path) as folder:
        facts = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode):
        raise NotOurFile(path)
    return facts


def is_own_file(path: Path) -> bool:
    """Whether a file of ours is there; a link is none. Raises OSError if the disk fails."""
    try:
        stat_own(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextmanager
def _folder_of(path: Path) -> Iterator[int]:
    top = os.open(path.parent.parent, _FOLDER)
    try:
        # A link with O_NOFOLLOW and O_DIRECTORY is refused as "not a directory", as a file is.
        folder = os.open(path.parent.name or ".", _FOLDER | os.O_NOFOLLOW, dir_fd=top)
    except OSError as error:
        if isinstance(error, NotADirectoryError) and path.parent.is_symlink():
            raise NotOurFile(path) from None
        error.filename = str(path.parent)
        raise
    finally:
        os.close(top)
    try:
        yield folder
    finally:
        os.close(folder)
