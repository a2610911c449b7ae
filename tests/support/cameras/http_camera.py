"""A real HTTP camera for one test: MJPEG as multipart, or a transport stream, paced like a camera.

    with HttpCamera(Mjpeg(pictures)) as camera:
        camera.url("keeper:secret")
        camera.asked            # every path that was asked for, with its Authorization

Every viewer gets the loop from its first picture on; after the last one the connection ends.
"""

import hashlib
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import av

from recorder.bitstream.access_unit import AccessUnit, Codec

NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"


class Answer(Protocol):
    """What a camera says to a GET."""

    status: int
    headers: dict[str, str]

    def chunks(self) -> Iterator[bytes]:
        """The body, each piece when it is due."""
        ...


@dataclass(slots=True)
class Fixed:
    """An answer that is no stream."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def chunks(self) -> Iterator[bytes]:
        yield self.body


@dataclass(slots=True)
class Mjpeg:
    """JPEG parts. `part`: how this camera writes the head of a part, given the picture."""

    pictures: Sequence[bytes]
    part: Callable[[bytes], bytes]
    headers: dict[str, str]
    fps: float = 200.0
    silent_after: int | None = None
    status: int = 200

    def chunks(self) -> Iterator[bytes]:
        begun_s = time.monotonic()
        for number, picture in enumerate(self.pictures):
            if number == self.silent_after:
                time.sleep(3)
            time.sleep(max(0.0, begun_s + number / self.fps - time.monotonic()))
            yield self.part(picture) + picture + b"\r\n"


@dataclass(slots=True)
class TransportStream:
    """Units as MPEG-TS."""

    units: Sequence[AccessUnit]
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "video/mp2t"})
    fps: float = 200.0
    status: int = 200

    def chunks(self) -> Iterator[bytes]:
        sink = _Sink()
        begun_s = time.monotonic()
        first = self.units[0]
        with av.open(sink, "w", format="mpegts") as container:
            name = "hevc" if first.epoch.codec is Codec.H265 else "h264"
            stream = container.add_mux_stream(name, width=first.epoch.width, height=first.epoch.height)
            for number, unit in enumerate(self.units):
                time.sleep(max(0.0, begun_s + number / self.fps - time.monotonic()))
                packet = av.Packet(unit.data)
                packet.stream, packet.is_keyframe = stream, unit.is_keyframe
                packet.time_base = Fraction(1, 90_000)
                ticks = [round((ns - first.dts_ns) * 9 / 100_000) for ns in (unit.pts_ns, unit.dts_ns)]
                packet.pts, packet.dts = ticks
                packet.duration = 3000
                container.mux_one(packet)
                yield sink.take()
        yield sink.take()


@dataclass(slots=True)
class FilmStream:
    """A transport stream from a file, `speed` times as fast as it plays."""

    path: Path
    length_s: float
    speed: float = 1.0
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "video/mp2t"})
    status: int = 200

    def chunks(self) -> Iterator[bytes]:
        data = self.path.read_bytes()
        begun_s, pieces = time.monotonic(), 20 * max(1, round(self.length_s))
        size = -(-len(data) // pieces // 188) * 188
        for number, at in enumerate(range(0, len(data), size)):
            due_s = begun_s + number * self.length_s / pieces / self.speed
            time.sleep(max(0.0, due_s - time.monotonic()))
            yield data[at : at + size]


class HttpCamera:
    """One server on one free port."""

    def __init__(
        self, answer: Answer, account: str = "", digest: bool = False, tls_pem: Path | None = None
    ) -> None:
        self.answer = answer
        self.account = account
        self.digest = digest
        self.asked: list[tuple[str, str | None]] = []
        handler = type("Handler", (_Handler,), {"camera": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._scheme = "http" if tls_pem is None else "https"
        if tls_pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls_pem)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="http-camera", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, account: str | None = None, path: str = "/video") -> str:
        given = self.account if account is None else account
        return f"{self._scheme}://{given + '@' if given else ''}127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def challenge(self) -> str:
        """The WWW-Authenticate header."""
        digest = f'Digest realm="cam", qop="auth", nonce="{NONCE}", opaque="5c"'
        return digest if self.digest else 'Basic realm="cam"'

    def lets_in(self, given: str | None, target: str) -> bool:
        """Whether the Authorization header is right; the digest is reckoned here once more."""
        if not self.account or not self.digest or given is None:
            return not self.account or given == f"Basic {b64encode(self.account.encode()).decode()}"
        fields = (part.strip().partition("=") for part in given.removeprefix("Digest ").split(","))
        said = {name: value.strip('"') for name, _, value in fields}
        user, _, password = self.account.partition(":")
        secret, request = _md5(f"{user}:cam:{password}"), _md5(f"GET:{target}")
        wanted = _md5(f"{secret}:{NONCE}:{said['nc']}:{said['cnonce']}:auth:{request}")
        return said["response"] == wanted and said["opaque"] == "5c"


class _Handler(BaseHTTPRequestHandler):
    camera: HttpCamera

    def do_GET(self) -> None:
        given = self.headers.get("Authorization")
        self.camera.asked.append((self.path, given))
        if not self.camera.lets_in(given, self.path):
            self.send_response(401)
            self.send_header("WWW-Authenticate", self.camera.challenge())
            self.end_headers()
            return
        answer = self.camera.answer
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for chunk in answer.chunks():
                self.wfile.write(chunk)
        except ConnectionError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """A test run is no place for an access log."""


class _Sink(RawIOBase):
    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._data += data
        return len(data)

    def take(self) -> bytes:
        taken, self._data = bytes(self._data), bytearray()
        return taken


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
