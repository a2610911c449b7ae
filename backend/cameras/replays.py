"""Replays that pages are looking at: who opened which, until a minute after the last look.

The file, the pinned span and the bound per camera are the recorder's; here is only how long one is
kept. A token is a secret: only an authorised answer gives it out. Event loop only.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import Recorder, ReplayFile
from recorder.base.tasks import Tasks

KEEP_S = 60.0


@dataclass(slots=True)
class _Open:
    recorder: Recorder
    file: ReplayFile
    used_at_s: float
    readers: int = 0


class OpenReplays:
    """Replays by token."""

    def __init__(self, keep_s: float = KEEP_S, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._monotonic_s = monotonic_s
        self._open: dict[str, _Open] = {}
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, recorder: Recorder, start: datetime | None, end: datetime | None) -> ReplayFile:
        """Cut a span, kept until `keep_s` after its last use. Refused if the disk has no room for it."""
        try:
            file = await recorder.replay(start, end)
        except OSError as error:
            raise Refused(Kind.REPLAY_NOT_WRITTEN, reason=error.strerror) from error
        self._open[file.token] = _Open(recorder, file, self._monotonic_s())
        self._tasks.spawn(self._expire(file.token), "replay expiry")
        return file

    def camera(self, token: str) -> str | None:
        """The camera a token belongs to."""
        found = self._open.get(token)
        return None if found is None else found.recorder.settings.camera_id

    @asynccontextmanager
    async def reading(self, token: str) -> AsyncIterator[Path]:
        """Use a replay: it is not closed meanwhile. Refused when it is gone."""
        found = self._open.get(token)
        if found is None or found.recorder.released.is_set():
            raise Refused(Kind.REPLAY_GONE)
        found.readers += 1
        try:
            yield found.file.path
        finally:
            found.readers -= 1
            found.used_at_s = self._monotonic_s()

    async def release(self, token: str) -> None:
        """Nobody looks at a replay any more; one that is gone is fine."""
        found = self._open.pop(token, None)
        if found is not None:
            await found.recorder.close_replay(token)

    async def close(self) -> None:
        """Forget them all; the recorders remove the files."""
        await self._tasks.close()
        self._open.clear()

    async def _expire(self, token: str) -> None:
        found = self._open[token]
        left_s = self._keep_s
        while left_s > 0:
            await asyncio.sleep(left_s)
            unused_s = 0.0 if found.readers else self._monotonic_s() - found.used_at_s
            left_s = self._keep_s - unused_s
        if self._open.pop(token, None) is found:
            await found.recorder.close_replay(token)
