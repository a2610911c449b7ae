"""Every TCP connection from its accept to its end: how many there are, and which is closed for another.

The decisions are `access.connection_book`; here they are carried out. Not here: listening (`listener`), and
the Unix socket, whose connections are in no book. Event loop only.
"""

import asyncio
import errno
import logging
import socket
import ssl
import time
from collections.abc import Callable, Mapping

from backend.access.connection_book import Bounds, ConnectionBook, IsExempt, Standing, nobody_is_exempt
from backend.base.health import Health
from backend.base.machine import descriptors
from backend.base.rarely import Rarely, and_more
from recorder.base.tasks import Tasks

_log = logging.getLogger(__name__)

SUBJECT = "descriptors"
"""The subject of concerns about descriptors."""
HANDSHAKE_TIMEOUT_S = 10.0
_GOODBYE_TIMEOUT_S = 5.0
"""How long a TLS connection waits for the other side's farewell."""
_CONCERNED_S = 60.0
"""How long a shortage is shown after it was met."""

_COUNTED = ("closed_for_room", "handshake_failures", "malformed", "starved", "unread")

Factory = Callable[[], asyncio.Protocol]


class Connections:
    """The connections of one server. `limit`: how many descriptors the process may have open."""

    def __init__(
        self,
        health: Health,
        limit: int,
        is_exempt: IsExempt = nobody_is_exempt,
        *,
        handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.bounds = Bounds.of(limit)
        self.rarely = Rarely(monotonic_s=monotonic_s)
        self._health = health
        self._handshake_timeout_s = handshake_timeout_s
        self._monotonic_s = monotonic_s
        self._book: ConnectionBook[_Connection] = ConnectionBook(self.bounds, is_exempt)
        self._connected: dict[asyncio.BaseTransport, _Connection] = {}
        self._tasks = Tasks()
        self._starved_s: float | None = None
        self._numbers = dict.fromkeys(_COUNTED, 0)

    def welcome(
        self, sock: socket.socket, address: str, factory: Factory, tls: ssl.SSLContext | None
    ) -> None:
        """Take in a connection that was just accepted; `factory` makes what will speak HTTP with it."""
        connection = _Connection(self, address, factory())
        self._make_room(self._book.enter(connection, address))
        connection.task = self._tasks.spawn(self._connect(connection, sock, tls), f"connection of {address}")
        connection.task.add_done_callback(lambda _: self._connect_ended(connection, sock))

    def began(self, transport: asyncio.BaseTransport | None) -> None:
        """A whole request came."""
        if transport is not None and (connection := self._connected.get(transport)) is not None:
            self._make_room(self._book.began(connection))

    def admit(self, transport: asyncio.BaseTransport | None) -> None:
        """The request was authorised: the connection is no stranger's any more."""
        if transport is not None and (connection := self._connected.get(transport)) is not None:
            self._make_room(self._book.admit(connection))

    def ended(self, transport: asyncio.BaseTransport | None) -> None:
        """The request was answered."""
        if transport is not None and (connection := self._connected.get(transport)) is not None:
            self._book.ended(connection)

    def malformed(self, error: BaseException) -> None:
        """Count what is no HTTP."""
        self._numbers["malformed"] += 1
        if (held_back := self.rarely.due("malformed")) is not None:
            _log.warning("a request was not HTTP: %s%s", type(error).__name__, and_more(held_back))

    def starved(self, error: OSError) -> None:
        """Nothing was left to accept a connection with: give up strangers, and say so."""
        self._numbers["starved"] += 1
        self._starved_s = self._monotonic_s()
        self._shed(descriptors.HELD_BACK)
        if (held_back := self.rarely.due("starved")) is not None:
            _log.error("no connection can be accepted: %s%s", error.strerror, and_more(held_back))
        self._health.concern(SUBJECT, self._sentence)

    async def look(self) -> None:
        """See how many descriptors are left: a job that runs every few seconds."""
        try:
            left = self.limit - await asyncio.to_thread(descriptors.count_open)
        except OSError:
            left = 0  # not even one for the look itself
        self._shed(descriptors.HELD_BACK - left)
        was_starved = self._starved_s is not None and self._monotonic_s() - self._starved_s < _CONCERNED_S
        if left < descriptors.HELD_BACK:
            self._starved_s = self._monotonic_s()
            self._health.concern(SUBJECT, self._sentence)
        elif not was_starved:
            self._health.concern(SUBJECT, None)

    def numbers(self) -> Mapping[str, float]:
        """For /metrics. Descriptors themselves are `process_open_fds` and `process_max_fds` there."""
        count = self._book.count
        totals = {f"connections_{name}_total": number for name, number in self._numbers.items()}
        return {f"connections_{one.value}": count(one) for one in Standing} | totals

    async def close(self) -> None:
        """Give up connections that are still in their handshake; the others are the server's."""
        await self._tasks.close()

    def connected(self, connection: "_Connection", transport: asyncio.BaseTransport) -> None:
        """For `_Connection`: HTTP can be spoken on it."""
        self._connected[transport] = connection

    def lost(self, connection: "_Connection", error: Exception | None) -> None:
        """For `_Connection`: it is closed."""
        if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
            self._numbers["unread"] += 1  # what the kernel says of TCP_USER_TIMEOUT
        self._book.leave(connection)
        if connection.transport is not None:
            self._connected.pop(connection.transport, None)

    async def _connect(
        self, connection: "_Connection", sock: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=tls,
                ssl_handshake_timeout=None if tls is None else self._handshake_timeout_s,
                ssl_shutdown_timeout=None if tls is None else _GOODBYE_TIMEOUT_S,
            )
        except OSError:
            self._numbers["handshake_failures"] += 1  # a TimeoutError and an SSLError are OSErrors, too

    def _connect_ended(self, connection: "_Connection", sock: socket.socket) -> None:
        if connection.transport is None:
            self._book.leave(connection)
            sock.close()

    def _make_room(self, surplus: "_Connection | None") -> None:
        if surplus is None:
            return
        surplus.abort()
        self._numbers["closed_for_room"] += 1
        if (held_back := self.rarely.due("closed for room")) is not None:
            _log.warning(
                "there are too many connections, and one of %s was closed to make room%s",
                surplus.address,
                and_more(held_back),
            )

    def _shed(self, count: int) -> None:
        for connection in self._book.shed(count):
            self._make_room(connection)

    @property
    def _sentence(self) -> str:
        """Always the same, so that a shortage that goes on is no news."""
        return (
            f"Fewer than {descriptors.HELD_BACK} of the {self.limit} files and connections that may be open "
            "at once are left, so recordings may fail. Raise LimitNOFILE of the service, `ulimit -n` of the "
            "shell or `ulimits: nofile` of the container, or find out who connects."
        )


class _Connection(asyncio.Protocol):
    """Stands between a transport and the protocol that speaks HTTP, and sees only what asyncio defines."""

    def __init__(self, connections: Connections, address: str, handler: asyncio.Protocol) -> None:
        self.address = address
        self.transport: asyncio.BaseTransport | None = None
        self.task: asyncio.Task[None] | None = None
        self._connections = connections
        self._handler = handler

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._connections.connected(self, transport)
        self._handler.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.lost(self, exc)
        self._handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def abort(self) -> None:
        """Close it at once, whatever waits to be sent."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        elif self.task is not None:
            self.task.cancel()
