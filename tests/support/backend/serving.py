"""A served application with a real catalogue, for tests of what stands in front of the routes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from backend.access.access_key import AccessKey
from backend.access.gate import Access, AccessRules
from backend.access.peers import Hosts
from backend.access.sessions import Sessions
from backend.base.health import Health
from backend.base.times import utc_now
from backend.catalogue import Catalogue
from backend.config.model import StorageConfig
from backend.events.log import EventLog
from backend.http.api import events as api_events
from backend.http.api import health, metrics, openapi, session
from backend.http.connections import HANDSHAKE_TIMEOUT_S, Connections
from backend.http.handles import House
from backend.http.listener import UNREAD_TIMEOUT_S
from backend.http.routes import Route
from backend.http.server import KEEPALIVE_TIMEOUT_S, make_application, make_listener, make_runner
from backend.metrics.metrics import Metrics
from backend.storage.storage import Storage
from recorder.base.values import CameraStatus

OWN_ROUTES = (
    *health.ROUTES,
    *session.ROUTES,
    *api_events.ROUTES,
    *metrics.ROUTES,
    *openapi.ROUTES,
)


@dataclass(frozen=True, slots=True)
class Served:
    """What a test holds of a running server."""

    app: web.Application
    rooms: House
    client: aiohttp.ClientSession
    host: str
    port: int
    key: AccessKey

    @property
    def bearer(self) -> dict[str, str]:
        """The header that lets a program in."""
        return {"Authorization": f"Bearer {self.key.value}"}


class NoCameras:
    """For /metrics."""

    def statuses(self) -> tuple[CameraStatus, ...]:
        return ()


def some_rooms(**given: Any) -> House:
    """A house with those rooms alone; a test that enters another one fails."""
    return House(**{field.name: None for field in fields(House)} | given)


@asynccontextmanager
async def serving(
    tmp_path: Path,
    *,
    routes: tuple[Route, ...] = OWN_ROUTES,
    loopback_without_key: bool = False,
    allowed_hosts: tuple[str, ...] = (),
    rules: AccessRules | None = None,
    keepalive_timeout_s: float = KEEPALIVE_TIMEOUT_S,
    unread_timeout_s: float = UNREAD_TIMEOUT_S,
    handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
    limit: int = 1024,
    **given: Any,
) -> AsyncIterator[Served]:
    """A server that lets nobody in without the key unless told so. `given`: further rooms, or other ones."""
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    await catalogue.open()
    key = AccessKey(tmp_path)
    await asyncio.to_thread(key.load)
    access = Access(
        key,
        Sessions(catalogue, lifetime_s=3600, longest_s=7200, now=utc_now, monotonic_s=lambda: 0.0),
        Hosts(allowed_hosts, frozenset({"box", "localhost"})),
        rules or AccessRules(loopback_without_key=loopback_without_key),
        streams=given.get("streams"),
    )
    watched = Health()
    usual: dict[str, Any] = {
        "access": access,
        "connections": Connections(watched, limit, handshake_timeout_s=handshake_timeout_s),
        "metrics": Metrics(),
        "cameras": NoCameras(),
        "numbers": dict,
        "events": EventLog("boot"),
        "health": watched,
        "storage": Storage(StorageConfig(), None, None),
        "streams": access.streams,
    }
    rooms = some_rooms(**usual | given)
    app = make_application(routes, rooms)
    runner = make_runner(app, keepalive_timeout_s=keepalive_timeout_s)
    await runner.setup()
    listener = make_listener(runner, unread_timeout_s=unread_timeout_s)
    host = "127.0.0.1"
    port = await listener.open(host, 0, tls)
    jar = aiohttp.CookieJar(unsafe=True)
    try:
        async with aiohttp.ClientSession(f"http://{host}:{port}", cookie_jar=jar) as client:
            yield Served(app, rooms, client, host, port, key)
    finally:
        rooms.events.close()
        await listener.close()
        await runner.cleanup()
        await catalogue.close()
