"""Choosing the picture that stands for a clip, as JSON."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field
from pydantic import WithJsonSchema as Schema

from backend.catalogue.values import Clip, PreviewInfo
from backend.http.wire.clips import thumbnail_url
from backend.http.wire.times import RequestModel, RequestTime, ResponseModel
from backend.pictures.manual import FrameToShow
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

NARROWEST_PX, WIDEST_PX = 16, 7680


def _number_or_nan(value: Any) -> float:
    # JSON has no NaN: a page that computed one sends null, other programs a text. All are answered alike.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


class ManualRequest(RequestModel):
    """`POST /api/clips/{id}/set_manual_from_timestamp`: one of `time`, `label` and `frame`."""

    time: Annotated[
        float | None,
        BeforeValidator(_number_or_nan),
        Schema(
            {
                "type": "number",
                "minimum": 0,
                "description": "Seconds from the start of the clip: the frame that is on show then. A player "
                "that ignores edit lists counts them from another picture.",
            }
        ),
    ] = None
    label: RequestTime | None = Field(
        default=None, description="The label of the frame, as GET frames lists it: start_time + offset."
    )
    frame: Annotated[int, Field(strict=True)] | None = Field(
        default=None, description="The number of the frame, from 0, in the order they are shown."
    )
    width: Annotated[int, Field(strict=True, ge=NARROWEST_PX, le=WIDEST_PX)] | None = Field(
        default=None, description="At most this wide; default: config previews.manual_width. Never scaled up."
    )
    overwrite: Annotated[bool, Field(strict=True)] = Field(
        default=True, description="false: refuse when there is a manual picture already."
    )

    def frame_to_show(self) -> FrameToShow:
        """What the use case takes. Refused unless one frame is named."""
        if sum(name is not None for name in (self.time, self.label, self.frame)) != 1:
            raise Refused(Kind.FRAME_NAMED_ONCE, field="time")
        return FrameToShow(self.time, self.width, self.overwrite, self.label, self.frame)


class PromoteRequest(RequestModel):
    """`POST /api/clips/{id}/promote_preview`."""

    source: Literal["current", "middle"]


class ManualJson(ResponseModel):
    """The manual picture is set."""

    status: Literal["ok"] = "ok"
    path: str = Field(description="Of the PNG, below the directory or bucket of thumbnails.")
    width: int
    height: int
    thumbnail_url: str

    @classmethod
    def of(cls, clip: Clip, info: PreviewInfo) -> Self:
        return cls(path=info.path, width=info.width, height=info.height, thumbnail_url=thumbnail_url(clip))


class ManualErrorJson(ResponseModel):
    """The manual picture stays as it was."""

    status: Literal["error"] = "error"
    error: str = Field(description="What happened and what to do.")
    field: str | None = Field(default=None, description="The field at fault.")
