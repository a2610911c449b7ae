"""Whether a TCP port belongs to the daemon of a data_dir, so that a secret may be sent there.

Anybody may listen on the port of a daemon that is stopped. Proof is what the kernel says: the process that
holds the lock of the data_dir also holds the listening socket. Reads /proc; blocking.
"""

import os
import re
from pathlib import Path

from backend.base.machine.data_lock import FILE_NAME, read_holder

SERVER_NAME = "Hindsight"
"""What every answer says in `Server`: it tells other programs apart, and proves nothing."""
_LISTENING = "0A"
"""TCP_LISTEN in include/net/tcp_states.h."""


def listens_on(data_dir: Path, port: int) -> bool:
    """Whether the daemon that holds the lock of `data_dir` listens on TCP `port`.

    False as well where /proc does not show it, as of another user's process.
    """
    holder = read_holder(data_dir)
    if holder is None or not _holds(holder.pid, data_dir / FILE_NAME):
        return False
    return bool(_listening_inodes(port) & _sockets_of(holder.pid))


def _holds(pid: int, lock: Path) -> bool:
    try:
        status = lock.stat()
        locks = Path("/proc/locks").read_text()
    except OSError:
        return False
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    return re.search(rf"FLOCK +ADVISORY +WRITE +{pid} {device}:{status.st_ino} ", locks) is not None


def _listening_inodes(port: int) -> set[str]:
    """Columns of /proc/net/tcp: sl, local address, remote address, state, …, and the inode as the tenth."""
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _sockets_of(pid: int) -> set[str]:
    found: set[str] = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found
