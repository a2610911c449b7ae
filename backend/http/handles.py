"""What handlers reach: the house with its rooms, and the principal of a request.

Not here: routes (`routes`), how the rooms are opened (`backend.app`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from backend.access.gate import Access
from backend.access.principals import Principal
from backend.access.streams import OpenStreams
from backend.base.health import Health
from backend.cameras.cameras import Cameras
from backend.cameras.replays import OpenReplays
from backend.cameras.viewers import Viewers
from backend.clips.batch import Batch
from backend.clips.clips import Clips
from backend.clips.idempotency import Idempotency
from backend.clips.publishing import Publishing
from backend.events.log import EventLog
from backend.foundation.local_files import LocalFiles
from backend.http.clip_writer import ClipWriter
from backend.http.connections import Connections
from backend.metrics.analytics import Analytics
from backend.metrics.metrics import Metrics
from backend.pictures.manual import ManualPictures
from backend.pictures.pictures import Pictures
from backend.playback.archive import Archives
from backend.playback.playback import Playback
from backend.retention.parts import RetentionRoom
from backend.schedules.schedules import Schedules
from backend.storage.storage import Storage
from recorder import Transcoder


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The rooms, as handlers name them."""

    access: Access
    analytics: Analytics
    archives: Archives
    batch: Batch
    cameras: Cameras
    clip_writer: ClipWriter
    clips: Clips
    connections: Connections
    events: EventLog
    files: LocalFiles
    health: Health
    idempotency: Idempotency
    manual_pictures: ManualPictures
    metrics: Metrics
    pictures: Pictures
    playback: Playback
    publishing: Publishing
    replays: OpenReplays
    retention: RetentionRoom
    schedules: Schedules
    storage: Storage
    streams: OpenStreams
    transcoder: Transcoder
    viewers: Viewers
    recorder_id: str
    started_at: datetime
    """Naive UTC."""
    began_s: float
    """The same moment, by `host.boot_s`."""
    numbers: Callable[[], Mapping[str, float]]
    """What every room counts, for /metrics."""


HOUSE: web.AppKey[House] = web.AppKey("house")
PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
BASE: web.RequestKey[str] = web.RequestKey("base")
"""The path below which the client of the request reaches us: "" or such as `/hindsight`."""


def house(request: web.Request) -> House:
    """The rooms that serve `request`."""
    return request.app[HOUSE]
