"""The same asked of many clips, one after the other: a result for each, whatever becomes of the others.

Asking again is no error: what is published, deleted or being retried already counts as done. Event
loop only.
"""

import logging
from collections.abc import Callable

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.principals import Principal
from backend.catalogue import Clip, ClipUnknown
from backend.catalogue.lifecycle import Status
from backend.clips.clips import Clips
from backend.clips.publishing import Publishing
from backend.http.problems import Problem, as_problem, internal_problem
from backend.http.wire.publishing import BatchErrorJson, BatchJson, BatchRequest, BatchResultJson

log = logging.getLogger(__name__)

_NEEDS = {"retry": Action.RECORD}


class Batch:
    """Carries out batches. At most as many ids as the request's model lets through."""

    def __init__(self, clips: Clips, publishing: Publishing, failed: Callable[[str], None]) -> None:
        self._clips = clips
        self._publishing = publishing
        self._failed = failed

    async def run(self, asked: BatchRequest, principal: Principal) -> BatchJson:
        """One result per id. Never raises for a single clip."""
        results = [await self._one(clip_id, asked, principal) for clip_id in asked.ids]
        done = sum(result.ok for result in results)
        return BatchJson(action=asked.action, done=done, failed=len(results) - done, results=results)

    async def _one(self, clip_id: str, asked: BatchRequest, principal: Principal) -> BatchResultJson:
        try:
            clip = await self._carry_out(clip_id, asked, principal)
        except Exception as error:
            # The outermost frame of one clip: the others still get theirs.
            problem = as_problem(error)
            if problem is None:
                self._failed("batch")
                log.exception("%s of clip %s failed", asked.action, clip_id)
                problem = internal_problem()
            said = BatchErrorJson(status=problem.status, title=problem.title, detail=problem.detail)
            return BatchResultJson(id=clip_id, ok=False, clip=None, error=said)
        told = None if clip is None else self._clips.json(clip)
        return BatchResultJson(id=clip_id, ok=True, clip=told, error=None)

    async def _carry_out(self, clip_id: str, asked: BatchRequest, principal: Principal) -> Clip | None:
        try:
            clip = await self._clips.get(clip_id)
        except Problem as problem:
            if problem.status == 404 and asked.action == "delete":
                return None  # gone already, as was asked
            raise
        authorise(principal, _NEEDS.get(asked.action, Action.MANAGE), clip.camera)
        match asked.action:
            case "publish":
                return await self._publishing.publish(clip_id, caption=asked.caption, at=asked.at)
            case "unpublish":
                return await self._publishing.unpublish(clip_id)
            case "retry":
                return await self._retry(clip)
            case "delete":
                await self._delete(clip_id)
                return None

    async def _retry(self, clip: Clip) -> Clip:
        if clip.status is not Status.FAILED:
            return clip  # under way or finished, as was asked
        return await self._clips.retry(clip.id)

    async def _delete(self, clip_id: str) -> None:
        try:
            await self._clips.delete(clip_id)
        except ClipUnknown:
            log.debug("clip %s was deleted by somebody else meanwhile", clip_id)
