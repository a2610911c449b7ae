"""What recordings cost, as JSON."""

from typing import Annotated, Self

from pydantic import Field

from backend.clips.requests import LONGEST_PLANNED_S
from backend.http.wire.times import JsonSeconds, RequestModel, ResponseModel, Time
from backend.retention.budget import Credits
from backend.retention.estimates import Estimate


class BudgetQuery(RequestModel):
    """`GET /api/budget`."""

    camera: str | None = Field(default=None, max_length=40, description="Only this one; default: all.")
    seconds: Annotated[JsonSeconds, Field(gt=0, le=LONGEST_PLANNED_S)] | None = Field(
        default=None,
        description="Length of the clip; default: what Record takes (until stopped: 60 s).",
    )


class EstimateJson(ResponseModel):
    """Bytes, and where the estimate comes from."""

    size_bytes: int
    basis: str = Field(
        description="buffer: the bitrate now; clips: what was recorded last; size: the number of pixels"
    )

    @classmethod
    def of(cls, estimate: Estimate | None, times: float = 1.0) -> Self | None:
        if estimate is None:
            return None
        return cls(size_bytes=round(estimate.amount * times), basis=estimate.basis.value)


class CameraBudgetJson(ResponseModel):
    """What one camera's recordings take; null while nothing is known about it."""

    camera: str
    bytes_per_second: int | None
    clip: EstimateJson | None
    snapshot: EstimateJson | None
    hours_left: float | None = Field(description="Hours of clips that fit into what is available.")


class RoomJson(ResponseModel):
    """The disk of the clips."""

    total_bytes: int
    free_bytes: int
    reserve_bytes: int = Field(description="Kept free: retention.reserve.")
    available_bytes: int = Field(description="What recordings may still take.")
    refusal: str | None = Field(description="Why recordings are refused now (507); null: they are not.")


class CreditsJson(ResponseModel):
    """Credits of everybody on this box together."""

    limit: int
    spent: int
    left: int
    period_seconds: float
    refills_at: Time
    snapshot_cost: int
    clip_cost: int

    @classmethod
    def of(cls, credits: Credits | None) -> Self | None:
        if credits is None:
            return None
        return cls(
            limit=credits.limit,
            spent=credits.spent,
            left=credits.left,
            period_seconds=credits.period_s,
            refills_at=credits.refills_at,
            snapshot_cost=credits.snapshot_cost,
            clip_cost=credits.clip_cost,
        )


class BudgetJson(ResponseModel):
    """`GET /api/budget`."""

    seconds: float
    cameras: list[CameraBudgetJson]
    disk: RoomJson
    hours_left: float | None = Field(description="At the mean bitrate of these cameras.")
    credits: CreditsJson | None = Field(description="Null: recordings cost none.")
