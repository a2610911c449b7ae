"""Tells pages what became of clips, and knows how far recordings under way are.

A recording's progress lives here and not in its row: it changes several times a second and is worth
nothing after a restart. Event loop only.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from backend.catalogue.lifecycle import UNFINISHED, Status
from backend.catalogue.values import Clip
from backend.events.log import EventLog
from backend.http.wire.clips import ClipJson
from recorder.base.values import FinishProgressed, RecordingProgressed

TELL_EVERY_S = 1.0
MOST_WRITTEN = 1000
"""Texts of about two kilobytes: several first pages at once."""


@dataclass(slots=True)
class _UnderWay:
    clip: Clip
    recorded_s: float | None = None
    progress: float | None = None
    told_at_s: float = 0.0


class ClipNews:
    """Publishes `clip` (the whole clip) and `clip_deleted` (its id)."""

    def __init__(self, events: EventLog, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.events = events
        self._monotonic_s = monotonic_s
        self._under_way: dict[str, _UnderWay] = {}
        self.on_deleted: list[Callable[[Clip], None]] = []
        """Told of each clip whose row is gone."""
        self.public_url: Callable[[Clip], str | None] = lambda clip: None
        """Where everybody may read a clip; set by whoever has a store with such addresses."""
        self._written: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def json(self, clip: Clip) -> ClipJson:
        """The clip as JSON, with the progress of its recording."""
        under_way = self._under_way.get(clip.id)
        if under_way is None:
            return ClipJson.of(clip, public_url=self.public_url(clip))
        return ClipJson.of(clip, progress=under_way.progress, recorded_s=under_way.recorded_s)

    def written(self, clip: Clip) -> bytes:
        """The clip as JSON text, remembered: a version of a row is written once for all who list it."""
        if clip.id in self._under_way:
            return self.json(clip).model_dump_json().encode()
        key = (clip.id, clip.version)
        if (text := self._written.get(key)) is None:
            self._written[key] = text = self.json(clip).model_dump_json().encode()
            if len(self._written) > MOST_WRITTEN:
                self._written.popitem(last=False)
        else:
            self._written.move_to_end(key)
        return text

    def changed(self, clip: Clip) -> None:
        """The row is new or has changed."""
        known = self._under_way.pop(clip.id, None)
        if clip.status in UNFINISHED:
            under_way = known or _UnderWay(clip)
            if under_way.clip.status is not clip.status:
                under_way.progress = None  # what is done now begins at nothing
            under_way.clip = clip
            self._under_way[clip.id] = under_way
        self._tell(clip)

    def progressed(self, event: RecordingProgressed) -> None:
        """A recording went on; pages hear of it about once a second."""
        under_way = self._under_way.get(event.recording_id)
        if under_way is None:
            return
        under_way.recorded_s = event.recorded_s
        if under_way.clip.status is Status.PENDING:  # the last word of a recording may come after its end
            under_way.progress = event.progress
        self._tell_in_time(under_way)

    def finishing(self, event: FinishProgressed) -> None:
        """The finished file of a clip is being encoded."""
        under_way = self._under_way.get(event.recording_id)
        if under_way is None or under_way.clip.status is not Status.PROCESSING:
            return
        under_way.progress = event.progress
        self._tell_in_time(under_way)

    def _tell_in_time(self, under_way: _UnderWay) -> None:
        now_s = self._monotonic_s()
        if now_s - under_way.told_at_s >= TELL_EVERY_S:
            under_way.told_at_s = now_s
            self._tell(under_way.clip)

    def deleted(self, clip: Clip) -> None:
        """The row is gone."""
        self._under_way.pop(clip.id, None)
        for tell in self.on_deleted:
            tell(clip)
        self.events.publish("clip_deleted", {"id": clip.id, "camera": clip.camera}, camera=clip.camera)

    def _tell(self, clip: Clip) -> None:
        self.events.publish("clip", self.json(clip).model_dump(mode="json"), camera=clip.camera)
