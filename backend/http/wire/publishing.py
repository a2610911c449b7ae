"""Publishing, the feed, likes and batches as JSON."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from backend.base.ids import is_id
from backend.clips.requests import BatchOrder
from backend.http.wire.clips import CameraName, Caption, ClipJson
from backend.http.wire.times import RequestModel, RequestTime, ResponseModel

MOST_AT_ONCE = 200
"""Ids in one batch or archive: what fits into one line of an address."""


class PublishRequest(RequestModel):
    """`POST /api/clips/{id}/publish`."""

    caption: Caption | None = Field(default=None, description="Left out or null: stays as it is.")
    at: RequestTime | None = Field(
        default=None, description="Left out, null or past: now. Later: the draft waits until then."
    )


class FeedQuery(RequestModel):
    """`GET /api/feed` and `GET /api/drafts`."""

    camera: CameraName | None = None
    q: str | None = Field(default=None, max_length=200, description="Words of title, caption and tags.")
    media_type: Literal["video", "image"] | None = None
    cursor: str | None = Field(default=None, max_length=500)
    limit: int = Field(default=50, ge=1, le=200)


class LikeJson(ResponseModel):
    """`GET /api/clips/{id}/like`."""

    clip_id: str
    likes: int
    liked: bool = Field(description="By the caller.")


def _distinct_ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    for clip_id in ids:
        if not is_id(clip_id):
            raise ValueError("must be ids of clips")
    return tuple(dict.fromkeys(ids))


ClipIds = Annotated[
    tuple[Annotated[str, Field(max_length=36)], ...],
    Field(min_length=1, max_length=MOST_AT_ONCE),
    AfterValidator(_distinct_ids),
]


class IdList(RequestModel):
    """Ids of clips, wherever they are listed."""

    ids: ClipIds


class BatchRequest(RequestModel):
    """`POST /api/clips/batch`."""

    action: Literal["publish", "unpublish", "delete", "retry"]
    ids: ClipIds = Field(description="An id given twice is dealt with once.")
    caption: Caption | None = Field(default=None, description="For publish.")
    at: RequestTime | None = Field(default=None, description="For publish.")

    def order(self) -> BatchOrder:
        """What the use case takes."""
        return BatchOrder(action=self.action, ids=self.ids, caption=self.caption, at=self.at)


class BatchErrorJson(ResponseModel):
    """Why one clip was not changed: what the same request for it alone would have answered."""

    status: int
    title: str
    detail: str
    code: str = Field(description="The kind of refusal, for programs.")
    params: dict[str, Any] = Field(description="What `detail` says in numbers and names.")


class BatchResultJson(ResponseModel):
    """What became of one clip."""

    id: str
    ok: bool = Field(description="The clip is now as requested, by this request or before it.")
    clip: ClipJson | None = Field(description="As it is now; null when it is gone or was not changed.")
    error: BatchErrorJson | None


class BatchJson(ResponseModel):
    """One result per id, in the order asked."""

    action: str
    done: int
    failed: int
    results: list[BatchResultJson]
