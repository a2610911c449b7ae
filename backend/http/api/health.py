"""/livez: the process answers. /readyz: it has recovered, records and serves."""

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.http.handles import house
from backend.http.routes import Route, json_response
from backend.http.wire.service import ConcernJson, StorageJson
from backend.http.wire.times import ResponseModel
from backend.problems.kinds import Kind
from backend.problems.refused import Refused


class HealthJson(ResponseModel):
    """A state in one word."""

    status: str


class ReadyJson(HealthJson):
    """`GET /readyz`."""

    concerns: list[ConcernJson]
    storage: StorageJson = Field(description="The object store, and what waits to be copied to it.")


async def livez(request: web.Request) -> web.StreamResponse:
    return json_response(HealthJson(status="alive"))


async def readyz(request: web.Request) -> web.StreamResponse:
    health = house(request).health
    if not health.is_ready:
        raise Refused(Kind.NOT_READY, retry_after_s=1, waiting_for=health.waiting_for)
    return json_response(
        ReadyJson(
            status="ready",
            concerns=ConcernJson.all_of(health.concerns),
            storage=StorageJson.of(house(request).storage.status()),
        )
    )


ROUTES = (
    Route(
        "GET",
        "/livez",
        livez,
        None,
        "The process answers",
        ignores_unknown_query=True,
        response=HealthJson,
    ),
    Route(
        "GET",
        "/readyz",
        readyz,
        Action.VIEW,
        "Ready to record and serve",
        ignores_unknown_query=True,
        response=ReadyJson,
    ),
)
