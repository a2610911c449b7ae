"""What would leave the disk and why, and a person's word that it may."""

from aiohttp import web

from backend.access.actions import Action
from backend.keys import HOUSEKEEPING
from backend.routes import Route, json_response
from backend.wire.retention import RetentionJson


async def preview(request: web.Request) -> web.StreamResponse:
    return json_response(RetentionJson.of(await request.app[HOUSEKEEPING].retention.preview()))


async def approve(request: web.Request) -> web.StreamResponse:
    housekeeping = request.app[HOUSEKEEPING]
    approved = await housekeeping.retention.approve()
    housekeeping.sweep_soon()
    return json_response(RetentionJson.of(approved))


ROUTES = (
    Route(
        "GET",
        "/api/retention/preview",
        preview,
        Action.MANAGE,
        "Exactly what the next sweep would delete, in order, and why",
        response=RetentionJson,
    ),
    Route(
        "POST",
        "/api/retention/approve",
        approve,
        Action.MANAGE,
        "Let what waits for a person be deleted; the answer is what was approved",
        response=RetentionJson,
    ),
)
