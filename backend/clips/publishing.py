"""From draft to feed and back: publish now or at a promised time, unpublish, like.

A promise is a row (`publish_at`) that a tick acts on; nothing else remembers it. What is due is judged
by the wall clock at that moment, so a restart, a missed turn or a clock that is set only changes which
turn keeps it. Event loop only.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from backend.base.times import utc_now
from backend.catalogue import Catalogue, Changed, Clip, ClipFilter, ClipPage, IllegalTransition
from backend.catalogue.cached_answer import CachedAnswer
from backend.catalogue.lifecycle import Status
from backend.events.clip_events import ClipEvents
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

log = logging.getLogger(__name__)

LATE_S = 5.0
"""A promise kept later than this was late, and is counted and logged as that."""
_AT_ONCE = 100


@dataclass(slots=True)
class PublishCounters:
    """Since the daemon started."""

    published: int = 0
    unpublished: int = 0
    promised: int = 0
    promises_kept: int = 0
    promises_late: int = 0


class Publishing:
    """The use cases of what is out and what is not yet."""

    def __init__(
        self,
        catalogue: Catalogue,
        clip_events: ClipEvents,
        recorder_id: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._catalogue = catalogue
        self._clip_events = clip_events
        self._recorder_id = recorder_id
        self._now = now
        self._next_promise = CachedAnswer(catalogue, lambda: catalogue.next_promise(recorder_id))
        self.counters = PublishCounters()

    async def publish(self, clip_id: str, *, caption: str | None = None, at: datetime | None = None) -> Clip:
        """Publish, or promise to. Refused if it is unfinished, or published already and `at` is later."""
        clip, changed = await self._change(self._catalogue.publish(clip_id, caption=caption, at=at))
        if changed and clip.status is Status.PUBLISHED:
            self.counters.published += 1
        elif changed:
            self.counters.promised += 1
        return clip

    async def unpublish(self, clip_id: str) -> Clip:
        """Back to the drafts; a promise to publish is taken back."""
        clip, changed = await self._change(self._catalogue.unpublish(clip_id))
        self.counters.unpublished += changed
        return clip

    async def like(self, clip_id: str, visitor: str) -> Clip:
        """Count a visitor once."""
        return (await self._change(self._catalogue.like(clip_id, visitor)))[0]

    async def unlike(self, clip_id: str, visitor: str) -> Clip:
        """Take a like back."""
        return (await self._change(self._catalogue.unlike(clip_id, visitor)))[0]

    async def is_liked(self, clip_id: str, visitor: str) -> bool:
        """Whether that visitor likes it."""
        return await self._catalogue.is_liked(clip_id, visitor)

    async def feed(self, wanted: ClipFilter, cursor: str | None, limit: int) -> ClipPage:
        """One page of what is published, the newest publication first."""
        return await self._catalogue.feed(wanted, cursor, limit)

    async def tick(self) -> int:
        """Publish everything whose time has come; how many. Raises CatalogueUnavailable only."""
        promised = await self._next_promise.answer()
        if promised is None or promised > self._now():
            return 0
        kept = 0
        # What was published is no longer due, so each round sees others.
        while due := await self._catalogue.publish_due(self._recorder_id, _AT_ONCE):
            for clip_id in due:
                kept += await self._keep_promise(clip_id)
        return kept

    async def _keep_promise(self, clip_id: str) -> bool:
        before = await self._catalogue.get_clip(clip_id)
        done = await self._catalogue.keep_promise(clip_id)
        if done is None:
            return False
        self._clip_events.changed(done)
        self.counters.promises_kept += 1
        promised = before.publish_at if before is not None else None
        if promised is not None and (late_s := (self._now() - promised).total_seconds()) > LATE_S:
            self.counters.promises_late += 1
            log.warning("clip %s was to be published %.0f s ago; it is now", clip_id, late_s)
        return True

    async def _change(self, work: Awaitable[Changed]) -> tuple[Clip, bool]:
        try:
            done = await work
        except IllegalTransition as error:
            raise _refused(error.current) from error
        if done.changed:
            self._clip_events.changed(done.clip)
        return done.clip, done.changed


def _refused(status: Status) -> Refused:
    if status is Status.PUBLISHED:
        return Refused(Kind.CLIP_PUBLISHED_ALREADY, field="at")
    if status is Status.FAILED:
        return Refused(Kind.CLIP_NEVER_FINISHED)
    return Refused(Kind.CLIP_UNFINISHED, status=status)
