"""The room of the use cases of clips: record, publish, many at once, each request once. Event loop only."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backend.base.numbers import counted
from backend.base.scheduler import Scheduler
from backend.base.times import utc_now
from backend.catalogue import Clip
from backend.clips.batch import Batch
from backend.clips.clips import Clips
from backend.clips.idempotency import Idempotency
from backend.clips.publishing import Publishing
from backend.clips.recorder_events import RecorderInbox
from backend.clips.recordings import ClipServices, Recordings
from backend.config.model import Config
from recorder.base.tasks import Tasks

KEEP_IDEMPOTENCY_KEYS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ClipRoom:
    """The parts, for those who need one of them."""

    services: ClipServices
    inbox: RecorderInbox
    recordings: Recordings
    clips: Clips
    publishing: Publishing
    batch: Batch
    idempotency: Idempotency
    tasks: Tasks

    def start(self, scheduler: Scheduler) -> None:
        """Read what recorders report, and keep promises, from now on."""
        catalogue = self.services.base.catalogue
        self.tasks.spawn(self.recordings.run(), "recordings")
        scheduler.every(1, "publish", self.publishing.tick)
        scheduler.every(
            3600, "idempotency keys", lambda: catalogue.expire_keys(utc_now() - KEEP_IDEMPOTENCY_KEYS)
        )

    def finish_again(self, clips: Iterable[Clip]) -> None:
        """Finish, in the background, what an earlier process began."""
        for clip in clips:
            self.tasks.spawn(self.recordings.finish_again(clip), f"finish {clip.id}")

    async def follow(self, config: Config) -> None:
        """Take the new defaults of Record."""
        self.clips.defaults = config.recording

    async def close(self) -> None:
        """End what was begun for clients, then the reader of the inbox."""
        await self.idempotency.close()
        await self.clips.close()
        await self.tasks.close()

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return {
            "inbox_waiting": len(self.inbox),
            "commits_retried_total": self.services.counters.commits_retried,
            "news_dropped_total": self.services.counters.news_dropped,
            **counted("publishing", self.publishing.counters),
        }


def open_clips(services: ClipServices, inbox: RecorderInbox, failed: Callable[[str], None]) -> ClipRoom:
    """All of it, for one daemon. `failed` counts errors that nobody foresaw."""
    base = services.base
    recordings = Recordings(services, inbox)
    clips = Clips(services, recordings, base.config.recording)
    publishing = Publishing(base.catalogue, services.clip_events, base.recorder_id)
    batch = Batch(clips, publishing, failed)
    idempotency = Idempotency(base.catalogue, base.recorder_id)
    return ClipRoom(services, inbox, recordings, clips, publishing, batch, idempotency, Tasks())
