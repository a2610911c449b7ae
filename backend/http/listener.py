"""Listens on TCP and accepts connections, a few at a time, as long as there are descriptors for them.

asyncio's own server accepts until nothing is left, then writes a traceback per attempt, and does not show a
connection before its TLS handshake is over. So this accepts itself, with asyncio's public calls alone. Event
loop only.
"""

import asyncio
import errno
import fcntl
import socket
import ssl
from contextlib import ExitStack, suppress

from backend.base.machine.descriptors import HELD_BACK, SELECT_LIMIT, SHORTAGE
from backend.http.connections import Connections, Factory

UNREAD_TIMEOUT_S = 60.0
"""A client that takes nothing of its answer for so long loses its connection, whatever the answer is."""
RETRY_S = 0.5
"""How long nothing is accepted when there are no descriptors."""
_BACKLOG = 128
_MISSING_FAMILY = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


class Listener:
    """The listening sockets of one server. `factory` makes what speaks HTTP on a connection."""

    def __init__(
        self, connections: Connections, factory: Factory, *, unread_timeout_s: float = UNREAD_TIMEOUT_S
    ) -> None:
        self._connections = connections
        self._factory = factory
        self._unread_timeout_ms = round(unread_timeout_s * 1000)
        self._lowest = lowest_descriptor(connections)
        self._tls: ssl.SSLContext | None = None
        self._sockets: list[socket.socket] = []
        self._is_closed = False

    async def open(self, host: str | None, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen on `host` (None: on every address); returns the port. Raises OSError."""
        self._tls = tls
        self._sockets = await _bind(host, port)
        for sock in self._sockets:
            self._resume(sock)
        return int(self._sockets[0].getsockname()[1])

    def pause(self, sock: socket.socket) -> None:
        """Accept nothing on `sock` for a moment."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.call_later(RETRY_S, self._resume, sock)

    async def close(self) -> None:
        """Accept no more. Connections that are open stay."""
        self._is_closed = True
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        await self._connections.close()

    def _resume(self, sock: socket.socket) -> None:
        if not self._is_closed:
            asyncio.get_running_loop().add_reader(sock, self._accept_some, sock)

    def _accept_some(self, listening: socket.socket) -> None:
        for _ in range(self._connections.bounds.at_once):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in SHORTAGE:
                    self._connections.starved(error)
                    self.pause(listening)
                    return
                continue  # what became of that one connection while it waited
            sock = lifted(sock, self._lowest)
            sock.setblocking(False)
            self._bound_unread(sock)
            self._connections.welcome(sock, address[0], self._factory, self._tls)

    def _bound_unread(self, sock: socket.socket) -> None:
        # Only the kernel sees every byte that is taken, also while a closed connection has some left to send.
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._unread_timeout_ms)


def lowest_descriptor(connections: Connections) -> int:
    """Connections are numbered from here on: the kernel gives files and cameras the numbers below."""
    return max(0, min(SELECT_LIMIT, connections.limit - connections.bounds.in_all - HELD_BACK))


def lifted(sock: socket.socket, lowest: int) -> socket.socket:
    """The same connection under a number of `lowest` or more; as it is, where there is none."""
    if sock.fileno() >= lowest:
        return sock
    try:
        number = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, lowest)
    except OSError:
        return sock
    with sock:
        return socket.socket(sock.family, sock.type, sock.proto, fileno=number)


async def _bind(host: str | None, port: int) -> list[socket.socket]:
    """A socket for each address of `host`. A family that this machine lacks is passed over."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    missing: OSError | None = None
    with ExitStack() as stack:
        bound = []
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                sock = socket.create_server(address, family=family, backlog=_BACKLOG)
            except OSError as error:
                if error.errno not in _MISSING_FAMILY:
                    raise
                missing = error
                continue
            sock.setblocking(False)
            bound.append(stack.enter_context(sock))
        if not bound:
            raise missing or OSError(errno.EADDRNOTAVAIL, "there is no address to listen on")
        stack.pop_all()
    return bound
