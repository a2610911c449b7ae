"""The Unix socket of a daemon: where it lies, how it is opened and reached, and who is at its other end.

It lies in `data_dir/runtime`, whatever the length of that path: the kernel takes 107 bytes only, so both
sides go through a descriptor of the directory. Blocking, but only ever a few system calls.
"""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

NAME = "hindsight.sock"
_MODE = 0o660
_SO_PEERGROUPS = 59
"""include/uapi/asm-generic/socket.h; Python has no name for it. Debian's architectures agree on it."""
_MOST_GROUPS = 256
"""As many as Python's `getsockopt` can hold. A peer with more of them is judged by its user alone."""


@dataclass(frozen=True, slots=True)
class PeerCredentials:
    """Who opened the other end, as the kernel says: at that moment, not now."""

    uid: int
    gids: frozenset[int]


@contextmanager
def short_path(runtime_dir: Path) -> Iterator[Path]:
    """A path to the socket that is short enough, for as long as the context lasts. Raises OSError."""
    descriptor = os.open(runtime_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}", NAME)
    finally:
        os.close(descriptor)


def listen_on(runtime_dir: Path, gid: int | None) -> socket.socket:
    """A listening socket that only its owner and the group `gid` may open. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with short_path(runtime_dir) as path:
            path.unlink(missing_ok=True)
            # Its mode is a moment late; until then the directory and the process's umask keep others out.
            listener.bind(str(path))
            if gid is not None:
                with suppress(PermissionError):  # only root and members of a group may give a file to it
                    os.chown(path, -1, gid)
            path.chmod(_MODE)
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def remove(runtime_dir: Path) -> None:
    """Take the socket's file away."""
    with suppress(OSError):
        (runtime_dir / NAME).unlink()


def is_socket(runtime_dir: Path) -> bool:
    """Whether a daemon has, or had, a socket there. Raises PermissionError where we may not look."""
    try:
        return stat.S_ISSOCK((runtime_dir / NAME).lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def peer_credentials(connection: socket.socket) -> PeerCredentials:
    """Who is at the other end of a connected Unix socket. Raises OSError."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, gid = struct.unpack("3i", raw)
    gids = {gid}
    with suppress(OSError):
        groups = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
        gids |= {value for (value,) in struct.iter_unpack("I", groups)}
    return PeerCredentials(uid, frozenset(gids))
