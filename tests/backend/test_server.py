"""What stands in front of every route: hosts, origins, keys, sessions, headers, deadlines."""

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from backend.access.actions import Action
from backend.access.peers import is_loopback
from backend.api.session import KeyExchange
from backend.keys import EVENTS, HEALTH
from backend.routes import Route, json_response, path_without_patterns
from backend.wire.times import Answer, Asked
from tests.backend.serving import OWN_ROUTES, Served, serving

CANARY = "canary-77aa"


class Nothing(Asked):
    """An empty order."""


class Done(Answer):
    """An answer."""

    done: bool = True


async def _done(request: web.Request) -> web.StreamResponse:
    return json_response(Done())


async def _breaks(request: web.Request) -> web.StreamResponse:
    raise RuntimeError(f"rtsp://user:{CANARY}@camera/ broke")


async def _breaks_half_way(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.content_length = 1000
    await answer.prepare(request)
    await answer.write(b"x" * 10)
    raise RuntimeError("half way")


MORE = (
    Route("GET", "/done", _done, Action.VIEW, "Done"),
    Route(
        "POST", "/done", _done, Action.RECORD, "Done", body=Nothing, body_required=False, body_timeout_s=0.3
    ),
    Route("GET", "/breaks", _breaks, Action.VIEW, "Breaks"),
    Route("GET", "/breaks-half-way", _breaks_half_way, Action.VIEW, "Breaks"),
)


async def _status(served: Served, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with served.client.request(method, path, headers=named) as answer:
        return answer.status


async def test_without_a_key_everything_but_livez_is_401(tmp_path: Path) -> None:
    """Also for addresses that do not exist: a stranger learns nothing."""
    async with serving(tmp_path) as served:
        for route in OWN_ROUTES:
            if route.action is None:
                continue
            status = await _status(served, route.method, path_without_patterns(route.path))
            assert status == 401, route.path
        assert await _status(served, "GET", "/nowhere") == 401
        assert await _status(served, "PUT", "/api/session") == 401
        assert await _status(served, "GET", "/livez") == 200


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


async def test_the_page_swaps_the_key_for_a_cookie_that_scripts_cannot_read(tmp_path: Path) -> None:
    """Sign in, be somebody, sign out, be nobody."""
    async with serving(tmp_path) as served:
        async with served.client.post("/api/session", json={"key": "wrong-key-wrong-key"}) as answer:
            assert answer.status == 401
        async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "Secure" not in cookie
            token = answer.cookies["hindsight_session"].value
            assert served.key.value not in cookie
        async with served.client.get("/api/session") as answer:
            assert (await answer.json())["principal"] == "session"
        assert token.encode() not in (tmp_path / "catalogue.sqlite").read_bytes()
        async with served.client.delete("/api/session") as answer:
            assert answer.status == 204
        assert await _status(served, "GET", "/api/session", Cookie=f"hindsight_session={token}") == 401


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


async def test_every_answer_carries_the_safety_headers(tmp_path: Path) -> None:
    """Errors too."""
    async with serving(tmp_path) as served:
        for path in ("/livez", "/api/session", "/nowhere"):
            async with served.client.get(path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'self'" in policy
                assert "unsafe" not in policy
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "aiohttp" not in answer.headers["Server"]


async def test_an_unforeseen_error_is_a_500_that_tells_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer says that it is counted; it is."""
    async with serving(tmp_path, routes=(*OWN_ROUTES, *MORE)) as served:
        async with served.client.get("/breaks", headers=served.bearer) as answer:
            assert answer.status == 500
            assert CANARY not in await answer.text()
        async with served.client.get("/metrics", headers=served.bearer) as answer:
            assert 'hindsight_unforeseen_errors_total{where="http"} 1.0' in await answer.text()


async def test_an_error_after_the_first_byte_closes_the_connection(tmp_path: Path) -> None:
    """A second answer in the middle of the first would be read as content."""
    async with serving(tmp_path, routes=MORE) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(
            f"GET /breaks-half-way HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {served.bearer['Authorization']}\r\n\r\n".encode()
        )
        whole = await asyncio.wait_for(reader.read(), 5)
        assert whole.endswith(b"x" * 10)
        assert b"500" not in whole
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /livez HT",
        b"GET /livez HTTP/1.1\r\nHost: local",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /li",
    ],
)
async def test_idle_connections_and_half_sent_requests_are_closed(tmp_path: Path, sent: bytes) -> None:
    """aiohttp would keep them for an hour; a few hundred of them are all it takes."""
    async with serving(tmp_path, keepalive_timeout_s=0.3) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(sent)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_a_request_that_drips_is_closed_by_its_deadline(tmp_path: Path) -> None:
    """Every byte that arrives would postpone a mere idle timer."""
    async with serving(tmp_path, keepalive_timeout_s=0.4) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        closed = asyncio.ensure_future(reader.read())  # noqa: TID251  the test itself waits for it
        deadline = time.monotonic() + 5
        while not closed.done() and time.monotonic() < deadline:
            writer.write(b"x")
            await asyncio.wait([closed], timeout=0.05)
        assert closed.done()
        writer.close()


async def test_a_half_sent_body_is_408_and_closed(tmp_path: Path) -> None:
    """The headers promised more than came."""
    async with serving(tmp_path, routes=MORE) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(
            f"POST /done HTTP/1.1\r\nHost: localhost\r\nAuthorization: {served.bearer['Authorization']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        answer = await asyncio.wait_for(reader.read(), 8)
        assert answer.startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_readyz_says_what_it_waits_for(tmp_path: Path) -> None:
    """503 until the composition root says otherwise."""
    async with serving(tmp_path) as served:
        async with served.client.get("/readyz", headers=served.bearer) as answer:
            assert answer.status == 503
        served.app[HEALTH].waiting_for = None
        assert await _status(served, "GET", "/readyz", **served.bearer) == 200


async def test_events_stream_catches_up_by_last_event_id(tmp_path: Path) -> None:
    """A page that comes back names the last id it saw."""
    async with serving(tmp_path) as served:
        first = served.app[EVENTS].publish("clip", {"n": 1})
        served.app[EVENTS].publish("clip", {"n": 2})
        headers = served.bearer | {"Last-Event-ID": first.id}
        async with served.client.get("/api/events", headers=headers) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            lines = [(await answer.content.readline()).decode().strip() for _ in range(5)]
        assert [line for line in lines if line.startswith("data")] == ['data: {"n":2}']


async def test_openapi_describes_every_documented_route(tmp_path: Path) -> None:
    """The description and the server are made from the same declarations."""
    async with (
        serving(tmp_path) as served,
        served.client.get("/api/openapi.json", headers=served.bearer) as answer,
    ):
        described = await answer.json()
    for route in OWN_ROUTES:
        assert route.method.lower() in described["paths"][path_without_patterns(route.path)]
    references = [part.split('"')[0] for part in json.dumps(described).split("#/components/schemas/")[1:]]
    assert KeyExchange.__name__ in references
    assert set(references) <= set(described["components"]["schemas"])


async def test_a_declared_route_without_action_is_one_we_know(tmp_path: Path) -> None:
    """Open routes are a list to be read by people: nothing gets onto it by accident."""
    open_routes = {(r.method, r.path) for r in OWN_ROUTES if r.action is None}
    assert open_routes == {("GET", "/livez"), ("POST", "/api/session")}


def test_the_peer_address_of_a_real_connection_is_what_counts() -> None:
    """Loopback in all its spellings, and nothing that merely looks like it."""
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"]))
    assert not any(map(is_loopback, ["", "192.0.2.2", "::", "0.0.0.0", "127.0.0.1.com", "localhost.com"]))
