"""What makes the pictures of a `Box`'s clips, for tests that are about something else."""

from concurrent.futures import Executor

from backend.clip_bytes import ClipBytes
from backend.clip_news import ClipNews
from backend.config import PreviewsConfig
from backend.health import Health
from backend.picturing import PictureParts, Picturing, open_picturing
from backend.playback_metrics import PlaybackMetrics
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
