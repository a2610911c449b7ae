"""What makes the pictures of a `Box`'s clips, for tests that are about something else."""

from concurrent.futures import Executor

from backend.config.model import Config, PreviewsConfig
from backend.events.clip_events import ClipEvents
from backend.pictures.parts import PictureRoom, open_pictures
from backend.playback.clip_bytes import ClipBytes
from backend.playback.clip_index import ClipIndexes
from backend.playback.metrics import PlaybackMetrics
from recorder.base.workers import WorkerPool
from tests.support.backend.foundations import foundation_of
from tests.support.backend.rows import Box


def picturing_of(
    box: Box,
    clip_events: ClipEvents,
    workers: WorkerPool,
    disk: Executor,
    config: PreviewsConfig | None = None,
) -> PictureRoom:
    """Without a store; the caller closes it."""
    settings = Config(previews=config or PreviewsConfig())
    base = foundation_of(box, settings, workers=workers, disk=disk)
    clip_bytes = ClipBytes(box.files, None, disk, PlaybackMetrics())
    indexes = ClipIndexes(clip_bytes, disk, base.runtime_dir / "indexes")
    return open_pictures(base, clip_events, clip_bytes, indexes)
