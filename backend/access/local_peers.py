"""Which users of this machine are the owner: root, the daemon's own user, and the group `hindsight`.

The group is looked up once, at the start: its members are judged by what the kernel knows of their process.
"""

import grp
import os
import socket
from dataclasses import dataclass

from aiohttp import web

from backend.base.machine.file_modes import GROUP
from backend.base.machine.local_socket import PeerCredentials, peer_credentials


@dataclass(frozen=True, slots=True)
class LocalOwners:
    """Users and the group that need no key on the Unix socket."""

    uids: frozenset[int] = frozenset()
    gid: int | None = None

    @classmethod
    def of_this_daemon(cls) -> "LocalOwners":
        """Blocks while the system looks up the group, which may be a network away."""
        try:
            gid = grp.getgrnam(GROUP).gr_gid
        except KeyError:
            gid = None
        return cls(frozenset({0, os.geteuid()}), gid)

    def include(self, peer: PeerCredentials) -> bool:
        """Whether the process that opened the socket belongs to one of them."""
        return peer.uid in self.uids or (self.gid is not None and self.gid in peer.gids)


def local_peer(request: web.Request) -> PeerCredentials | None:
    """Who opened the Unix socket that the request came by; None for every other connection."""
    connection = request.transport.get_extra_info("socket") if request.transport else None
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    try:
        return peer_credentials(connection)
    except OSError:
        return None
