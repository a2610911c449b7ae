"""A route as a declaration, and the one wrapper that turns declarations into handlers.

A declaration names the action it needs, how to find the camera it concerns and the models of what
goes in and out. The wrapper authorises, parses and refuses; the OpenAPI page is made from the same
declarations. Not here: who sends the request (the gate has put PRINCIPAL on it).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.gate import refuse_foreign_reads
from backend.access.streams import Stream, StreamKind
from backend.http.handles import PRINCIPAL, house
from backend.http.problems import Problem, as_problem, refused_by_validation
from backend.http.refusals import refusal
from backend.http.wire.times import RequestModel
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CameraLocator = Callable[[web.Request], Awaitable[str | None]]

BODY_LIMIT_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10.0

M = TypeVar("M", bound=RequestModel)

_QUERY: web.RequestKey[RequestModel | None] = web.RequestKey("query")
_BODY: web.RequestKey[RequestModel | None] = web.RequestKey("body")
STREAM: web.RequestKey[Stream] = web.RequestKey("stream")
"""Of a request whose route declares a `stream`."""


async def no_camera(request: web.Request) -> str | None:
    """Locator of a route that concerns no single camera."""
    return None


async def camera_in_path(request: web.Request) -> str | None:
    """Locator of a route with `{camera}` in its path."""
    return request.match_info["camera"]


async def camera_in_query(request: web.Request) -> str | None:
    """Locator of a route with an optional `?camera=`."""
    return request.query.get("camera")


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `action` None is open to everybody: the page itself, the key exchange, /livez."""

    method: str
    path: str
    handler: Handler
    action: Action | None
    summary: str
    camera: CameraLocator = no_camera
    query: type[RequestModel] | None = None
    ignores_unknown_query: bool = False
    """True for what people share, pages embed and monitors poll: others add parameters of their own to it."""
    body: type[RequestModel] | None = None
    body_required: bool = True
    """False: an empty body stands for the model's defaults."""
    body_limit_bytes: int = BODY_LIMIT_BYTES
    body_timeout_s: float = BODY_TIMEOUT_S
    stream: StreamKind | None = None
    """Of an answer that lasts or is expensive: it counts in its session's share and ends with the session."""
    response: type[BaseModel] | None = None
    media_type: str = "application/json"
    """Content type of the success answer, for the OpenAPI page."""
    status: int = 200
    also_head: bool = False
    """Whether HEAD is answered, too. A GET whose answer is one of our models always does."""
    documented: bool = True
    open_handler: Handler | None = None
    """What programs on this machine get without authority (`server.open_status`), and without a choice."""
    errors: Callable[[web.Request, Problem], web.Response] = refusal
    """How problems of this route are written, where a fixed name asks for another form."""
    error_response: type[BaseModel] | None = None
    """That other form, for the OpenAPI page."""


ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes")
"""Every route of an application."""


def query_of(request: web.Request, model: type[M]) -> M:
    """The parsed query; `model` is the one the route declares."""
    return _parsed(request[_QUERY], model)


def body_of(request: web.Request, model: type[M]) -> M:
    """The parsed body; `model` is the one the route declares."""
    return _parsed(request[_BODY], model)


@contextmanager
def streaming(request: web.Request, kind: StreamKind) -> Iterator[Stream]:
    """Count the answer to `request` as a stream of its session. Refused if that has too many."""

    def abort() -> None:
        if request.transport is not None:
            request.transport.abort()

    with house(request).streams.open(request[PRINCIPAL], kind, abort) as stream:
        yield stream


def json_response(model: BaseModel, *, status: int = 200) -> web.Response:
    """`model` as the JSON answer."""
    return web.Response(body=model.model_dump_json().encode(), status=status, content_type="application/json")


def install(app: web.Application, routes: tuple[Route, ...], twins: tuple[Route, ...] = ()) -> None:
    """Add every route to `app`, wrapped. `twins`: the same below a path; they are no routes of their own."""
    app[ROUTES] = routes
    for route in (*routes, *twins):
        wrapped = _wrap(route)
        app.router.add_route(route.method, route.path, wrapped)
        if route.also_head or (route.method == "GET" and route.response is not None):
            app.router.add_route("HEAD", route.path, wrapped)


