"""Server-sent events: every change a page shows, with ids for catch-up.

Every stream begins with `hello`: what needs attention now (`concerns`, a sentence by subject), which changes
by `concern` events. A page that names an id we no longer know gets `reset` and reads everything again.
Between events a comment every 15 s keeps proxies from closing the stream.
"""

import asyncio
import json

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.streams import StreamKind
from backend.events.log import as_server_sent
from backend.http.addresses import json_below
from backend.http.handles import BASE, PRINCIPAL, house
from backend.http.routes import Route, query_of
from backend.http.wire.times import RequestModel

HEARTBEAT_S = 15.0
_WRITE_TIMEOUT_S = 30.0


class EventsQuery(RequestModel):
    """`last_event_id` serves programs that cannot send the Last-Event-ID header."""

    last_event_id: str | None = Field(default=None, max_length=100)


async def stream(request: web.Request) -> web.StreamResponse:
    log, principal = house(request).events, request[PRINCIPAL]
    last_id = request.headers.get("Last-Event-ID") or query_of(request, EventsQuery).last_event_id
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    with log.subscription(last_id) as subscription:
        # With an id, so that a page that hears nothing for an hour can still catch up.
        id_line = f"id: {log.last_id}\n" if last_id is None else ""
        hello = json.dumps({"concerns": house(request).health.concerns})
        await answer.prepare(request)
        await answer.write(f"retry: 1000\n{id_line}event: hello\ndata: {hello}\n\n".encode())
        while (events := await subscription.next(HEARTBEAT_S)) is not None:
            seen = [e for e in events if principal.may(Action.VIEW, e.camera)]
            piece = json_below(request[BASE], b"".join(map(as_server_sent, seen))) or b": still here\n\n"
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
        stream=StreamKind.EVENTS,
        media_type="text/event-stream",
    ),
)
