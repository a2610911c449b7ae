"""How many files and connections this process may have open, and how many it has. Reads /proc; blocking.

Not here: who gets them (`access.connection_book`, `http.connections`).
"""

import errno
import resource
from pathlib import Path

MOST = 65_536
"""The soft limit is raised to no more: some programs walk through all numbers up to it."""
HELD_BACK = 64
"""What must stay free for disk, cameras, catalogue and store."""
SELECT_LIMIT = 1024
"""`select` knows only descriptors below this, and writes past its memory with others. OpenCV uses it to read
USB cameras, so what strangers can open must not take the low numbers."""
NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})
"""What opening something says when this process, or the whole machine, has too much open."""
SHORTAGE = NONE_LEFT | {errno.ENOBUFS, errno.ENOMEM}
"""What `accept` says when there is nothing left to accept with."""

_OPEN = Path("/proc/self/fd")


def raise_limit() -> int:
    """Raise the soft limit of this process and its children as far as the hard one allows; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _bounded(hard)
    if _bounded(soft) < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return limit()


def limit() -> int:
    """How many descriptors this process may have open."""
    return _bounded(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def count_open() -> int:
    """How many it has open."""
    return sum(1 for _ in _OPEN.iterdir()) - 1  # the look itself opens one


def _bounded(value: int) -> int:
    return MOST if value == resource.RLIM_INFINITY else min(value, MOST)
