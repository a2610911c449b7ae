"""Where recorders drop what happened, until the use cases have dealt with it, in order.

Recorders call `put` on the event loop and never wait. Of a recording's progress only the newest is
kept, so that a slow database makes no queue of it; everything else happens a handful of times per
recording, and recordings are bounded. Event loop only.
"""

import asyncio
from collections import deque

from recorder.base.values import FinishProgressed, RecorderEvent, RecordingProgressed


class RecorderInbox:
    """A queue with one reader."""

    def __init__(self) -> None:
        self._waiting: deque[RecorderEvent] = deque()
        self._progress: dict[str, RecordingProgressed | FinishProgressed] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._progress)

    def put(self, event: RecorderEvent) -> None:
        """Take an event; never blocks."""
        if isinstance(event, RecordingProgressed | FinishProgressed):
            self._progress[event.recording_id] = event
        else:
            self._waiting.append(event)
        self._filled.set()

    async def take(self) -> RecorderEvent:
        """The next event. What changes a clip's state comes before progress."""
        while not self._waiting and not self._progress:
            self._filled.clear()
            await self._filled.wait()
        if self._waiting:
            return self._waiting.popleft()
        return self._progress.pop(next(iter(self._progress)))
