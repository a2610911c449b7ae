"""The HTTP server around the routes: the gate, errors, headers, counting, deadlines on connections.

Not here: what the routes do, and which concrete parts there are (`app`).
"""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from aiohttp import web

from backend.access.principals import ANONYMOUS
from backend.access.proxies import PREFIX_HEADERS
from backend.base.base_path import without
from backend.base.machine import local_socket
from backend.base.machine.daemon_proof import SERVER_NAME
from backend.base.rarely import and_more
from backend.config.server import ServerConfig
from backend.http.addresses import routes_below, show_below
from backend.http.canonical import OWN_PATH, canonical, relative
from backend.http.handles import BASE, HOUSE, PRINCIPAL, House, house
from backend.http.listener import UNREAD_TIMEOUT_S, Listener
from backend.http.problems import as_problem, internal_problem
from backend.http.refusals import refusal
from backend.http.routes import BODY_LIMIT_BYTES, Route, install, path_without_patterns
from backend.http.server_log import ServerLog
from backend.http.static import STRICT, PagePolicy
from backend.http.tls import ServerTls
from backend.playback.file_body import StoppedReading
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

_log = logging.getLogger(__name__)

KEEPALIVE_TIMEOUT_S = 30.0
"""An idle connection, and one that has not finished sending its headers, is closed after this."""
LINGER_S = 5.0
"""How long what is left of a refused body is read and thrown away, so that the answer arrives."""
SHUTDOWN_TIMEOUT_S = 3.0
_POLICY = "Content-Security-Policy"
_STREAMED = ("text/event-stream", "video/", "multipart/", "application/zip")

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_application(routes: tuple[Route, ...], rooms: House, policy: PagePolicy = STRICT) -> web.Application:
    """An application that serves `routes` behind the gate, below the configured path too."""
    app = web.Application(
        middlewares=[_show_below, _answer_errors, _follow_connection, _gate], client_max_size=BODY_LIMIT_BYTES
    )
    app[HOUSE] = rooms
    install(app, routes, routes_below(rooms.access.rules.base_path, routes))
    app.on_response_prepare.append(partial(_set_headers, _HEADERS | policy.headers(), policy.framing))
    return app


def make_runner(app: web.Application, *, keepalive_timeout_s: float = KEEPALIVE_TIMEOUT_S) -> web.AppRunner:
    """The runner with the deadlines aiohttp leaves open by default; it logs no requests."""
    return web.AppRunner(
        app,
        access_log=None,
        logger=ServerLog(app[HOUSE].connections),
        keepalive_timeout=keepalive_timeout_s,
        lingering_time=LINGER_S,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        handler_cancellation=True,
    )


def make_listener(runner: web.AppRunner, *, unread_timeout_s: float = UNREAD_TIMEOUT_S) -> Listener:
    """What accepts connections for `runner`, which has been set up."""
    if runner.server is None:
        raise RuntimeError("the runner has not been set up")
    return Listener(runner.app[HOUSE].connections, runner.server, unread_timeout_s=unread_timeout_s)


async def open_local_socket(
    stack: AsyncExitStack, runtime_dir: Path, gid: int | None
) -> socket.socket | None:
    """The Unix socket of the owner's programs, until `stack` closes; None where none can be made."""
    try:
        opened = await asyncio.to_thread(local_socket.listen_on, runtime_dir, gid)
    except OSError as error:  # a disk shared from another system may know no sockets
        _log.warning(
            "%s: no Unix socket can be made here (%s). `hindsight open` will not reach this daemon: sign in "
            "with the key of `hindsight key show`.",
            runtime_dir,
            error.strerror or error,
        )
        return None
    stack.push_async_callback(asyncio.to_thread, local_socket.remove, runtime_dir)
    return opened


async def listen(
    stack: AsyncExitStack,
    app: web.Application,
    config: ServerConfig,
    tls: ServerTls | None,
    local: socket.socket | None,
) -> str:
    """Serve `app` until `stack` closes, on the Unix socket `local` too; returns SCHEME://HOST:PORT.

    Raises OSError.
    """
    runner = make_runner(app)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    if local is not None:
        await web.SockSite(runner, local).start()
    host = config.host
    # "::" alone is IPv6 only; no host at all means every address of both.
    every = None if host == "::" else host
    listener = make_listener(runner)
    stack.push_async_callback(listener.close)
    port = await listener.open(every, config.port, None if tls is None else tls.context)
    return f"{config.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


