"""An RTSP camera for one test that says exactly what the test wants, on a free loopback port.

    with ScriptedCamera(lambda request: b"RTSP/1.0 302 Found…" ) as camera:
        camera.url("keeper:c4nary")
        camera.received         # what it was sent, in order

`answer` gets a request and returns the bytes that follow; None hangs up. `{cseq}` in them is the request's.
Threads, one for each connection, end with the test.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from recorder.sources.rtsp.messages import Message, Splitter

Answer = Callable[[Message], bytes | None]

NO_SUCH = b"RTSP/1.0 404 Not Found\r\nCSeq: {cseq}\r\n\r\n"


def answered(status: str = "200 OK", *headers: str, body: str = "") -> bytes:
    """One response."""
    lines = [f"RTSP/1.0 {status}", "CSeq: {cseq}", *headers]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class ScriptedCamera:
    """One listening port."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.received: list[Message] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def url(self, account: str = "", path: str = "/live") -> str:
        """Its address."""
        return f"rtsp://{account}{'@' if account else ''}127.0.0.1:{self.port}{path}"

    def requested(self) -> list[str]:
        """The first lines of what was received."""
        return [message.start for message in self.received]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer = self._listener.accept()[0]
                self.connections += 1
                self._open.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        splitter = Splitter()
        with peer, suppress(OSError, ValueError):
            while data := peer.recv(65536):
                for message in splitter.feed(data):
                    if not isinstance(message, Message):
                        continue
                    self.received.append(message)
                    said = self._answer(message)
                    if said is None:
                        return
                    peer.sendall(said.replace(b"{cseq}", (message.get("cseq") or "0").encode()))
