"""Server-sent events: every change a page shows, with ids for catch-up.

A page that names an id we no longer know gets `reset` and reads everything again. Between events a
comment every 15 s keeps proxies from closing the stream.
"""

import asyncio

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.errors import Problem
from backend.events import EventLog, TooManySubscribers, as_server_sent
from backend.keys import EVENTS, PRINCIPAL
from backend.routes import Route, query_of
from backend.wire.times import Asked

HEARTBEAT_S = 15.0
_WRITE_TIMEOUT_S = 30.0


class EventsQuery(Asked):
    """`last_event_id` serves programs that cannot send the Last-Event-ID header."""

    last_event_id: str | None = Field(default=None, max_length=100)


async def stream(request: web.Request) -> web.StreamResponse:
    log = request.app[EVENTS]
    last_id = request.headers.get("Last-Event-ID") or query_of(request, EventsQuery).last_event_id
    try:
        return await _stream(request, log, last_id)
    except TooManySubscribers as error:
        raise Problem(
            503, "Too many open pages", "Close a page or wait a moment.", headers={"Retry-After": "5"}
        ) from error


async def _stream(request: web.Request, log: EventLog, last_id: str | None) -> web.StreamResponse:
    principal = request[PRINCIPAL]
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    with log.subscription(last_id) as subscription:
        # The id comes first, so that a page that hears nothing for an hour can still catch up.
        hello = f"id: {log.last_id}\nevent: hello\ndata: {{}}\n\n" if last_id is None else ""
        await answer.prepare(request)
        await answer.write(f"retry: 1000\n{hello or chr(10)}".encode())
        while (events := await subscription.next(HEARTBEAT_S)) is not None:
            seen = [e for e in events if principal.may(Action.VIEW, e.camera)]
            piece = b"".join(map(as_server_sent, seen)) or b": still here\n\n"
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                await answer.write(piece)
    return answer


ROUTES = (
    Route(
        "GET",
        "/api/events",
        stream,
        Action.VIEW,
        "Every change, as server-sent events",
        query=EventsQuery,
        media_type="text/event-stream",
    ),
)
