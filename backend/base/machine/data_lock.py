"""One daemon per data_dir: an advisory lock on a file that also names its holder and where it listens.

The kernel releases the lock when the process ends, however it ends, so a stale file never blocks a
start. Blocking, but only ever a few bytes.
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

FILE_NAME = "daemon.lock"


class DataDirInUse(Exception):
    """Another daemon runs on this data_dir; the operator stops it or configures another one."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a data_dir: `url` None until it listens."""

    pid: int
    url: str | None


class DataLock:
    """Holds the lock from `acquire` to `release`."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._descriptor: int | None = None

    @classmethod
    def acquire(cls, data_dir: Path) -> Self:
        """Make data_dir if need be and lock it. Raises DataDirInUse, OSError."""
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = cls(data_dir)
        descriptor = os.open(lock._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            holder = read_holder(data_dir)
            owner = f"process {holder.pid}" if holder else "another process"
            raise DataDirInUse(
                f"{data_dir} is in use by {owner}. Stop it, or configure another data_dir for this daemon."
            ) from None
        lock._descriptor = descriptor
        lock.announce(None)
        return lock

    def announce(self, url: str | None) -> None:
        """Write the holder and where it listens, for the command line."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        text = json.dumps({"pid": os.getpid(), "url": url}).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        """Let go. The file stays: removing it would race with the next one to lock it."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def read_holder(data_dir: Path) -> Holder | None:
    """Who last said that it holds the lock; None when nobody did or it ended properly."""
    try:
        content = json.loads((data_dir / FILE_NAME).read_text())
        url = content["url"]
        return Holder(int(content["pid"]), url if isinstance(url, str) else None)
    except (OSError, ValueError, KeyError, TypeError):
        return None
