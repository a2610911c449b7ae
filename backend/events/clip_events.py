"""Publishes every change of a clip, and keeps the progress of recordings under way.

A recording's progress lives here and not in its row: it changes several times a second and is worth
nothing after a restart. Event loop only.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from backend.catalogue.lifecycle import UNFINISHED, Status
from backend.catalogue.values import Clip, ClipFacts
from backend.events.log import EventLog
from backend.events.writers import Json
from recorder.base.values import FinishProgressed, RecordingProgressed

PUBLISH_EVERY_S = 1.0
_MOST_ENDED = 100


@dataclass(slots=True)
class _UnderWay:
    clip: Clip
    recorded_s: float | None = None
    progress: float | None = None
    published_at_s: float = 0.0


class ClipEvents:
    """Publishes `clip` (the whole clip) and `clip_deleted` (its id)."""

    def __init__(
        self,
        events: EventLog,
        write: Callable[[Clip, ClipFacts], Json],
        public_url: Callable[[Clip], str | None] = lambda clip: None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`public_url` gives the public address of a clip, for a store that has such addresses."""
        self.log = events
        self._write = write
        self._public_url = public_url
        self._monotonic_s = monotonic_s
        self._under_way: dict[str, _UnderWay] = {}
        # The last to end: a reader may still hold a row from before that, whose progress must not fall to 0.
        self._ended: OrderedDict[str, _UnderWay] = OrderedDict()
        self.on_deleted: list[Callable[[Clip], None]] = []
        """Called with each deleted clip."""

    def facts(self, clip: Clip) -> ClipFacts:
        """What the row does not hold: the progress of the recording, and the public address."""
        under_way = self._under_way.get(clip.id)
        if under_way is None and clip.status in UNFINISHED:
            under_way = self._ended.get(clip.id)
        if under_way is None:
            return ClipFacts(public_url=self._public_url(clip))
        return ClipFacts(progress=under_way.progress, recorded_s=under_way.recorded_s)

    def is_under_way(self, clip: Clip) -> bool:
        """Whether the clip is being recorded or finished, so that it changes without its row."""
        return clip.id in self._under_way

    def changed(self, clip: Clip) -> None:
        """Publish a clip whose row is new or has changed."""
        known = self._under_way.pop(clip.id, None)
        self._ended.pop(clip.id, None)
        if clip.status in UNFINISHED:
            under_way = known or _UnderWay(clip)
            if under_way.clip.status is not clip.status:
                under_way.progress = None  # what is done now begins at nothing
            under_way.clip = clip
            self._under_way[clip.id] = under_way
        elif known is not None:
            self._ended[clip.id] = known
            if len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)
        self._publish(clip)

    def progressed(self, event: RecordingProgressed) -> None:
        """Take a recording's progress; publish it about once a second."""
        under_way = self._under_way.get(event.recording_id)
        if under_way is None:
            return
        under_way.recorded_s = event.recorded_s
        if under_way.clip.status is Status.PENDING:  # the last word of a recording may come after its end
            under_way.progress = event.progress
        self._publish_progress(under_way)

    def finishing(self, event: FinishProgressed) -> None:
        """Take the progress of a clip's encoding; publish it about once a second."""
        under_way = self._under_way.get(event.recording_id)
        if under_way is None or under_way.clip.status is not Status.PROCESSING:
            return
        under_way.progress = event.progress
        self._publish_progress(under_way)

    def _publish_progress(self, under_way: _UnderWay) -> None:
        now_s = self._monotonic_s()
        if now_s - under_way.published_at_s >= PUBLISH_EVERY_S:
            under_way.published_at_s = now_s
            self._publish(under_way.clip)

    def deleted(self, clip: Clip) -> None:
        """Publish that the clip was deleted."""
        self._under_way.pop(clip.id, None)
        for callback in self.on_deleted:
            callback(clip)
        self.log.publish("clip_deleted", {"id": clip.id, "camera": clip.camera}, camera=clip.camera)

    def _publish(self, clip: Clip) -> None:
        self.log.publish("clip", self._write(clip, self.facts(clip)), camera=clip.camera)
