"""The wrapper around every route: who may, what is parsed, what is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import Field

from backend.access.actions import Action
from backend.access.principals import ANONYMOUS, Principal, PrincipalKind
from backend.base.times import rfc3339
from backend.http.handles import PRINCIPAL
from backend.http.routes import Route, body_of, camera_in_path, install, json_response, query_of
from backend.http.wire.times import JsonSeconds, RequestModel, RequestTime, ResponseModel
from backend.problems.kinds import Kind

JSON = {"Content-Type": "application/json"}
KEY = Principal(PrincipalKind.KEY)


class Order(RequestModel):
    """What the test route takes."""

    seconds: JsonSeconds = Field(default=15.0, ge=0, le=3600)
    at: RequestTime | None = None
    title: str = ""


class Filter(RequestModel):
    """What the test route takes in its query."""

    limit: int = Field(default=10, ge=1, le=100)


class Said(ResponseModel):
    """What the test route says."""

    text: str


async def _echo(request: web.Request) -> web.StreamResponse:
    body = body_of(request, Order)
    at = rfc3339(body.at) if body.at else "now"
    return json_response(Said(text=f"{body.seconds} {at} {body.title}"), status=201)


async def _limit(request: web.Request) -> web.StreamResponse:
    return json_response(Said(text=str(query_of(request, Filter).limit)))


ROUTES = (
    Route("POST", "/echo", _echo, Action.RECORD, "Echo", body=Order, body_required=False),
    Route("GET", "/limit", _limit, Action.VIEW, "Limit", query=Filter, response=Said),
    Route("GET", "/c/{camera:[a-z0-9-]+}", _limit, Action.VIEW, "C", camera=camera_in_path, query=Filter),
    Route("GET", "/shared", _limit, Action.VIEW, "S", query=Filter, ignores_unknown_query=True),
)

Start = Callable[[Principal], Awaitable[TestClient[Any, Any]]]


@pytest.fixture
async def start() -> Any:
    """Starts a server on which everybody is the given principal."""
    clients: list[TestClient[Any, Any]] = []

    async def _start(principal: Principal) -> TestClient[Any, Any]:
        @web.middleware
        async def as_principal(request: web.Request, handler: Any) -> Any:
            request[PRINCIPAL] = principal
            return await handler(request)

        app = web.Application(middlewares=[as_principal])
        install(app, ROUTES)
        clients.append(TestClient(TestServer(app)))
        await clients[-1].start_server()
        return clients[-1]

    yield _start
    for client in clients:
        await client.close()


async def test_a_good_body_arrives_parsed(start: Start) -> None:
    """Aware times are converted to UTC, defaults are filled in."""
    client = await start(KEY)
    body = {"seconds": 3, "at": "2025-10-26T10:00:00+02:00", "title": "x"}
    answer = await client.post("/echo", json=body)
    assert answer.status == 201
    assert (await answer.json())["text"] == "3.0 2025-10-26T08:00:00.000000Z x"
    assert (await (await client.post("/echo")).json())["text"] == "15.0 now "


async def test_head_is_answered_where_get_answers_json(start: Start) -> None:
    """What a monitor asks: the same status, type and length without a body; elsewhere a 405."""
    client = await start(KEY)
    got, head = await client.get("/limit"), await client.head("/limit")
    assert (head.status, await head.read()) == (200, b"")
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name]
    assert (await client.head("/limit?limit=0")).status == 422
    assert (await client.head("/echo")).status == 405


@pytest.mark.parametrize(
    ("raw", "status", "field"),
    [
        ('{"seconds": NaN}', 422, "seconds"),
        ('{"seconds": Infinity}', 422, "seconds"),
        ('{"seconds": -1}', 422, "seconds"),
        ('{"seconds": 1e400}', 422, "seconds"),
        ('{"seconds": "3"}', 422, "seconds"),
        ('{"seconds": true}', 422, "seconds"),
        ('{"secondz": 3}', 422, "secondz"),
        ('{"at": 1761465600}', 422, "at"),
        ('{"at": "yesterday"}', 422, "at"),
        ('{"at": "0001-01-01T00:00:00+10:00"}', 422, "at"),
        ('{"title": ["x"]}', 422, "title"),
        ("[]", 422, None),
        ("{", 400, None),
        ("\xff", 400, None),
        ("[" * 20000, 400, None),
        ('{"title": "' + "x" * 70000 + '"}', 413, None),
    ],
)
async def test_a_bad_body_is_refused_by_field_and_cure(
    start: Start, raw: str, status: int, field: str | None
) -> None:
    """Every refusal is a problem document that names the culprit."""
    client = await start(KEY)
    answer = await client.post("/echo", data=raw.encode("latin-1"), headers=JSON)
    problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["status"], problem.get("field")) == (status, status, field)
    assert problem["title"]
    assert problem["detail"]
    assert problem["code"] in {kind.code for kind in Kind}
    assert isinstance(problem["params"], dict)


async def test_an_unknown_field_is_answered_with_the_likely_one(start: Start) -> None:
    """A misspelling is cured by the answer itself."""
    answer = await (await start(KEY)).post("/echo", json={"titl": ""})
    assert "Did you mean 'title'?" in (await answer.json(content_type=None))["detail"]


async def test_a_body_of_another_type_is_415(start: Start) -> None:
    """A form, which any foreign page can send without asking, never counts as JSON."""
    client = await start(KEY)
    answer = await client.post("/echo", data="{}", headers={"Content-Type": "text/plain"})
    assert answer.status == 415


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limi=3", "limit=1&limit=2", "limit=1e400"])
async def test_a_bad_query_is_refused(start: Start, query: str) -> None:
    """Queries are parsed as strictly as bodies."""
    answer = await (await start(KEY)).get(f"/limit?{query}")
    assert answer.status == 422
    assert (await answer.json(content_type=None))["field"] in {"limit", "limi"}


@pytest.mark.parametrize(
    ("query", "status", "limit"),
    [
        ("fbclid=1&limit=3", 200, "3"),
        ("_=1&_=2&limi=3", 200, "10"),
        ("%ff=1&&=&limit=3", 200, "3"),
        ("limit=0&t=1", 422, None),
        ("limit=3&limit=3&t=1", 422, None),
    ],
)
async def test_a_route_that_is_shared_ignores_what_others_add_and_judges_its_own_parameters(
    start: Start, query: str, status: int, limit: str | None
) -> None:
    """A wrong value and a repeated name are refused as everywhere."""
    answer = await (await start(KEY)).get(f"/shared?{query}")
    assert (answer.status, (await answer.json(content_type=None)).get("text")) == (status, limit)


async def test_a_chunked_body_beyond_the_limit_is_413(start: Start) -> None:
    """The bound does not rely on Content-Length."""
    client = await start(KEY)

    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 16384

    answer = await client.post("/echo", data=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status == 413


async def test_nobody_is_401_and_somebody_without_the_right_is_403(start: Start) -> None:
    """The wrapper asks before it parses: a stranger learns nothing about the body."""
    assert (await (await start(ANONYMOUS)).post("/echo", data="{")).status == 401
    viewer = Principal(PrincipalKind.KEY, frozenset({Action.VIEW}), frozenset({"front"}))
    client = await start(viewer)
    assert (await client.post("/echo", json={})).status == 403
    assert (await client.get("/c/front")).status == 200
    assert (await client.get("/c/back")).status == 403
