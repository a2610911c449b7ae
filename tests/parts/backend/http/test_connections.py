"""Connections of strangers: how many, how long, and what they cost."""

import asyncio
import os
import resource
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from backend.access.actions import Action
from backend.access.connection_book import Bounds
from backend.base.health import Health
from backend.base.machine import descriptors
from backend.config.server import TlsConfig
from backend.http.connections import SUBJECT, Connections
from backend.http.listener import lifted
from backend.http.routes import Route
from backend.http.tls import server_context
from tests.support.backend.serving import OWN_ROUTES, Served, serving
from tests.support.certificates import make_certificate

BOUNDS = Bounds.of(64)
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE_BYTES = 32 * 1024 * 1024


async def _large(request: web.Request) -> web.StreamResponse:
    return web.Response(body=bytes(LARGE_BYTES))


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(bytes(64 * 1024))


UNREAD = (
    Route("GET", "/large", _large, None, "One answer that was made whole"),
    Route("GET", "/endless", _endless, None, "A stream"),
)


@asynccontextmanager
async def _strangers(served: Served, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections that say nothing, one after the other."""
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection(served.host, served.port)
            stack.callback(writer.close)
            readers.append(reader)
        yield readers


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def _answer(served: Served, path: str = "/livez") -> int:
    async with served.client.get(path, headers=served.bearer) as answer:
        return answer.status


async def test_strangers_who_say_nothing_leave_room_for_who_comes_next(tmp_path: Path) -> None:
    """Ten times as many as there is room for; each newcomer is heard, an open connection that spoke stays."""
    async with serving(tmp_path, limit=64) as served:
        mine, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(LIVEZ)
        assert (await mine.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        async with _strangers(served, 10 * BOUNDS.in_all) as silent:
            assert await _answer(served, "/api/session") == 200
            writer.write(LIVEZ)
            assert (await mine.readuntil(b"}")).startswith(b"HTTP/1.1 200")
            gone = [await reader.read() for reader in silent[: -2 * BOUNDS.per_network]]
            assert set(gone) == {b""}
            numbers = served.rooms.connections.numbers()
            assert numbers["connections_silent"] <= BOUNDS.per_network
            assert numbers["connections_known"] == 1
            assert numbers["connections_closed_for_room_total"] >= len(gone)
        writer.close()


def _are_strangers(served: Served, count: int) -> bool:
    return served.rooms.connections.numbers()["connections_stranger"] == count


async def test_half_sent_bodies_of_strangers_are_bounded_too(tmp_path: Path) -> None:
    """Each may hold a buffer of 64 KiB for as long as a body may take."""
    head = (
        "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 60000\r\n\r\n"
    )
    async with serving(tmp_path, limit=64) as served, AsyncExitStack() as stack:
        for sent in range(1, 20):
            _, writer = await asyncio.open_connection(served.host, served.port)
            stack.callback(writer.close)
            writer.write(head.encode() + b"{" + bytes(30_000))
            await _until(partial(_are_strangers, served, min(sent, BOUNDS.per_network)))
        assert await _answer(served, "/api/session") == 200


async def test_floods_cost_a_line_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And say who it was."""
    async with serving(tmp_path, limit=64) as served, _strangers(served, 50):
        assert await _answer(served) == 200
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "one of 127.0.0.1 was closed to make room" in line


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nA B:1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_counted_and_leaves_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """A stranger sends thousands of them a second."""
    async with serving(tmp_path) as served:
        for _ in range(5):
            reader, writer = await asyncio.open_connection(served.host, served.port)
            writer.write(sent)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 8)
            writer.close()
        assert await _answer(served) == 200
        malformed = served.rooms.connections.numbers()["connections_malformed_total"]
    assert malformed == 5
    assert [record.exc_info for record in caplog.records if record.exc_info] == []
    assert sum("not HTTP" in record.getMessage() for record in caplog.records) == 1


