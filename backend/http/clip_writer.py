"""Clips as JSON text, written once for all the lists they appear in.

Not here: which fields there are (`wire.clips`), how far recordings are (`events.clip_events`). Event loop
only.
"""

from collections import OrderedDict

from backend.catalogue.values import Clip
from backend.events.clip_events import ClipEvents
from backend.http.wire.clips import ClipJson

MOST_WRITTEN = 1000
"""Texts of about two kilobytes: several first pages at once."""


class ClipWriter:
    """Writes clips, with the facts that `clip_events` holds."""

    def __init__(self, clip_events: ClipEvents) -> None:
        self._clip_events = clip_events
        self._written: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def json(self, clip: Clip) -> ClipJson:
        """The clip as JSON, with the progress of its recording."""
        return ClipJson.of(clip, self._clip_events.facts(clip))

    def written(self, clip: Clip) -> bytes:
        """The clip as JSON text; each version of a row is written once."""
        if self._clip_events.is_under_way(clip):
            return self.json(clip).model_dump_json().encode()
        key = (clip.id, clip.version)
        if (text := self._written.get(key)) is None:
            self._written[key] = text = self.json(clip).model_dump_json().encode()
            if len(self._written) > MOST_WRITTEN:
                self._written.popitem(last=False)
        else:
            self._written.move_to_end(key)
        return text
