"""The same action on many clips, one after the other: a result for each, whatever becomes of the others.

Repeating it is no error: what is published, deleted or being retried already counts as done. Event
loop only.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.principals import Principal
from backend.catalogue import Clip, ClipUnknown
from backend.catalogue.lifecycle import Status
from backend.clips.clips import Clips
from backend.clips.publishing import Publishing
from backend.clips.requests import BatchOrder
from backend.problems.kinds import Kind
from backend.problems.refused import Refused, as_refused

log = logging.getLogger(__name__)

_NEEDS = {"retry": Action.RECORD}


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one clip: as it is now, None when it is gone; or why it was not changed."""

    clip_id: str
    clip: Clip | None = None
    refused: Refused | None = None


class Batch:
    """Carries out batches."""

    def __init__(self, clips: Clips, publishing: Publishing, failed: Callable[[str], None]) -> None:
        self._clips = clips
        self._publishing = publishing
        self._failed = failed

    async def run(self, order: BatchOrder, principal: Principal) -> list[BatchResult]:
        """One result per id, in their order. Never raises for a single clip."""
        return [await self._one(clip_id, order, principal) for clip_id in order.ids]

    async def _one(self, clip_id: str, order: BatchOrder, principal: Principal) -> BatchResult:
        try:
            return BatchResult(clip_id, clip=await self._carry_out(clip_id, order, principal))
        except Exception as error:
            # The outermost frame of one clip: the others still get theirs.
            refused = as_refused(error)
            if refused is None:
                self._failed("batch")
                log.exception("%s of clip %s failed", order.action, clip_id)
                refused = Refused(Kind.INTERNAL)
            return BatchResult(clip_id, refused=refused)

    async def _carry_out(self, clip_id: str, order: BatchOrder, principal: Principal) -> Clip | None:
        try:
            clip = await self._clips.get(clip_id)
        except Refused as refused:
            if refused.kind is Kind.CLIP_UNKNOWN and order.action == "delete":
                return None  # gone already
            raise
        authorise(principal, _NEEDS.get(order.action, Action.MANAGE), clip.camera)
        match order.action:
            case "publish":
                return await self._publishing.publish(clip_id, caption=order.caption, at=order.at)
            case "unpublish":
                return await self._publishing.unpublish(clip_id)
            case "retry":
                return await self._retry(clip)
            case "delete":
                await self._delete(clip_id)
                return None

    async def _retry(self, clip: Clip) -> Clip:
        if clip.status is not Status.FAILED:
            return clip  # under way or finished
        return await self._clips.retry(clip.id)

    async def _delete(self, clip_id: str) -> None:
        try:
            await self._clips.delete(clip_id)
        except ClipUnknown:
            log.debug("clip %s was deleted by another request meanwhile", clip_id)
