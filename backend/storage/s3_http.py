"""The HTTP connections to an S3 store: none may hold a thread for long, none gives up a slow line.

urllib3 sends a whole body under the time-out meant for connecting, as one deadline: 8 MiB within 3 s,
which a home uplink never makes. Here a body goes out in pieces, and the time-out is for each of them: a
slow line is patient work, a stalled one is noticed. Not here: S3.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_S, READ_S = 3.0, 30.0
_SENT_AT_ONCE_BYTES = 64 * 1024
CONNECTIONS = 32
"""Kept open; more are opened when they are needed and closed after."""


class PatientPool(urllib3.PoolManager):
    """Connect 3 s, no answer or no progress 30 s, one retry; repeating for longer is the queue's work."""

    def __init__(self, connect_s: float = CONNECT_S, stall_s: float = READ_S) -> None:
        super().__init__(
            maxsize=CONNECTIONS,
            ssl_context=_trusted(),
            timeout=urllib3.Timeout(connect=connect_s, read=stall_s),
            # Only what never reached the store is sent again here; a redirect is a wrong endpoint.
            retries=urllib3.Retry(total=1, connect=1, read=0, redirect=0, status=0, other=0),
        )
        self._open: WeakSet[HTTPConnection] = WeakSet()
        self._lock = threading.Lock()
        self.pool_classes_by_scheme = _pools(stall_s, self._opened)

    def abort(self) -> None:
        """End every connection, even while another thread waits for it: that thread fails at once."""
        with self._lock:
            sockets = [connection.sock for connection in self._open]
        for sock in sockets:
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self.clear()

    def _opened(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._open.add(connection)


def _trusted() -> ssl.SSLContext:
    """Whom the system trusts (also by SSL_CERT_FILE, for a store of one's own), and Mozilla's list.

    A slim container has no list of its own.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _pools(stall_s: float, opened: Callable[[HTTPConnection], None]) -> dict[str, type[HTTPConnectionPool]]:
    class Http(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened(self)

        def send(self, data: Any) -> None:
            _send_in_pieces(self, super().send, data, stall_s)

    class Https(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            opened(self)

        def send(self, data: Any) -> None:
            _send_in_pieces(self, super().send, data, stall_s)

    class HttpPool(HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = Https

    return {"http": HttpPool, "https": HttpsPool}


def _send_in_pieces(
    connection: HTTPConnection, send: Callable[[Any], None], data: Any, stall_s: float
) -> None:
    if not isinstance(data, bytes) or len(data) <= _SENT_AT_ONCE_BYTES:
        send(data)
        return
    if connection.sock is not None:
        # What urllib3 has set by now is the time for connecting.
        connection.sock.settimeout(stall_s)
    view = memoryview(data)
    for at in range(0, len(view), _SENT_AT_ONCE_BYTES):
        send(view[at : at + _SENT_AT_ONCE_BYTES])
