"""Sends one GET to a camera and reads its endless response.

Replaces FFmpeg's HTTP client, so only this one address is ever opened: no redirects, playlists, proxies or
other protocols. Blocking, one thread; stopping takes at most the timeout.
"""

import io
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

from recorder.base.errors import SourceError, SourceLost, SourceUnsupported
from recorder.base.redaction import shown
from recorder.base.settings import CameraSettings
from recorder.sources.address import camera_address
from recorder.sources.auth import authorization
from recorder.sources.connection import lost, tls_context

_REFUSED = {
    401: "the camera refused the user name or password",
    403: "the camera forbids this user to watch this stream",
    404: "the camera knows no stream of this path",
    503: "the camera is busy: it may have too many viewers",
}


class HttpBody:
    """The body of the response, after authentication if the camera requires it."""

    def __init__(self, settings: CameraSettings) -> None:
        """Connects. Raises SourceLost, or SourceUnsupported for an invalid address."""
        self._settings = settings
        self._shown = shown(settings.source)
        self._address = camera_address(settings.source)
        self._deadline_s = time.monotonic() + 2 * settings.open_timeout_s
        self._connection: HTTPConnection | None = None
        self._response = self._get()
        self.content_type = self._response.headers.get("Content-Type", "")

    def allow(self, seconds: float) -> None:
        """Set the deadline for reads to `seconds` from now; then `read` raises TimeoutError."""
        self._deadline_s = time.monotonic() + seconds

    def read(self, most_bytes: int = 65536) -> bytes:
        """The bytes received, at least one; empty at the end. Raises OSError or HTTPException."""
        if self._response.isclosed():
            return b""
        self._left_s()
        return self._response.read1(most_bytes)

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._response.close()
        if self._connection is not None:
            self._connection.close()

    def _left_s(self) -> float:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _get(self) -> HTTPResponse:
        doing = f"connecting to {self._shown}"
        try:
            response = self._ask(None)
            account = self._address.account
            if response.status == 401 and account is not None:
                challenges = response.headers.get_all("WWW-Authenticate") or []
                self._hang_up(response)
                credentials = authorization(challenges, account, "GET", self._target(), secrets.token_hex(8))
                if credentials is not None:
                    response = self._ask(credentials)
        except (OSError, HTTPException, ValueError) as error:
            self._hang_up(None)
            raise lost(error, self._settings.source, doing) from None
        if response.status != 200:
            self._hang_up(response)
            raise self._refusal(response, doing)
        return response

    def _ask(self, credentials: str | None) -> HTTPResponse:
        host, port, timeout_s = self._address.host, self._address.port, self._settings.open_timeout_s
        if self._address.is_encrypted:
            self._connection = HTTPSConnection(host, port, timeout=timeout_s, context=tls_context())
        else:
            self._connection = HTTPConnection(host, port, timeout=timeout_s)
        headers = {"User-Agent": "hindsight", "Accept": "*/*", "Connection": "close"}
        if credentials is not None:
            headers["Authorization"] = credentials
        # The library's timeout applies to each byte: headers and chunk sizes that trickle in would never end.
        self._connection.response_class = partial(_Response, left_s=self._left_s)  # type: ignore[assignment]
        self._connection.request("GET", self._target(), headers=headers)
        return self._connection.getresponse()

    def _target(self) -> str:
        target = self._address.target.partition("#")[0]
        return target if target.startswith("/") else f"/{target}"

    def _hang_up(self, response: HTTPResponse | None) -> None:
        if response is not None:
            response.close()
        if self._connection is not None:
            self._connection.close()

    def _refusal(self, response: HTTPResponse, doing: str) -> SourceError:
        if 300 <= response.status < 400:
            # Following a redirect could reach services of this host.
            onward = shown(response.headers.get("Location", ""))
            msg = f"{self._shown} sends us on to {onward}; write that address if it is the camera's own."
            return SourceUnsupported(msg)
        reason = _REFUSED.get(response.status, f"the camera answered with status {response.status}")
        return SourceLost(f"While {doing}, {reason}.")


class _Response(HTTPResponse):
    """A response whose reads all end at the deadline."""

    def __init__(self, sock: socket.socket, *args: str, left_s: Callable[[], float], **named: str) -> None:
        super().__init__(sock, *args, **named)  # type: ignore[arg-type]
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, left_s))


class _DeadlineReader(io.RawIOBase):
    """Reads a socket; each wait ends at the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, left_s: Callable[[], float]) -> None:
        self._raw, self._sock, self._left_s = raw, sock, left_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int | None:  # type: ignore[override]
        self._sock.settimeout(self._left_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
