"""A network in between that can be slow, or dead without anybody saying so.

    with Line(daemon.port) as line:
        page.goto(f"http://127.0.0.1:{line.port}/")
        with line.slow():       # no answer begins before the end of this block
            ...
        line.is_dead = True     # no byte passes, and no connection is closed

Two threads per connection; ends only what it opened.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

_PIECE_BYTES = 1 << 16


class Line:
    """Passes TCP connections on to a port of this machine."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._passing, self._answering = threading.Event(), threading.Event()
        self._passing.set()
        self._answering.set()
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="line", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._passing.set()
        self._answering.set()
        for one in (self._listening, *self._open):
            _close(one)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """Hold back every answer that begins meanwhile; what has begun, such as events, goes on."""
        self._answering.clear()
        try:
            yield
        finally:
            self._answering.set()

    @property
    def is_dead(self) -> bool:
        return not self._passing.is_set()

    @is_dead.setter
    def is_dead(self, dead: bool) -> None:
        (self._passing.clear if dead else self._passing.set)()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=[near], daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._passing.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._to_port))
        except OSError:
            return _close(near)
        self._open |= {near, far}
        threading.Thread(target=self._pass_on, args=[near, far, False], daemon=True).start()
        self._pass_on(far, near, True)
        return None

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE_BYTES):
                if is_answer and data.startswith(b"HTTP/1.1"):
                    self._answering.wait()
                self._passing.wait()
                target.sendall(data)
        for one in (source, target):
            _close(one)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
