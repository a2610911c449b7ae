"""What would leave the disk, as JSON."""

from datetime import datetime
from typing import Self

from pydantic import Field

from backend.http.wire.times import ResponseModel, Time
from backend.retention.plan import Leaving, Plan
from backend.retention.sweep import Survey


class LeavingJson(ResponseModel):
    """One clip that goes, and why."""

    clip_id: str
    camera: str
    status: str
    size_bytes: int
    dated: Time = Field(description="What its age counts from.")
    cause: str = Field(description="age, count, size or reserve")
    reason: str
    deed: str = Field(description="delete, or reclaim: only the local copy, the store has its own")
    waits: bool = Field(description="For a person's approval.")

    @classmethod
    def of(cls, leaving: Leaving, *, waits: bool) -> Self:
        row = leaving.row
        return cls(
            clip_id=row.id,
            camera=row.camera,
            status=row.status.value,
            size_bytes=row.size_bytes,
            dated=row.dated,
            cause=leaving.cause.value,
            reason=leaving.reason,
            deed=leaving.removal.value,
            waits=waits,
        )


class ClockTrustJson(ResponseModel):
    """Whether ages count."""

    trusted: bool
    reason: str | None


class HoldJson(ResponseModel):
    """What waits for a person: POST /api/retention/approve."""

    since: Time | None
    reason: str
    clips: int
    size_bytes: int


class RetentionJson(ResponseModel):
    """`GET /api/retention/preview`: exactly what the next sweep would do, in its order."""

    clips: list[LeavingJson]
    leaving: int
    leaving_bytes: int
    held: HoldJson | None
    clock: ClockTrustJson
    free_bytes: int
    reserve_bytes: int
    missing_bytes: int = Field(description="Of the reserve, that no deletion can bring.")

    @classmethod
    def of(cls, survey: Survey) -> Self:
        plan = survey.plan
        return cls(
            clips=[LeavingJson.of(one, waits=False) for one in plan.leaving]
            + [LeavingJson.of(one, waits=True) for one in plan.held],
            leaving=len(plan.leaving),
            leaving_bytes=sum(one.row.size_bytes for one in plan.leaving),
            held=_hold(plan, survey),
            clock=ClockTrustJson(trusted=survey.clock.doubt is None, reason=survey.clock.doubt),
            free_bytes=survey.disk.free_bytes,
            reserve_bytes=survey.rules.reserve_bytes,
            missing_bytes=plan.short_bytes,
        )


def _hold(plan: Plan, survey: Survey) -> HoldJson | None:
    if plan.why_held is None:
        return None
    return HoldJson(
        since=None if survey.held_since is None else datetime.fromisoformat(survey.held_since),
        reason=plan.why_held,
        clips=len(plan.held),
        size_bytes=sum(one.row.size_bytes for one in plan.held),
    )
