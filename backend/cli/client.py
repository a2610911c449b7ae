"""Talks HTTP to the running daemon: by its Unix socket, or by TCP with the access key."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from backend.access.access_key import AccessKey
from backend.base.base_path import below
from backend.base.machine import local_socket
from backend.base.machine.daemon_proof import SERVER_NAME, listens_on
from backend.base.machine.data_lock import read_holder
from backend.base.machine.file_modes import GROUP
from backend.cli.exits import CommandFailed, Exit
from backend.config.model import Config
from backend.http.tls import client_context

_TIMEOUT_S = 20.0
_SILENCE_S = 600.0
"""Before the first byte of an archive its clean forms are made."""
_PIECE_BYTES = 256 * 1024


class DaemonClient:
    """One daemon. Use as an async context manager."""

    def __init__(
        self,
        url: str,
        key: str | None,
        tls: ssl.SSLContext | bool = True,
        *,
        runtime_dir: Path | None = None,
        is_unproven: bool = False,
    ) -> None:
        """`tls`: how an https daemon proves who it is; True: as the system's certificates say.

        `runtime_dir`: where its Unix socket lies, which then takes the place of `url` and `key`.
        `is_unproven`: nobody named `url`, and what listens there may be any program.
        """
        self.url = url.rstrip("/")
        self._base = "" if runtime_dir else urlsplit(self.url).path
        self.tls = tls
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        """What lets a request to `url` in that is made without this client."""
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S, connect=5)
        self._stack = ExitStack()
        if runtime_dir is None:
            connector: aiohttp.BaseConnector = aiohttp.TCPConnector(ssl=tls)
            self._session = aiohttp.ClientSession(
                _origin(url), connector=connector, headers=self.headers, timeout=timeout
            )
        else:
            path = self._stack.enter_context(local_socket.short_path(runtime_dir))
            connector = aiohttp.UnixConnector(str(path))
            self._session = aiohttp.ClientSession("http://localhost", connector=connector, timeout=timeout)
        self._runtime_dir = runtime_dir
        self._is_unproven = is_unproven

    async def __aenter__(self) -> "DaemonClient":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.close()
        self._stack.close()

    def address(self, url: str) -> str:
        """An address that the daemon gave, whole. It may be a path, with a proxy's prefix or without."""
        return urljoin(self.url, below(urlsplit(self.url).path, url))

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON answer. Raises CommandFailed with the daemon's own words."""
        try:
            async with self._session.request(method, self._base + path, json=body, params=query) as answer:
                self._check_program(answer)
                content = await answer.json(content_type=None)
                if answer.status < 400:
                    return content
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CommandFailed(
                Exit.UNAVAILABLE,
                f"No Hindsight answers at {self._runtime_dir or self.url}: {_why(error)}. "
                "`hindsight run` starts it.",
            ) from error
        raise self._refused(answer.status, content)

    async def download(self, path: str, target: Path) -> int:
        """Write the answer to `target`; its length. Raises CommandFailed (also when cut short), OSError."""
        no_end = aiohttp.ClientTimeout(total=None, connect=5, sock_read=_SILENCE_S)
        try:
            async with self._session.get(self._base + path, timeout=no_end) as answer:
                if answer.status >= 400:
                    raise self._refused(answer.status, await answer.json(content_type=None))
                size = 0
                with target.open("wb") as file:
                    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                        size += file.write(piece)
                return size
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CommandFailed(
                Exit.UNAVAILABLE, f"{self.url} did not send all of it: {_why(error)}. Try again."
            ) from error

    def _check_program(self, answer: aiohttp.ClientResponse) -> None:
        """A daemon that has stopped leaves its port to any program."""
        if self._is_unproven and answer.headers.get("Server") != SERVER_NAME:
            raise CommandFailed(
                Exit.UNAVAILABLE,
                f"Another program answers at {self.url}; Hindsight does not run. `hindsight run` starts it.",
            )

    def _refused(self, status: int, content: Any) -> CommandFailed:
        if status == 401 and self._runtime_dir is not None:
            return _not_an_owner(self._runtime_dir)
        code = Exit.NO_PERMISSION if status in {401, 403, 429} else Exit.FAILED
        detail = content.get("detail") if isinstance(content, dict) else None
        return CommandFailed(code, str(detail or f"The daemon answered {status}."))


