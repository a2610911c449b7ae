"""Stands between FFmpeg and one camera, so that FFmpeg connects to nothing but this.

FFmpeg follows a camera's redirects to any host, with the password. Here one connection is made, to the
configured host and port; FFmpeg reads it from a port of the loopback interface, with a token in its address
that other users of this machine do not know. One thread for as long as the connection is open. Not here: what
is said (`rtsp.conversation`). Goes when a reader of our own replaces FFmpeg's (docs/adr/0101).
"""

import secrets
import select
import socket
import ssl
import threading
import time
from contextlib import suppress

from recorder.base.errors import SourceError
from recorder.sources.address import CameraAddress
from recorder.sources.connection import tls_context
from recorder.sources.rtsp.conversation import Conversation
from recorder.sources.rtsp.messages import Message, Splitter

_READ_BYTES = 64 * 1024
_GREETING_S = 0.5
"""How long a connection may take to say the token; a stranger's holds up FFmpeg's own for no longer."""
_FAREWELL_S = 0.5
"""How long `close` waits for FFmpeg's goodbye to reach the camera."""
_SEND_S = 5.0
"""How long the camera may take to accept a request, which is small."""


class _PlayerGone(Exception):
    """FFmpeg closed its side, which is how a connection ends well."""


class RtspRelay:
    """One connection to a camera, for one FFmpeg demuxer in this process."""

    def __init__(self, address: CameraAddress, timeout_s: float) -> None:
        """Connect within `timeout_s`. Raises OSError; what goes wrong later is in `failure`."""
        self.failure: SourceError | OSError | ValueError | None = None
        """Why the connection ended, if the reason is better than FFmpeg's. Set before FFmpeg can notice."""
        self._deadline_s = time.monotonic() + timeout_s
        self._camera = _connected(address, timeout_s)
        try:
            self._listener, door = _door(self._camera.family)
            peer = socket.getnameinfo(self._camera.getpeername(), socket.NI_NUMERICHOST)[0]
        except BaseException:
            self._camera.close()
            raise
        self.url = f"{door}/{secrets.token_hex(16)}"
        """What FFmpeg opens."""
        self._conversation = Conversation(address, peer, self.url)
        self._player: socket.socket | None = None
        self._from_player, self._from_camera = Splitter(), Splitter()
        self._thread = threading.Thread(target=self._run, name="rtsp-relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the connection and the thread. Idempotent; FFmpeg should have closed its side before."""
        _shut(self._listener)
        self._thread.join(_FAREWELL_S)
        _shut(self._camera)
        _shut(self._player)
        self._thread.join(_FAREWELL_S)

    def _run(self) -> None:
        try:
            self._player = self._admitted()
            self._listener.close()
            self._relay(self._player)
        except _PlayerGone:
            pass
        except (SourceError, OSError, ValueError) as error:
            self.failure = error
        finally:
            # Closing comes last: FFmpeg notices it, and then looks for the reason.
            for each in (self._player, self._camera, self._listener):
                if each is not None:
                    each.close()

    def _admitted(self) -> socket.socket:
        """The first connection that knows the token; its first request is passed on."""
        while True:
            self._listener.settimeout(max(0.0, self._deadline_s - time.monotonic()))
            player = self._listener.accept()[0]
            pieces = _greeting(player, self._from_player)
            if pieces and isinstance(pieces[0], Message) and self._conversation.knows(pieces[0]):
                player.settimeout(None)
                player.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._to_camera(pieces)
                return player
            player.close()
            self._from_player = Splitter()

    def _relay(self, player: socket.socket) -> None:
        poll = select.poll()
        for each in (player, self._camera):
            poll.register(each, select.POLLIN)
        while True:
            ready = {number for number, _ in poll.poll()}
            if player.fileno() in ready:
                self._to_camera(self._from_player.feed(_heard(player)))
            if self._camera.fileno() in ready and not self._read_camera(player):
                return

    def _read_camera(self, player: socket.socket) -> bool:
        """Pass on what has come. Returns False at the end of the connection."""
        while True:
            data = self._camera.recv(_READ_BYTES)
            if not data:
                return False
            for piece in self._from_camera.feed(data):
                if isinstance(piece, bytes):
                    _tell(player, piece)
                    continue
                reply = self._conversation.from_camera(piece)
                if reply.to_player:
                    _tell(player, reply.to_player)
                if reply.to_camera:
                    self._camera.sendall(reply.to_camera)
            # What TLS has decrypted already is invisible to poll.
            if not (isinstance(self._camera, ssl.SSLSocket) and self._camera.pending()):
                return True

    def _to_camera(self, pieces: list[bytes | Message]) -> None:
        for piece in pieces:
            data = piece if isinstance(piece, bytes) else self._conversation.from_player(piece)
            if data:
                self._camera.sendall(data)


def _connected(address: CameraAddress, timeout_s: float) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), timeout_s)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.is_encrypted:
            connection = tls_context().wrap_socket(connection, server_hostname=address.host)
        connection.settimeout(_SEND_S)
    except BaseException:
        connection.close()
        raise
    return connection


def _door(family: int) -> tuple[socket.socket, str]:
    """A port of the loopback interface, and its address. FFmpeg opens its UDP ports for the same family."""
    if family == socket.AF_INET6:
        with suppress(OSError):
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=8)
            return listener, f"rtsp://[::1]:{listener.getsockname()[1]}"
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    return listener, f"rtsp://127.0.0.1:{listener.getsockname()[1]}"


def _greeting(player: socket.socket, splitter: Splitter) -> list[bytes | Message]:
    """What a new connection says first; empty if it is no RTSP or comes too late."""
    until_s = time.monotonic() + _GREETING_S
    with suppress(OSError, ValueError):
        while (left_s := until_s - time.monotonic()) > 0:
            player.settimeout(left_s)
            data = player.recv(_READ_BYTES)
            if not data:
                break
            if pieces := splitter.feed(data):
                return pieces
    return []


def _heard(player: socket.socket) -> bytes:
    try:
        data = player.recv(_READ_BYTES)
    except OSError:
        data = b""
    if not data:
        raise _PlayerGone
    return data


def _tell(player: socket.socket, data: bytes) -> None:
    try:
        player.sendall(data)
    except OSError:
        raise _PlayerGone from None


def _shut(connection: socket.socket | None) -> None:
    """Wake the thread that waits for it."""
    if connection is not None:
        with suppress(OSError):
            # Not the method of a TLS socket: it would go on in the clear before it shuts down.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
