"""Clips and snapshots as JSON: requests and responses."""

import unicodedata
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from backend.catalogue.lifecycle import FINISHED, UNFINISHED, Status
from backend.catalogue.values import (
    ROW_ALONE,
    Clip,
    ClipFacts,
    ClipPage,
    MediaType,
    PreviewInfo,
    PreviewSource,
)
from backend.clips.requests import MOST_AFTER_S, MOST_BEFORE_S, ClipChanges, RecordOptions, SnapshotOptions
from backend.http.wire.times import JsonSeconds, RequestModel, RequestTime, ResponseModel, Time
from backend.playback.playback import PlaybackAddress
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder.base.values import Gap


def _plain_text(text: str) -> str:
    for character in text:
        # NUL and lone surrogates cannot be stored, other control characters cannot be seen.
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
            raise ValueError("must not hold control characters")
    return text.strip()


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


Title = Annotated[str, Field(max_length=200), AfterValidator(_plain_text)]
Caption = Annotated[str, Field(max_length=5000), AfterValidator(_plain_text)]
Tag = Annotated[str, Field(max_length=50), AfterValidator(_plain_text), Field(min_length=1)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=20), AfterValidator(_distinct)]
CameraName = Annotated[str, Field(max_length=40)]
Before = Annotated[JsonSeconds, Field(ge=0, le=MOST_BEFORE_S)]
After = Annotated[JsonSeconds, Field(ge=0, le=MOST_AFTER_S)]


class ClipRequest(RequestModel):
    """`POST /api/clips`. Seconds around `at`, or `start` and `end`; every field may be left out."""

    camera: CameraName | None = Field(default=None, description="The first camera when left out.")
    at: RequestTime | None = Field(
        default=None, description="The label of the frame seen; default: the newest."
    )
    before_seconds: Before | None = Field(
        default=None, description="Default: config recording.before_seconds."
    )
    after_seconds: After | None = Field(
        default=None, description="Left out: config recording.after_seconds. null: until stopped."
    )
    start: RequestTime | None = Field(default=None, description="Absolute span, with `end`.")
    end: RequestTime | None = None
    replay: str | None = Field(
        default=None,
        max_length=64,
        description="The token of an open replay: take `start` to `end` from what it shows, "
        "though the buffer may have moved on.",
    )
    thumbnail: Literal["middle", "current"] = "middle"
    title: Title = ""
    caption: Caption = ""
    tags: Tags = ()

    def options(self) -> RecordOptions:
        """What the use case takes."""
        return RecordOptions(
            camera=self.camera,
            at=self.at,
            before_s=self.before_seconds,
            after_s=self.after_seconds,
            until_stopped="after_seconds" in self.model_fields_set and self.after_seconds is None,
            start=self.start,
            end=self.end,
            replay=self.replay,
            thumbnail=PreviewSource(self.thumbnail),
            title=self.title,
            caption=self.caption,
            tags=self.tags,
        )


class SnapshotRequest(RequestModel):
    """`POST /api/snapshots`."""

    camera: CameraName | None = Field(default=None, description="The first camera when left out.")
    at: RequestTime | None = Field(default=None, description="The label of the frame; default: the newest.")
    title: Title = ""
    caption: Caption = ""
    tags: Tags = ()

    def options(self) -> SnapshotOptions:
        """What the use case takes."""
        return SnapshotOptions(**self.model_dump())


class ClipPatch(RequestModel):
    """`PATCH /api/clips/{id}`: what is left out stays as it is."""

    title: Title = ""
    caption: Caption = ""
    tags: Tags = ()
    thumbnail: Literal["middle", "current"] = "middle"
    keep: bool = Field(default=False, description="A favourite: no retention rule deletes it.")

    def changes(self) -> ClipChanges:
        """What the use case takes: the fields that were given."""
        given = self.model_dump(include=self.model_fields_set)
        if "thumbnail" in given:
            given["thumbnail"] = PreviewSource(self.thumbnail)
        return ClipChanges(**given)


class ExtendRequest(RequestModel):
    """`POST /api/clips/{id}/extend`."""

    seconds: Annotated[JsonSeconds, Field(gt=0, le=MOST_AFTER_S)]


