"""The typed keys under which the application and a request carry what handlers need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from backend.access.gate import Access
    from backend.access.principals import Principal
    from backend.cameras import Cameras
    from backend.catalogue import Catalogue
    from backend.clips import Clips
    from backend.config import Config
    from backend.events import EventLog
    from backend.health import Health
    from backend.metrics import Metrics
    from backend.playback import Playback
    from backend.previews import Previews
    from backend.routes import Route

CONFIG: web.AppKey[Config] = web.AppKey("config")
CATALOGUE: web.AppKey[Catalogue] = web.AppKey("catalogue")
CAMERAS: web.AppKey[Cameras] = web.AppKey("cameras")
CLIPS: web.AppKey[Clips] = web.AppKey("clips")
PREVIEWS: web.AppKey[Previews] = web.AppKey("previews")
PLAYBACK: web.AppKey[Playback] = web.AppKey("playback")
EVENTS: web.AppKey[EventLog] = web.AppKey("events")
METRICS: web.AppKey[Metrics] = web.AppKey("metrics")
ACCESS: web.AppKey[Access] = web.AppKey("access")
HEALTH: web.AppKey[Health] = web.AppKey("health")
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes")

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
