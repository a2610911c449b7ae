"""The gate on a served application: hosts, origins, keys, loopback."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from backend.access.actions import Action
from backend.access.gate import AccessRules
from backend.access.local_peers import LocalOwners
from backend.access.proxies import Proxies
from backend.base.machine import local_socket
from backend.http.routes import Route, json_response
from backend.http.server import make_runner
from backend.http.wire.times import RequestModel, ResponseModel
from tests.support.backend.serving import OWN_ROUTES, Served, serving


class Nothing(RequestModel):
    """An empty order."""


class Done(ResponseModel):
    """An answer."""

    done: bool = True


async def _done(request: web.Request) -> web.StreamResponse:
    return json_response(Done())


MORE = (
    Route("GET", "/done", _done, Action.VIEW, "Done"),
    Route(
        "POST", "/done", _done, Action.RECORD, "Done", body=Nothing, body_required=False, body_timeout_s=0.3
    ),
)


async def _status(served: Served, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with served.client.request(method, path, headers=named) as answer:
        return answer.status


async def test_the_key_opens_as_bearer_and_as_the_password_of_basic(tmp_path: Path) -> None:
    """Programs send Bearer; players that know only user:password in the address send Basic."""
    async with serving(tmp_path) as served:
        basic = base64.b64encode(f"any:{served.key.value}".encode()).decode()
        assert await _status(served, "GET", "/api/session", Authorization=f"Basic {basic}") == 200
        assert await _status(served, "GET", "/api/session", **served.bearer) == 200
        assert await _status(served, "GET", "/nowhere", **served.bearer) == 404
        assert await _status(served, "PUT", "/api/session", **served.bearer) == 405
        for wrong in ("Bearer x", "Bearer", "Basic !!!", "Basic eA==", "Bearer " + "\xe9" * 3):
            assert await _status(served, "GET", "/api/session", Authorization=wrong) == 401


async def test_a_new_key_ends_every_session_and_the_old_key(tmp_path: Path) -> None:
    """`key new` writes a file; the running daemon follows it."""
    async with serving(tmp_path) as served:
        old = served.bearer
        async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
            assert answer.status == 200
        other = type(served.key)(tmp_path)
        await asyncio.to_thread(other.replace)
        assert await _status(served, "GET", "/api/session", Authorization=f"Bearer {other.value}") == 200
        assert await _status(served, "GET", "/api/session", **old) == 401
        assert await _status(served, "GET", "/api/session") == 401


async def test_an_old_key_ends_within_a_second_also_where_nobody_shows_the_new_one(tmp_path: Path) -> None:
    """Who is thrown out is the last to offer the key that throws him out."""
    async with serving(tmp_path) as served:
        async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
            assert answer.status == 200
        await asyncio.to_thread(type(served.key)(tmp_path).replace)
        async with asyncio.timeout(10):
            while await _status(served, "GET", "/api/session", **served.bearer) == 200:
                await asyncio.sleep(0.05)
        assert await _status(served, "GET", "/api/session") == 401


async def test_too_many_wrong_keys_are_429_but_the_right_one_passes(tmp_path: Path) -> None:
    """Guessing is slowed in its answer, nobody is locked out."""
    async with serving(tmp_path) as served:
        wrong = [await _status(served, "GET", "/api/session", Authorization="Bearer x") for _ in range(12)]
        assert set(wrong) == {401, 429}
        assert wrong[-1] == 429
        assert await _status(served, "GET", "/api/session", **served.bearer) == 200


async def test_loopback_needs_no_key_only_when_nothing_hints_at_a_proxy(tmp_path: Path) -> None:
    """A reverse proxy on the same machine must not make everybody local."""
    async with serving(tmp_path, loopback_without_key=True, allowed_hosts=("cam.example.org",)) as served:
        assert await _status(served, "GET", "/api/session") == 200
        assert await _status(served, "GET", "/api/session", X_Forwarded_For="203.0.113.1") == 401
        assert await _status(served, "GET", "/api/session", Forwarded="for=203.0.113.1") == 401
        assert await _status(served, "GET", "/api/session", Via="1.1 proxy") == 401
        assert await _status(served, "GET", "/api/session", X_Forwarded_Prefix="/hindsight") == 401
        assert await _status(served, "GET", "/api/session", X_Ingress_Path="/hindsight") == 401
        assert await _status(served, "GET", "/api/session", Host="cam.example.org") == 401
        assert await _status(served, "GET", "/api/session", Authorization="Bearer wrong") == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.com", "a@127.0.0.1"])
async def test_a_foreign_host_is_421_everywhere(tmp_path: Path, host: str) -> None:
    """A foreign name pointed at our address (DNS rebinding) reaches nothing, not even /livez."""
    async with serving(tmp_path, loopback_without_key=True) as served:
        assert await _status(served, "GET", "/livez", Host=host) == 421
        assert await _status(served, "GET", "/api/session", Host=host) == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]:8080", "BOX", "localhost:1", "cam.example.org", "192.0.2.7:80"]
)
async def test_our_own_names_and_addresses_are_served(tmp_path: Path, host: str) -> None:
    """IP literals, localhost, the box's names and the configured ones."""
    async with serving(tmp_path, allowed_hosts=("cam.example.org",)) as served:
        assert await _status(served, "GET", "/livez", Host=host) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://cam.example.org"}, 200),
        ({"Origin": "https://cam.example.org:444"}, 403),
        ({}, 200),
    ],
)
async def test_a_foreign_page_cannot_write(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    """Even with a session: the browser would send the cookie along."""
    options: dict[str, Any] = {"routes": MORE, "allowed_hosts": ("cam.example.org",)}
    async with serving(tmp_path, **options) as served:
        async with served.client.post("/done", headers=headers | served.bearer) as answer:
            assert answer.status == status
        ours = {"Origin": f"http://{served.host}:{served.port}"} | served.bearer
        async with served.client.post("/done", headers=ours) as answer:
            assert answer.status == 200
        async with served.client.get("/done", headers=headers | served.bearer) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("host", ["127.0.0.1%.evil.com", "[::1%25evil.com]", "[fe80::1%eth0]"])
async def test_a_zone_makes_no_address_of_a_name(tmp_path: Path, host: str) -> None:
    """What stands behind % is known to one machine only, and may be any name."""
    async with serving(tmp_path, loopback_without_key=True) as served:
        assert await _status(served, "GET", "/api/session", Host=host) == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_foreign_page_cannot_read_with_an_authority_that_is_not_its_own(
    tmp_path: Path, site: str
) -> None:
    """A picture or video it embeds would use up replays and live views. A key is shown on purpose."""
    async with serving(tmp_path, routes=(*OWN_ROUTES, *MORE), loopback_without_key=True) as served:
        assert await _status(served, "GET", "/done", Sec_Fetch_Site=site) == 403
        assert await _status(served, "GET", "/done", Sec_Fetch_Site="none") == 200
        assert await _status(served, "GET", "/done", Sec_Fetch_Site=site, **served.bearer) == 200
        assert await _status(served, "GET", "/livez", Sec_Fetch_Site=site) == 200
        async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
            assert answer.status == 200
        assert await _status(served, "GET", "/done", Sec_Fetch_Site=site) == 403
        assert await _status(served, "GET", "/done", Sec_Fetch_Site="same-origin") == 200


async def test_a_foreign_page_cannot_open_a_websocket(tmp_path: Path) -> None:
    """Browsers do not ask before they open one; we do."""
    async with serving(tmp_path, routes=MORE, loopback_without_key=True) as served:
        for connection in ("Upgrade", "keep-alive, Upgrade"):
            upgrade = {"Connection": connection, "Upgrade": "websocket"}
            assert await _status(served, "GET", "/done", Origin="https://evil.example", **upgrade) == 403
        head = f"GET /done HTTP/1.1\r\nHost: {served.host}:{served.port}\r\nOrigin: https://evil.example\r\n"
        two = f"{head}Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(two.encode())
        assert (await reader.readline()).split()[1] == b"403"
        writer.close()


async def test_a_network_position_is_no_identity(tmp_path: Path) -> None:
    """Whatever it says, a request from loopback may come through a proxy or from another account."""
    async with serving(tmp_path) as served:
        for headers in ({}, {"Host": "localhost"}, {"X_Forwarded_For": "127.0.0.1"}):
            assert await _status(served, "GET", "/api/session", **headers) == 401


def _socket_session(runtime_dir: Path) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        "http://any", connector=aiohttp.UnixConnector(str(runtime_dir / local_socket.NAME))
    )