async def test_an_error_of_ours_is_logged_whole_but_not_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every one is counted; what a request can cause, it can cause a thousand times."""

    async def broken(request: web.Request) -> web.StreamResponse:
        raise RuntimeError("broken")

    routes = (*OWN_ROUTES, Route("GET", "/broken", broken, Action.VIEW, "Breaks"))
    async with serving(tmp_path, routes=routes) as served:
        assert [await _answer(served, "/broken") for _ in range(5)] == [500] * 5
        async with served.client.get("/metrics", headers=served.bearer) as answer:
            assert 'hindsight_unforeseen_errors_total{where="http"} 5.0' in await answer.text()
    assert sum(record.exc_info is not None for record in caplog.records) == 1


@pytest.mark.parametrize("path", ["/large", "/endless"])
async def test_an_answer_that_nobody_reads_is_given_up(tmp_path: Path, path: str) -> None:
    """Otherwise a client that never reads holds a descriptor and an archive for ever."""
    async with serving(tmp_path, routes=UNREAD, unread_timeout_s=0.3) as served:
        numbers = served.rooms.connections.numbers
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, (served.host, served.port))
            await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await _until(lambda: numbers()["connections_unread_total"] == 1)
            assert numbers()["connections_stranger"] == 0


async def test_a_client_that_reads_slowly_keeps_its_answer(tmp_path: Path) -> None:
    """The deadline is for taking nothing at all, however long the whole takes."""
    async with serving(tmp_path, routes=UNREAD, unread_timeout_s=0.3) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port, limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_bytes, loop = 0, asyncio.get_running_loop()
        until_s = loop.time() + 1.0
        while loop.time() < until_s:
            read_bytes += len(await reader.read(64 * 1024))
            await asyncio.sleep(0.01)
        while piece := await reader.read(1024 * 1024):
            read_bytes += len(piece)
            if read_bytes >= LARGE_BYTES:
                break
        writer.close()
        assert read_bytes >= LARGE_BYTES


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's, with a certificate signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl for a certificate")
    directory = tmp_path_factory.mktemp("pair")
    make_certificate(directory)
    return server_context(TlsConfig(certificate=directory / "cert.pem", key=directory / "key.pem"))


async def test_a_tls_handshake_has_a_deadline(tmp_path: Path, context: ssl.SSLContext) -> None:
    """asyncio waits a minute."""
    async with serving(tmp_path, tls=context, handshake_timeout_s=0.1) as served:
        async with _strangers(served, 1) as [silent]:
            assert await asyncio.wait_for(silent.read(), 5) == b""
        numbers = served.rooms.connections.numbers()
        assert numbers["connections_handshake_failures_total"] == 1
        assert numbers["connections_silent"] == 0


async def test_handshakes_that_never_begin_are_bounded_like_other_silence(
    tmp_path: Path, context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection counts from its accept on, not from the end of its handshake."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with serving(tmp_path, tls=context, limit=64) as served, _strangers(served, 50) as silent:
        assert {await reader.read() for reader in silent[:20]} == {b""}
        reader, writer = await asyncio.open_connection(served.host, served.port, ssl=trusting)
        writer.write(LIVEZ)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.close()
        assert served.rooms.connections.numbers()["connections_silent"] <= BOUNDS.per_network
    assert [record for record in caplog.records if record.exc_info] == []


async def test_without_descriptors_nothing_is_accepted_until_there_are_some(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No traceback each time, words that say what to do, and those that waited get in."""
    async with serving(tmp_path) as served:
        concerns = served.rooms.health.concerns
        with socket.socket() as client:
            client.setblocking(False)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            try:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(client, (served.host, served.port))
                await _until(lambda: SUBJECT in concerns)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert "LimitNOFILE" in concerns[SUBJECT]
            await loop.sock_sendall(client, LIVEZ)
            assert (await loop.sock_recv(client, 100)).startswith(b"HTTP/1.1 200")
    assert served.rooms.connections.numbers()["connections_starved_total"] >= 1
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_shortage_is_a_concern_and_strangers_pay_for_it(tmp_path: Path) -> None:
    """What recordings need is taken from those who have not signed in; it is over a minute later."""
    async with serving(tmp_path) as served:
        connections = served.rooms.connections
        assert await _answer(served, "/api/session") == 200
        async with _strangers(served, 5):
            await _until(lambda: connections.numbers()["connections_silent"] == 5)
            connections.limit = await asyncio.to_thread(descriptors.count_open) + descriptors.HELD_BACK - 3
            await connections.look()
            assert SUBJECT in served.rooms.health.concerns
            left = connections.numbers()
            assert (left["connections_known"], left["connections_silent"] <= 2) == (1, True)


async def test_a_concern_about_descriptors_ends_a_minute_after_the_last_shortage() -> None:
    """Not at once: it would come and go."""
    now_s, health = 1000.0, Health()
    connections = Connections(health, 1, monotonic_s=lambda: now_s)
    await connections.look()
    assert SUBJECT in health.concerns
    connections.limit = 1_000_000
    now_s = 1059.0
    await connections.look()
    assert SUBJECT in health.concerns
    now_s = 1061.0
    await connections.look()
    assert health.concerns == {}


def test_connections_leave_the_low_numbers_to_files_and_cameras() -> None:
    """`select`, with which OpenCV reads USB cameras, knows none above 1023."""
    here, there = socket.socketpair()
    before = here.fileno()
    moved = lifted(here, 700)
    with moved, there:
        assert moved.fileno() >= 700
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(before)
        moved.sendall(b"same")
        assert there.recv(10) == b"same"
        assert lifted(moved, 10**9) is moved