class ClipQuery(RequestModel):
    """`GET /api/clips`."""

    status: str | None = Field(default=None, description="One or more states, separated by commas.")
    camera: CameraName | None = None
    q: str | None = Field(default=None, max_length=200, description="Words of title, caption and tags.")
    from_: RequestTime | None = Field(default=None, alias="from", description="start_time at or after this.")
    to: RequestTime | None = Field(default=None, description="start_time before this.")
    media_type: Literal["video", "image"] | None = None
    keep: bool | None = Field(default=None, description="Only favourites, or all but them.")
    cursor: str | None = Field(default=None, max_length=500)
    limit: int = Field(default=50, ge=1, le=200)


class AroundJson(ResponseModel):
    """Seconds before and after the press; None: an absolute span, or until stopped."""

    before_seconds: float | None
    after_seconds: float | None


class GapJson(ResponseModel):
    """An outage inside the clip: the last frame before it is held."""

    start: Time
    end: Time
    duration_seconds: float
    reason: str

    @classmethod
    def of(cls, gap: Gap) -> Self:
        length_s = (gap.end - gap.start).total_seconds()
        return cls(start=gap.start, end=gap.end, duration_seconds=length_s, reason=gap.reason)


class PreviewJson(ResponseModel):
    """One preview picture."""

    url: str
    width: int
    height: int
    approximate: bool = Field(description="A keyframe near the moment; the exact frame follows.")


class PreviewsJson(ResponseModel):
    """The previews a clip has, by source."""

    current: PreviewJson | None
    middle: PreviewJson | None
    manual: PreviewJson | None


class ClipPreviewsJson(ResponseModel):
    """`GET /api/clips/{id}/previews`."""

    clip_id: str
    chosen: str | None = Field(description="The source that the card shows now; null: a placeholder.")
    thumbnail_url: str
    previews: PreviewsJson

    @classmethod
    def of(cls, clip: Clip) -> Self:
        chosen = clip.chosen_preview
        return cls(
            clip_id=clip.id,
            chosen=chosen.value if chosen else None,
            thumbnail_url=thumbnail_url(clip),
            previews=_previews(clip),
        )


class ClipJson(ResponseModel):
    """One clip or snapshot."""

    number: int = Field(description="The order of recording, with holes: lists go by it, and no clock does.")
    id: str
    camera: str
    media_type: str
    title: str
    caption: str
    tags: tuple[str, ...]
    status: str = Field(description="pending, processing, draft, published or failed")
    progress: float | None = Field(description="0 to 1 while under way; null: open-ended, or done.")
    error: str | None
    retryable: bool
    created_at: Time
    pressed_at: Time
    start_time: Time
    end_time: Time | None
    planned_end: Time | None
    clock: str
    requested: AroundJson
    covered: AroundJson
    duration_seconds: float | None
    frame_count: int | None
    gaps: list[GapJson]
    continued_from: str | None
    continued_by: str | None
    width: int | None
    height: int | None
    fps: float | None
    video_codec: str | None
    audio_codec: str | None = Field(description="Null: no sound, or not finished yet.")
    lead_in_seconds: float | None = Field(
        description="How long the pictures are that the file hides before its first; download?form=clean "
        "is without them, and without what is hidden behind the last."
    )
    size_bytes: int | None
    sha256: str | None
    location: str
    keep: bool = Field(description="A favourite: no retention rule deletes it.")
    thumbnail: str
    thumbnail_url: str
    previews: PreviewsJson
    playback_url: str | None = Field(description="Null until ready, and for images.")
    download_url: str | None = Field(description="Null until ready. Of published videos: the clean form.")
    image_url: str | None = Field(description="The picture itself; null for videos.")
    public_url: str | None = Field(
        description="A lasting address at the object store that everybody may read; published clips only."
    )
    publish_at: Time | None
    published_at: Time | None
    feed_number: int | None = Field(description="The order of publication; null: not published.")
    likes: int
    version: int

    @classmethod
    def of(cls, clip: Clip, facts: ClipFacts = ROW_ALONE) -> Self:
        ready = clip.status in FINISHED
        video = clip.media_type is MediaType.VIDEO
        base = f"/api/clips/{clip.id}"
        under_way = clip.status in UNFINISHED
        converted = {
            "progress": (clip.progress if facts.progress is None else facts.progress) if under_way else None,
            "requested": AroundJson(
                before_seconds=clip.requested_before_s, after_seconds=clip.requested_after_s
            ),
            "covered": AroundJson(before_seconds=clip.covered_before_s, after_seconds=clip.covered_after_s),
            "duration_seconds": clip.duration_s
            if not under_way or facts.recorded_s is None
            else facts.recorded_s,
            "gaps": [GapJson.of(gap) for gap in clip.gaps],
            "lead_in_seconds": clip.lead_in_s,
            "thumbnail_url": thumbnail_url(clip),
            "previews": _previews(clip),
            "playback_url": f"{base}/playback/stream" if ready and video else None,
            "download_url": _download_url(clip) if ready else None,
            "public_url": facts.public_url,
            "image_url": f"{base}/download?inline=true" if ready and not video else None,
        }
        return cls.model_validate({name: getattr(clip, name) for name in _AS_THEY_ARE} | converted)


