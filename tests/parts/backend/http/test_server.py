"""What stands in front of every route: hosts, origins, keys, sessions, headers, deadlines."""

import asyncio
import logging
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from backend.access.actions import Action
from backend.http.routes import Route, json_response, path_without_patterns
from backend.http.wire.times import RequestModel, ResponseModel
from backend.playback.file_body import StoppedReading
from tests.support.backend.serving import OWN_ROUTES, Served, serving

CANARY = "canary-77aa"


class Nothing(RequestModel):
    """An empty order."""


class Done(ResponseModel):
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


async def _begins_for_nobody(request: web.Request) -> web.StreamResponse:
    """As every answer that streams, for a client whose reset is here already."""
    assert request.transport is not None
    request.transport.abort()
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"x")
    return answer


async def _gives_up(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"x")
    raise StoppedReading("the client stopped reading")


async def _is_cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"x")
    raise ConnectionResetError("the store broke off")


async def _breaks_its_own_pipe(request: web.Request) -> web.StreamResponse:
    raise BrokenPipeError("a worker is gone")


MORE = (
    Route("GET", "/done", _done, Action.VIEW, "Done"),
    Route(
        "POST", "/done", _done, Action.RECORD, "Done", body=Nothing, body_required=False, body_timeout_s=0.3
    ),
    Route("GET", "/breaks", _breaks, Action.VIEW, "Breaks"),
    Route("GET", "/breaks-half-way", _breaks_half_way, Action.VIEW, "Breaks"),
    Route("GET", "/begins-for-nobody", _begins_for_nobody, Action.VIEW, "Begins"),
    Route("GET", "/is-cut", _is_cut, Action.VIEW, "Is cut"),
    Route("GET", "/gives-up", _gives_up, Action.VIEW, "Gives up"),
    Route("GET", "/breaks-its-own-pipe", _breaks_its_own_pipe, Action.VIEW, "Breaks"),
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


async def test_another_way_of_writing_an_address_leads_to_it(tmp_path: Path) -> None:
    """By a relative address, with the query; whether it exists or not, so a stranger learns nothing."""
    seen = {}
    async with serving(tmp_path) as served:
        for path in ("/livez/?x=1", "//livez", "/index.html", "/nowhere/", "/api/session/", "/nowhere"):
            whole = URL(f"http://{served.host}:{served.port}{path}", encoded=True)
            async with served.client.get(whole, allow_redirects=False) as answer:
                seen[path] = (answer.status, answer.headers.get("Location"))
        async with served.client.get("/livez/?x=1") as followed:
            assert (followed.status, followed.url.path_qs) == (200, "/livez?x=1")
        assert await _status(served, "POST", "/api/session/", **served.bearer) == 404
    assert seen == {
        "/livez/?x=1": (308, "../livez?x=1"),
        "//livez": (308, "../livez"),
        "/index.html": (308, "./"),
        "/nowhere/": (308, "../nowhere"),
        "/api/session/": (308, "../../api/session"),
        "/nowhere": (401, None),
    }


async def test_a_refusal_in_a_browsers_tab_is_a_page(tmp_path: Path) -> None:
    """From the gate, from the router and from a route alike, with the safety headers of every answer."""
    tab = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    async with serving(tmp_path, routes=(*OWN_ROUTES, *MORE)) as served:
        foreign = {"Host": "foreign.example"}
        for path, more, status in (
            ("/nowhere", {}, 401),
            ("/nowhere", served.bearer, 404),
            ("/metrics", {}, 401),
            ("/livez", foreign, 421),
            ("/breaks", served.bearer, 500),
        ):
            async with served.client.get(path, headers=tab | more) as answer:
                assert (answer.status, answer.content_type) == (status, "text/html"), path
                assert "<main>" in await answer.text()
                policy = answer.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'")
                assert policy.endswith("frame-ancestors 'none'")
                assert answer.headers["Cache-Control"] == "no-store"
            async with served.client.get(path, headers={"Accept": "*/*"} | more) as answer:
                assert (answer.status, answer.content_type) == (status, "application/problem+json"), path


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


async def test_what_only_a_secure_context_understands_is_sent_to_no_other(tmp_path: Path) -> None:
    """Browsers complain about an opener policy that came over plain http from another machine."""
    seen = {}
    async with serving(tmp_path, allowed_hosts=("cam.example",)) as served:
        for host, scheme in (("localhost", "http"), ("cam.example", "http"), ("cam.example", "https")):
            headers = {"Host": host, "X-Forwarded-Proto": scheme}
            async with served.client.get("/livez", headers=headers) as answer:
                seen[host, scheme] = answer.headers.get("Cross-Origin-Opener-Policy")
    assert seen == {
        ("localhost", "http"): "same-origin",
        ("cam.example", "http"): None,
        ("cam.example", "https"): "same-origin",
    }


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


@pytest.mark.parametrize("path", ["/begins-for-nobody", "/gives-up"])
async def test_a_client_that_leaves_is_no_error(
    path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the first byte, or given up after it: no traceback, and no failure counted."""
    async with serving(tmp_path, routes=(*OWN_ROUTES, *MORE)) as served:
        with pytest.raises(aiohttp.ClientError):
            async with served.client.get(path, headers=served.bearer) as answer:
                await answer.read()
        async with served.client.get("/metrics", headers=served.bearer) as answer:
            assert 'hindsight_unforeseen_errors_total{where="http"}' not in await answer.text()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_an_answer_that_cannot_go_on_is_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The client sees the connection close; a store that breaks off is foreseen, and no bug to report."""
    async with serving(tmp_path, routes=(*OWN_ROUTES, *MORE)) as served:
        with pytest.raises(aiohttp.ClientError):
            async with served.client.get("/is-cut", headers=served.bearer) as answer:
                await answer.read()
        async with served.client.get("/metrics", headers=served.bearer) as answer:
            assert 'hindsight_unforeseen_errors_total{where="http"}' not in await answer.text()
    told = [(r.getMessage(), r.exc_info) for r in caplog.records if r.levelno >= logging.WARNING]
    assert told == [("GET /is-cut was cut off: the store broke off", None)]


async def test_a_broken_pipe_of_our_own_is_not_taken_for_a_client_that_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker process or a socket of ours raises the same kind of error: who asked gets an answer."""
    async with (
        serving(tmp_path, routes=MORE) as served,
        served.client.get("/breaks-its-own-pipe", headers=served.bearer) as answer,
    ):
        assert (answer.status, (await answer.json())["code"]) == (500, "internal")
    assert "GET /breaks-its-own-pipe failed" in caplog.text


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