def path_without_patterns(path: str) -> str:
    """`/api/clips/{id:[0-9a-f-]+}` as people and OpenAPI write it: `/api/clips/{id}`."""
    return re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", path)


def _parsed(value: RequestModel | None, model: type[M]) -> M:
    if not isinstance(value, model):
        raise TypeError(f"this route does not declare {model.__name__}")
    return value


def _wrap(route: Route) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        if route.action is not None:
            principal = request[PRINCIPAL]
            if route.open_handler is not None and _is_open_status(request, route):
                return await route.open_handler(request)
            refuse_foreign_reads(request, principal)
            authorise(principal, route.action, await route.camera(request))
        request[_QUERY] = _parse_query(request, route)
        request[_BODY] = await _parse_body(request, route)
        if route.stream is None:
            return await route.handler(request)
        with streaming(request, route.stream) as stream:
            request[STREAM] = stream
            return await route.handler(request)

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await guarded(request)
        except Exception as error:
            # Once bytes have left, a second answer would land in the middle of the first.
            if request.writer.output_size > 0 or (problem := as_problem(error)) is None:
                raise
            return route.errors(request, problem)

    return answer


def _is_open_status(request: web.Request, route: Route) -> bool:
    """Whether a caller without authority may have what `open_handler` shows."""
    is_plain = request[PRINCIPAL].is_anonymous and not _names_that_count(request, route)
    return is_plain and house(request).access.may_read_status(request)


def _names_that_count(request: web.Request, route: Route) -> list[str]:
    """The names in the query that `route` reads or refuses."""
    if not route.ignores_unknown_query:
        return list(dict.fromkeys(request.query))
    return [] if route.query is None else [name for name in fields_of(route.query) if name in request.query]


def _parse_query(request: web.Request, route: Route) -> RequestModel | None:
    given, names = request.query, _names_that_count(request, route)
    known = [] if route.query is None else fields_of(route.query)
    for name in names:
        if len(given.getall(name)) > 1:
            raise Refused(Kind.QUERY_NAME_TWICE, field=name)
    try:
        return (route.query or _NoQuery).model_validate_strings({name: given[name] for name in names})
    except ValidationError as error:
        raise refused_by_validation(error, Kind.QUERY_NOT_VALID, source="query", known=known) from None


class _NoQuery(RequestModel):
    """A route that takes no query refuses one: a misspelt filter must not pass silently."""


async def _parse_body(request: web.Request, route: Route) -> RequestModel | None:
    if route.body is None:
        return None
    raw = await _read_body(request, route.body_limit_bytes, route.body_timeout_s)
    if not raw.strip():
        if route.body_required:
            raise Refused(Kind.BODY_MISSING)
        raw = b"{}"
    elif request.content_type != "application/json":
        raise Refused(Kind.BODY_OF_OTHER_TYPE)
    try:
        return route.body.model_validate_json(raw)
    except ValidationError as error:
        if any(e["type"] == "json_invalid" for e in error.errors(include_url=False, include_input=False)):
            raise Refused(Kind.BODY_NO_JSON) from None
        known = fields_of(route.body)
        raise refused_by_validation(error, Kind.BODY_NOT_VALID, source="body", known=known) from None


async def _read_body(request: web.Request, limit_bytes: int, timeout_s: float) -> bytes:
    too_large = Refused(Kind.BODY_TOO_LARGE, limit_bytes=limit_bytes)
    if (request.content_length or 0) > limit_bytes:
        raise too_large
    raw = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in request.content.iter_chunked(16 * 1024):
                raw += piece
                if len(raw) > limit_bytes:
                    raise too_large
    except TimeoutError:
        raise Refused(Kind.BODY_TOO_SLOW, limit_s=timeout_s) from None
    except web.RequestPayloadError:
        raise Refused(Kind.BODY_BROKEN) from None
    return bytes(raw)


def fields_of(model: type[BaseModel]) -> list[str]:
    """The names under which the fields of `model` travel."""
    return [field.alias or name for name, field in model.model_fields.items()]