def _origin(url: str) -> str:
    return urljoin(url, "/")


def _why(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorDNSError():
            return "that name is unknown here"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted here"
        case aiohttp.ClientSSLError():
            return "it does not speak TLS as we do"
        case aiohttp.ClientConnectorError():
            # asyncio puts the address in place of the reason.
            return os.strerror(error.os_error.errno) if error.os_error.errno else "no connection"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "it hung up"
        case _:
            return "something else does"


def client_for(config: Config, url: str | None) -> DaemonClient:
    """The client for the daemon of this configuration, or for `url`. Needs a running loop; blocks shortly.

    On this machine it goes by the Unix socket. The access key is sent to a TCP port only after the kernel
    proved that the daemon listens there, or when a person named both address and key. Raises CommandFailed.
    """
    holder = read_holder(config.data_dir)
    own_url = (holder.url if holder else None) or _configured_url(config)
    if url is not None and not _is_same(url, own_url):
        return DaemonClient(url, os.environ.get("HINDSIGHT_KEY"))
    tls = _own_certificate(config)
    key = _proven_key(config, own_url)
    runtime_dir = config.data_dir / "runtime"
    try:
        if local_socket.is_socket(runtime_dir):
            return DaemonClient(own_url, key, tls, runtime_dir=runtime_dir)
    except PermissionError as error:
        if key is None:
            raise _not_an_owner(runtime_dir) from error
    return DaemonClient(own_url, key, tls, is_unproven=key is None)


def _not_an_owner(where: Path) -> CommandFailed:
    return CommandFailed(
        Exit.NO_PERMISSION,
        f"{where}: only root, the daemon's user and members of the group {GROUP} may do this. "
        "Run it as one of them, or set HINDSIGHT_KEY and give --url.",
    )


def _is_same(url: str, own_url: str) -> bool:
    """Whether a person named the daemon of this machine by another of its addresses."""
    given, own = urlsplit(url), urlsplit(own_url)
    names = {given.hostname, own.hostname}
    return given.port == own.port and (len(names) == 1 or names <= {"127.0.0.1", "localhost", "::1"})


def _own_certificate(config: Config) -> ssl.SSLContext | bool:
    if config.server.tls is None:
        return True
    try:
        return client_context(config.server.tls.certificate)
    except OSError as error:
        raise CommandFailed(
            Exit.CONFIG, f"server.tls.certificate: cannot be read: {error.strerror or error}."
        ) from error


def _configured_url(config: Config) -> str:
    host = config.server.host
    if host in {"0.0.0.0", "", "*"}:  # noqa: S104  compared, not bound
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"{config.server.scheme}://{f'[{host}]' if ':' in host else host}:{config.server.port}"


def _proven_key(config: Config, own_url: str) -> str | None:
    port = urlsplit(own_url).port
    if port is None or not listens_on(config.data_dir, port):
        return None
    if key := os.environ.get("HINDSIGHT_KEY"):
        return key
    stored = AccessKey(config.data_dir)
    try:
        stored.load(create=False)
    except OSError:
        return None
    return stored.value


async def wait_until(client: DaemonClient, path: str, states: frozenset[str], timeout_s: float) -> Any:
    """Poll the clip at `path` until its status is one of `states`. Raises CommandFailed."""
    async with asyncio.timeout(timeout_s):
        while True:
            clip = await client.call("GET", path)
            if clip["status"] in states:
                return clip
            await asyncio.sleep(0.2)
