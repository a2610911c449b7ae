"""Replays that pages are looking at: who opened which, until a minute after the last look.

The file, the pinned span and the bound per camera are the recorder's; here is how long one is kept, and
which one goes when a camera has no room for another: one of the same session, else one of the session with
most. So a browser that died, or a viewer who opens many, keeps nobody out. A token is a secret: only an
authorised answer gives it out. Event loop only.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import MOST_REPLAYS, Recorder, ReplayFile
from recorder.base.tasks import Tasks

KEEP_S = 60.0
MOST_PER_HOLDER = 2
"""Replays of one camera that one session may keep; for one more, the one it used least recently goes."""


@dataclass(slots=True, eq=False)
class _Open:
    recorder: Recorder
    holder: str
    used_at_s: float
    file: ReplayFile | None = None
    """None while it is being cut."""
    readers: int = 0
    expiry: "asyncio.Task[None] | None" = None


class OpenReplays:
    """Replays by token."""

    def __init__(self, keep_s: float = KEEP_S, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._monotonic_s = monotonic_s
        self._open: dict[str, _Open] = {}
        self._cutting: set[_Open] = set()
        self._tasks = Tasks()
        self.given_up = 0
        """Replays that went before their minute was over, because a page asked for another."""

    def __len__(self) -> int:
        return len(self._open)

    async def open(
        self,
        recorder: Recorder,
        start: datetime | None,
        end: datetime | None,
        holder: str = "",
        *,
        from_keyframe: bool = False,
    ) -> ReplayFile:
        """Cut a span, kept until `keep_s` after its last use. `holder`: whose quota it counts in.

        `from_keyframe`: it may begin earlier, and hides nothing before its first frame.
        Refused if the camera has no room for another, or the disk none for the file.
        """
        asked = _Open(recorder, holder, self._monotonic_s())
        loser = self._loser(asked)
        self._cutting.add(asked)
        try:
            if loser is not None:
                self.given_up += 1
                await self.release(loser.token)
            file = await recorder.replay(start, end, holder, from_keyframe=from_keyframe)
        except OSError as error:
            raise Refused(Kind.REPLAY_NOT_WRITTEN, reason=error.strerror) from error
        finally:
            self._cutting.discard(asked)
        asked.file, asked.used_at_s = file, self._monotonic_s()
        self._open[file.token] = asked
        asked.expiry = self._tasks.spawn(self._expire(file.token), "replay expiry")
        return file

    def camera(self, token: str) -> str | None:
        """The camera a token belongs to."""
        found = self._open.get(token)
        return None if found is None else found.recorder.settings.camera_id

    @asynccontextmanager
    async def reading(self, token: str) -> AsyncIterator[Path]:
        """Use a replay: it is not closed meanwhile. Refused when it is gone."""
        found = self._open.get(token)
        if found is None or found.file is None or found.recorder.released.is_set():
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
            if found.expiry is not None:
                found.expiry.cancel()
            await found.recorder.close_replay(token)

    async def close(self) -> None:
        """Forget them all; the recorders remove the files."""
        await self._tasks.close()
        self._open.clear()

    def _loser(self, asked: _Open) -> ReplayFile | None:
        """The replay that makes room for another; None if there is room. Refused if none may go."""
        here = [one for one in self._all() if one.recorder is asked.recorder]
        count = Counter(one.holder for one in here)
        own = count[asked.holder]
        if own < MOST_PER_HOLDER and len(here) < MOST_REPLAYS:
            return None
        # A session that keeps no more than the asking one would then have loses nothing to it.
        greediest = max(count, key=lambda holder: count[holder])
        holder = greediest if own < MOST_PER_HOLDER and count[greediest] > own + 1 else asked.holder
        # One that is being read goes last.
        theirs = sorted(
            (one for one in here if one.holder == holder),
            key=lambda one: (one.readers > 0, one.used_at_s),
        )
        for one in theirs:
            if one.file is not None:
                return one.file
        reason = f"{len(here)} replays of this camera are open. Close one, or wait a minute"
        raise Refused(Kind.BUSY, retry_after_s=5, reason=reason)

    def _all(self) -> Iterator[_Open]:
        yield from self._open.values()
        yield from self._cutting

    async def _expire(self, token: str) -> None:
        found = self._open[token]
        left_s = self._keep_s
        while left_s > 0:
            await asyncio.sleep(left_s)
            unused_s = 0.0 if found.readers else self._monotonic_s() - found.used_at_s
            left_s = self._keep_s - unused_s
        if self._open.pop(token, None) is found:
            await found.recorder.close_replay(token)
