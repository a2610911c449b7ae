"""A little room that is kept for deleting: SQLite must write before it can forget.

On a disk without a single free block a transaction that deletes fails like any other, and nothing could
ever free anything. So a file of a known size lies beside the catalogue while there is room, and goes
before the first deletion that needs it. Blocking; call from a disk thread.
"""

import os
from pathlib import Path

from recorder.base.durable import sync_directory

NAME = "spare-room"
SIZE_BYTES = 2 * 1024 * 1024
"""More than a transaction over fifty clips writes."""


class SpareRoom:
    """One file in `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / NAME

    def keep(self) -> None:
        """Make the file, whole or not at all. Raises OSError when there is no room for it."""
        if self._path.exists():
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE_BYTES)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(descriptor)

    def give(self) -> bool:
        """Let it go; False when it has gone already."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        sync_directory(self._path.parent)
        return True