@asynccontextmanager
async def _by_socket(served: Served, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the same application on its Unix socket."""
    runner = make_runner(served.app)
    await runner.setup()
    listener = await asyncio.to_thread(local_socket.listen_on, tmp_path, None)
    await web.SockSite(runner, listener).start()
    try:
        async with _socket_session(tmp_path) as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("uids", "gid", "status"),
    [({os.geteuid()}, None, 200), (set(), os.getegid(), 200), (set(), None, 401), (set(), 54321, 401)],
)
async def test_the_unix_socket_knows_its_owner_by_the_kernel(
    tmp_path: Path, uids: set[int], gid: int | None, status: int
) -> None:
    """The daemon's user, root, and the group; another account that can open the file is a stranger."""
    rules = AccessRules(local_owners=LocalOwners(frozenset(uids), gid))
    async with serving(tmp_path, rules=rules) as served, _by_socket(served, tmp_path) as client:
        async with client.get("/api/session") as answer:
            assert answer.status == status
        async with client.get("/api/session", headers=served.bearer) as answer:
            assert answer.status == 200, "the key opens there too"
        assert ((tmp_path / local_socket.NAME).stat().st_mode & 0o777) == 0o660


async def test_a_setup_code_signs_one_browser_in(tmp_path: Path) -> None:
    """Made by an owner, used once, by code or link; the device is in the list, and can be signed out."""
    async with serving(tmp_path) as served:
        for part in ("code", "path"):
            served.client.cookie_jar.clear()  # another browser
            async with served.client.post("/api/session/codes", headers=served.bearer) as answer:
                assert answer.status == 201
                made = await answer.json()
            state = f"/api/session/codes/{made['id']}"
            async with served.client.get(state, headers=served.bearer) as answer:
                assert await answer.json() == {"open": True}
            body = {"code": made[part].rpartition("=")[2]}
            agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
            for status in (200, 401):
                async with served.client.post("/api/session", json=body, headers=agent) as answer:
                    assert answer.status == status
            async with served.client.get(state, headers=served.bearer) as answer:
                assert await answer.json() == {"open": False}
        async with served.client.get("/api/sessions") as answer:
            devices = (await answer.json())["sessions"]
        assert [(d["device"], d["address"], d["current"]) for d in devices] == [
            ("Firefox on Linux", "127.0.0.1", True),
            ("Firefox on Linux", "127.0.0.1", False),
        ]
        async with served.client.delete(f"/api/sessions/{devices[1]['id']}") as answer:
            assert answer.status == 204
        async with served.client.delete(f"/api/sessions/{devices[1]['id']}") as answer:
            assert answer.status == 404
        async with served.client.delete("/api/session") as answer:
            assert answer.headers["Clear-Site-Data"] == '"cache"'
        assert await _status(served, "GET", "/api/session") == 401


async def test_other_devices_are_signed_out_together(tmp_path: Path) -> None:
    """After a lost phone; the one that does it stays."""
    async with serving(tmp_path) as served:
        cookies = []
        for _ in range(2):
            served.client.cookie_jar.clear()  # another browser
            async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
                cookies.append(answer.cookies["hindsight_session"].value)
        async with served.client.delete("/api/sessions") as answer:
            assert answer.status == 204
        assert await _status(served, "GET", "/api/session") == 200
        served.client.cookie_jar.update_cookies(
            {"hindsight_session": cookies[0]}, URL(f"http://{served.host}")
        )
        assert await _status(served, "GET", "/api/session") == 401


@pytest.mark.parametrize("body", [{}, {"key": "a", "code": "b"}])
async def test_a_sign_in_shows_one_thing(tmp_path: Path, body: dict[str, str]) -> None:
    """A program that sends both would not know which one was taken."""
    async with serving(tmp_path) as served, served.client.post("/api/session", json=body) as answer:
        assert answer.status == 422


@pytest.mark.parametrize(
    ("trusted", "forwarded", "logged"),
    [
        ((), "198.51.100.7", "127.0.0.1"),
        (("127.0.0.0/8",), "198.51.100.7", "198.51.100.7"),
        (("127.0.0.1", "10.0.0.0/8"), "1.2.3.4, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
    ],
)
async def test_a_trusted_proxy_says_who_failed_to_sign_in(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    trusted: tuple[str, ...],
    forwarded: str,
    logged: str,
) -> None:
    """fail2ban must not ban the proxy; and nobody may have another one banned by a header of their own."""
    async with serving(tmp_path, rules=AccessRules(proxies=Proxies(trusted))) as served:
        wrong = {"Authorization": "Bearer x", "X-Forwarded-For": forwarded}
        async with served.client.get("/api/session", headers=wrong) as answer:
            assert answer.status == 401
    assert f"sign-in refused from {logged}: wrong access key" in caplog.text
