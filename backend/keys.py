"""The typed keys under which the application and a request carry what handlers need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from datetime import datetime

    from backend.access.gate import Access
    from backend.access.principals import Principal
    from backend.analytics import Analytics
    from backend.archive import Archives
    from backend.batch import Batch
    from backend.cameras import Cameras
    from backend.catalogue import Catalogue
    from backend.clip_news import ClipNews
    from backend.clips import Clips
    from backend.config import Config
    from backend.events import EventLog
    from backend.health import Health
    from backend.housekeeping import Housekeeping
    from backend.idempotency import Idempotency
    from backend.manual_pictures import ManualPictures
    from backend.metrics import Metrics
    from backend.pictures import Pictures
    from backend.playback import Playback
    from backend.publishing import Publishing
    from backend.replays import OpenReplays
    from backend.routes import Route
    from backend.schedules.schedules import Schedules
    from backend.storage.local import LocalFiles
    from backend.storage.storage import Storage
    from backend.viewers import Viewers
    from recorder.base.clock import LabelLine
    from recorder.recording.transcoder import Transcoder

CONFIG: web.AppKey[Config] = web.AppKey("config")
CATALOGUE: web.AppKey[Catalogue] = web.AppKey("catalogue")
CAMERAS: web.AppKey[Cameras] = web.AppKey("cameras")
CLIPS: web.AppKey[Clips] = web.AppKey("clips")
PICTURES: web.AppKey[Pictures] = web.AppKey("pictures")
MANUAL_PICTURES: web.AppKey[ManualPictures] = web.AppKey("manual_pictures")
IDEMPOTENCY: web.AppKey[Idempotency] = web.AppKey("idempotency")
PLAYBACK: web.AppKey[Playback] = web.AppKey("playback")
PUBLISHING: web.AppKey[Publishing] = web.AppKey("publishing")
ARCHIVES: web.AppKey[Archives] = web.AppKey("archives")
BATCH: web.AppKey[Batch] = web.AppKey("batch")
VIEWERS: web.AppKey[Viewers] = web.AppKey("viewers")
TRANSCODER: web.AppKey[Transcoder] = web.AppKey("transcoder")
EVENTS: web.AppKey[EventLog] = web.AppKey("events")
METRICS: web.AppKey[Metrics] = web.AppKey("metrics")
ACCESS: web.AppKey[Access] = web.AppKey("access")
HOUSEKEEPING: web.AppKey[Housekeeping] = web.AppKey("housekeeping")
HEALTH: web.AppKey[Health] = web.AppKey("health")
NEWS: web.AppKey[ClipNews] = web.AppKey("news")
REPLAYS: web.AppKey[OpenReplays] = web.AppKey("replays")
ANALYTICS: web.AppKey[Analytics] = web.AppKey("analytics")
SCHEDULES: web.AppKey[Schedules] = web.AppKey("schedules")
FILES: web.AppKey[LocalFiles] = web.AppKey("files")
STORAGE: web.AppKey[Storage] = web.AppKey("storage")
LABELS: web.AppKey[LabelLine] = web.AppKey("labels")
RECORDER_ID: web.AppKey[str] = web.AppKey("recorder_id")
BEGAN_S: web.AppKey[float] = web.AppKey("began_s")
"""The same moment as `STARTED_AT`, by `box.boot_s`."""
STARTED_AT: web.AppKey[datetime] = web.AppKey("started_at")
"""Naive UTC."""
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes")

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