@web.middleware
async def _show_below(request: web.Request, handler: _Handler) -> web.StreamResponse:
    access = house(request).access
    request[OWN_PATH] = without(access.rules.base_path, request.rel_url.raw_path)
    try:
        request[BASE] = access.base_path_of(request)
    except ValueError as error:
        request[BASE] = access.rules.base_path
        held_back = house(request).connections.rarely.due("prefix")
        if held_back is not None:
            _log.warning(
                "a trusted proxy sends an %s that is ignored: it %s%s",
                " or ".join(PREFIX_HEADERS),
                error,
                and_more(held_back),
            )
    answer = await handler(request)
    show_below(request[BASE], answer)
    return answer


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    started = time.monotonic()
    metrics = house(request).metrics
    try:
        answer = await handler(request)
    except Exception as error:
        if _has_left(request, error):
            raise
        problem, is_begun = as_problem(error), request.writer.output_size > 0
        if is_begun and isinstance(error, ConnectionError):
            _log_cut(request, error)
        elif is_begun or problem is None:
            metrics.failed("http")
            _log_failure(request, error)
        if is_begun:
            raise  # part of an answer is out: only closing the connection tells that it is not whole
        answer = refusal(request, problem or internal_problem())
    streamed = request.method == "GET" and answer.content_type.startswith(_STREAMED)
    elapsed_s = None if streamed or answer.status == 101 else time.monotonic() - started
    metrics.answered(request.method, _route_of(request), answer.status, elapsed_s)
    return answer


def _has_left(request: web.Request, error: Exception) -> bool:
    """Whether `error` only says that the client went away, or was given up because it took nothing."""
    is_closed = request.transport is None or request.transport.is_closing()
    return isinstance(error, StoppedReading) or (is_closed and isinstance(error, ConnectionError))


@web.middleware
async def _follow_connection(request: web.Request, handler: _Handler) -> web.StreamResponse:
    connections, transport = house(request).connections, request.transport
    connections.began(transport)
    try:
        return await handler(request)
    finally:
        connections.ended(transport)


@web.middleware
async def _gate(request: web.Request, handler: _Handler) -> web.StreamResponse:
    access = house(request).access
    request[PRINCIPAL] = ANONYMOUS
    host = access.check_host(request)
    access.check_origin(request)
    request[PRINCIPAL] = principal = await access.identify(request, host)
    if not principal.is_anonymous:
        house(request).connections.admit(request.transport)
    if (better := _better_address(request)) is not None:
        return web.Response(status=308, headers={"Location": better})
    if request.match_info.http_exception is not None and principal.is_anonymous:
        raise Refused(Kind.ACCESS_KEY_NEEDED_HERE)  # a stranger does not learn which addresses exist
    return await handler(request)


def _better_address(request: web.Request) -> str | None:
    """Where the same is, if this address only has slashes too many or names the index; existing or not."""
    is_unknown = isinstance(request.match_info.http_exception, web.HTTPNotFound)
    if not is_unknown or request.method not in {"GET", "HEAD"}:
        return None
    path, query = request[OWN_PATH], request.rel_url.raw_query_string
    better = canonical(path)
    return None if better is None else relative(path, better) + (f"?{query}" if query else "")


async def _set_headers(
    headers: Mapping[str, str], framing: str, request: web.Request, answer: web.StreamResponse
) -> None:
    for name, value in headers.items():
        answer.headers.setdefault(name, value)
    policy = answer.headers[_POLICY]
    if framing not in policy:
        answer.headers[_POLICY] = f"{policy}; {framing}"
    if house(request).access.is_trustworthy(request):
        # Elsewhere browsers ignore it, with an error on the console.
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Server"] = SERVER_NAME
    if answer.headers.get("Connection", "").lower() == "close":
        answer.force_close()


def _log_failure(request: web.Request, error: Exception) -> None:
    """A traceback a minute for each route and error: a request that fails may come a thousand times."""
    what = f"{request.method} {_route_of(request)}"
    held_back = house(request).connections.rarely.due(f"{what} {type(error).__name__}")
    if held_back is not None:
        _log.error("%s failed%s", what, and_more(held_back), exc_info=error)


def _log_cut(request: web.Request, error: ConnectionError) -> None:
    """A line a minute for each route: a sender says so where it cannot go on, as a store that breaks off."""
    what = f"{request.method} {_route_of(request)}"
    held_back = house(request).connections.rarely.due(f"{what} cut")
    if held_back is not None:
        _log.warning("%s was cut off: %s%s", what, error, and_more(held_back))


def _route_of(request: web.Request) -> str:
    """The declared path, never the requested one, which would make a metric per guess."""
    resource = request.match_info.route.resource
    if resource is None:
        return "none"
    return without(house(request).access.rules.base_path, path_without_patterns(resource.canonical))
