"""Server-sent events: every change a page shows, with ids for catch-up.

Every stream begins with `hello`: what needs attention now (`concerns`, a sentence by subject), which changes
by `concern` events. A page that names an id we no longer know gets `reset` and reads everything again.
Every BEAT_S, however much else is sent, comes `beat`: the server's time and when the next one is due. A
comment would keep proxies from closing the stream as well, but a page cannot see it, and a page that hears
nothing must not go on saying "Live" (docs/adr/0103-silence-is-not-news.md).
"""

import asyncio
import json

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.streams import StreamKind
from backend.base.times import rfc3339, utc_now
from backend.events.log import as_server_sent
from backend.http.addresses import json_below
from backend.http.handles import BASE, PRINCIPAL, house
from backend.http.routes import Route, query_of
from backend.http.wire.times import RequestModel
from backend.playback.file_body import write_piece

BEAT_S = 5.0
"""How often a page hears that we are here. A page that misses two beats says that the connection is lost."""
WRITE_TIMEOUT_S = 30.0
"""A page that takes nothing for so long is asleep or gone, and catches up by the last id when it is back."""


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
        hello = json.dumps({"concerns": house(request).health.concerns, "beat_seconds": BEAT_S})
        await answer.prepare(request)
        await answer.write(f"retry: 1000\n{id_line}event: hello\ndata: {hello}\n\n".encode())
        now_s = asyncio.get_running_loop().time
        beat_due_s = now_s() + BEAT_S
        while (events := await subscription.next(max(0.0, beat_due_s - now_s()))) is not None:
            pieces = [as_server_sent(e) for e in events if principal.may(Action.VIEW, e.camera)]
            if now_s() >= beat_due_s:
                pieces.append(_beat())
                beat_due_s = now_s() + BEAT_S
            if pieces:
                await write_piece(answer, json_below(request[BASE], b"".join(pieces)), WRITE_TIMEOUT_S)
    return answer


def _beat() -> bytes:
    """Without an id: there is nothing to catch up on."""
    data = json.dumps({"at": rfc3339(utc_now()), "beat_seconds": BEAT_S})
    return f"event: beat\ndata: {data}\n\n".encode()


ROUTES = (
    Route(
        "GET",
        "/api/events",
        stream,
        Action.VIEW,
        "Every change, as server-sent events; `beat` every five seconds: silence is a lost connection",
        query=EventsQuery,
        stream=StreamKind.EVENTS,
        media_type="text/event-stream",
    ),
)
