"""What would leave the disk and why, and a person's word that it may."""

import asyncio

from aiohttp import web

from backend.access.actions import Action
from backend.http.handles import house
from backend.http.routes import Route
from backend.http.wire.retention import RetentionJson
from backend.retention.sweep import Survey


async def preview(request: web.Request) -> web.StreamResponse:
    return await _answer(await house(request).retention.retention.preview())


async def approve(request: web.Request) -> web.StreamResponse:
    keeping = house(request).retention
    approved = await keeping.retention.approve()
    keeping.sweep_soon()
    return await _answer(approved)


async def _answer(survey: Survey) -> web.Response:
    """In a thread: a rule that a slip of the keyboard made lists every clip there is."""
    body = await asyncio.to_thread(lambda: RetentionJson.of(survey).model_dump_json().encode())
    return web.Response(body=body, content_type="application/json")


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