_AS_THEY_ARE = ClipJson.model_fields.keys() & {field.name for field in fields(Clip)}


class ClipListJson(ResponseModel):
    """One page of clips, newest first."""

    clips: list[ClipJson]
    next_cursor: str | None

    @classmethod
    def of(cls, page: ClipPage) -> Self:
        return cls(clips=[ClipJson.of(clip) for clip in page.items], next_cursor=page.next_cursor)


class PlaybackJson(ResponseModel):
    """`GET /api/clips/{id}/playback`: where a player gets the clip."""

    clip_id: str
    media_type: str
    provider: str = Field(description="Who serves the bytes: local, or the object store.")
    mode: Literal["direct_url", "proxy_stream"]
    playback_url: str
    expires_at: Time | None
    mime_type: str

    @classmethod
    def of(cls, clip: Clip, found: PlaybackAddress) -> Self:
        return cls(
            clip_id=clip.id,
            media_type=clip.media_type,
            provider=found.provider,
            mode=found.mode.value,
            playback_url=found.url,
            expires_at=found.expires_at,
            mime_type=found.mime_type,
        )


class ClipFramesJson(ResponseModel):
    """`GET /api/clips/{id}/frames`: the frames of a finished video."""

    clip_id: str
    frame_count: int
    start_time: Time
    end_time: Time
    frame_offsets_us: list[int] = Field(
        description="For every frame, microseconds from start_time to its label; a player shows it that long "
        "after the start."
    )
    media_start_seconds: float = Field(
        description="Where the first frame lies on the clock of the file's own media, behind what is hidden: "
        "some browsers report this clock as a frame's mediaTime."
    )

    @classmethod
    def of(cls, clip: Clip, offsets_us: Sequence[int], media_start_s: float) -> Self:
        return cls(
            clip_id=clip.id,
            frame_count=len(offsets_us),
            start_time=clip.start_time,
            end_time=clip.start_time + timedelta(seconds=clip.duration_s or 0.0),
            frame_offsets_us=list(offsets_us),
            media_start_seconds=media_start_s,
        )


def _download_url(clip: Clip) -> str:
    """A draft is its owner's and downloaded as it was recorded; what is published is for others."""
    clean = clip.status is Status.PUBLISHED and clip.media_type is MediaType.VIDEO
    return f"/api/clips/{clip.id}/download{'?form=clean' if clean else ''}"


def thumbnail_url(clip: Clip) -> str:
    """The versioned address of what the card shows; without a version it is the placeholder."""
    source = clip.chosen_preview
    info = clip.previews.of(source) if source else None
    return f"/api/clips/{clip.id}/thumbnail" if source is None or info is None else _url(clip, source, info)


def _url(clip: Clip, source: PreviewSource, info: PreviewInfo) -> str:
    return f"/api/clips/{clip.id}/thumbnail?source={source}&v={info.version}"


def _previews(clip: Clip) -> PreviewsJson:
    def one(source: PreviewSource) -> PreviewJson | None:
        info = clip.previews.of(source)
        if info is None:
            return None
        return PreviewJson(
            url=_url(clip, source, info), width=info.width, height=info.height, approximate=info.approximate
        )

    return PreviewsJson(
        current=one(PreviewSource.CURRENT), middle=one(PreviewSource.MIDDLE), manual=one(PreviewSource.MANUAL)
    )


def parse_statuses(text: str | None) -> frozenset[Status]:
    """A comma list of states. Refused when one is unknown."""
    if text is None:
        return frozenset()
    known = {status.value for status in Status}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise Refused(Kind.QUERY_STATE_UNKNOWN, field="status", given=name[:40], known=listed)
    return frozenset(Status(name) for name in names)
