"""/metrics in the Prometheus text form."""

from aiohttp import web

from backend.access.actions import Action
from backend.http.handles import house
from backend.http.routes import Route


async def metrics(request: web.Request) -> web.StreamResponse:
    rooms = house(request)
    body, content_type = await rooms.metrics.render(rooms.cameras.statuses(), rooms.numbers())
    return web.Response(body=body, headers={"Content-Type": content_type})


ROUTES = (
    Route(
        "GET",
        "/metrics",
        metrics,
        Action.ADMIN,
        "Counters for Prometheus",
        ignores_unknown_query=True,
        media_type="text/plain",
        also_head=True,
    ),
)
