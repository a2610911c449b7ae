"""The typed keys under which the application and a request carry what handlers need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from datetime import datetime

    from backend.access.gate import Access
    from backend.access.principals import Principal
    from backend.base.health import Health
    from backend.cameras.cameras import Cameras
    from backend.cameras.replays import OpenReplays
    from backend.cameras.viewers import Viewers
    from backend.catalogue import Catalogue
    from backend.clips.batch import Batch
    from backend.clips.clips import Clips
    from backend.clips.idempotency import Idempotency
    from backend.clips.publishing import Publishing
    from backend.config.model import Config
    from backend.events.log import EventLog
    from backend.http.clip_writer import ClipWriter
    from backend.http.routes import Route
    from backend.metrics.analytics import Analytics
    from backend.metrics.metrics import Metrics
    from backend.pictures.manual import ManualPictures
    from backend.pictures.pictures import Pictures
    from backend.playback.archive import Archives
    from backend.playback.playback import Playback
    from backend.retention.parts import Housekeeping
    from backend.schedules.schedules import Schedules
    from backend.storage.local import LocalFiles
    from backend.storage.storage import Storage
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
CLIP_JSON: web.AppKey[ClipWriter] = web.AppKey("clip_json")
REPLAYS: web.AppKey[OpenReplays] = web.AppKey("replays")
ANALYTICS: web.AppKey[Analytics] = web.AppKey("analytics")
SCHEDULES: web.AppKey[Schedules] = web.AppKey("schedules")
FILES: web.AppKey[LocalFiles] = web.AppKey("files")
STORAGE: web.AppKey[Storage] = web.AppKey("storage")
LABELS: web.AppKey[LabelLine] = web.AppKey("labels")
RECORDER_ID: web.AppKey[str] = web.AppKey("recorder_id")
BEGAN_S: web.AppKey[float] = web.AppKey("began_s")
"""The same moment as `STARTED_AT`, by `host.boot_s`."""
STARTED_AT: web.AppKey[datetime] = web.AppKey("started_at")
"""Naive UTC."""
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes")

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
