"""The gate on a served application: hosts, origins, keys, loopback."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from backend.access.actions import Action
from backend.http.routes import Route, json_response
from backend.http.wire.times import RequestModel, ResponseModel
from tests.support.backend.serving import Served, serving


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


async def test_a_foreign_page_cannot_open_a_websocket(tmp_path: Path) -> None:
    """Browsers do not ask before they open one; we do."""
    async with serving(tmp_path, routes=MORE, loopback_without_key=True) as served:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert await _status(served, "GET", "/done", Origin="https://evil.example", **upgrade) == 403
