"""What makes the pictures of a `Box`'s clips, for tests that are about something else."""

from concurrent.futures import Executor

from backend.base.health import Health
from backend.config.model import PreviewsConfig
from backend.events.clip_events import ClipNews
from backend.pictures.parts import PictureParts, Picturing, open_picturing
from backend.playback.clip_bytes import ClipBytes
from backend.playback.metrics import PlaybackMetrics
from recorder.base.workers import WorkerPool
from tests.support.backend.rows import Box


def picturing_of(
    box: Box, news: ClipNews, workers: WorkerPool, disk: Executor, config: PreviewsConfig | None = None
) -> Picturing:
    """Without a store; whoever calls closes it."""
    parts = PictureParts(
        catalogue=box.catalogue,
        news=news,
        files=box.files,
        health=Health(),
        workers=workers,
        disk=disk,
        runtime_dir=box.files.clips_dir.parent / "runtime",
    )
    clip_bytes = ClipBytes(box.files, None, disk, PlaybackMetrics())
    return open_picturing(parts, clip_bytes, config or PreviewsConfig())
