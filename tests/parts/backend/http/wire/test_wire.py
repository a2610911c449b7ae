"""What goes over the wire, and what is refused at the door."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from backend.base.times import rfc3339
from backend.catalogue.lifecycle import Status
from backend.catalogue.values import ClipFacts, MediaType, PreviewInfo, Previews, PreviewSource
from backend.http.wire.cameras import CameraJson, StreamStatusJson, VideoBufferJson
from backend.http.wire.clips import (
    ClipJson,
    ClipPatch,
    ClipPreviewsJson,
    ClipQuery,
    ClipRequest,
    ExtendRequest,
    parse_statuses,
)
from backend.http.wire.times import parse_label
from backend.problems.refused import Refused
from recorder.base.values import (
    BufferStatus,
    CameraStatus,
    ClockState,
    Gap,
    StreamCounters,
    StreamState,
)
from tests.support.backend.clips import AT, ID, a_clip

DESIGNED_CLIP_FIELDS = (
    "id camera media_type title caption tags status progress error created_at start_time end_time clock "
    "requested covered duration_seconds frame_count gaps continued_from continued_by width height fps "
    "video_codec audio_codec size_bytes sha256 location thumbnail_url previews playback_url download_url "
    "publish_at published_at likes"
)


def a_camera(**changes: Any) -> CameraStatus:
    buffer = BufferStatus(1800, 60.0, AT, AT.replace(minute=1), 60.0, 1, 1830, 61.0, 9, 0)
    values: dict[str, Any] = {
        "camera_id": "front",
        "name": "Front door",
        "source": "rtsp://camera/",
        "state": StreamState.LIVE,
        "reason": "",
        "state_since": AT,
        "next_try": None,
        "last_error": None,
        "codec": "h264",
        "width": 1280,
        "height": 720,
        "fps": 30.0,
        "buffer": buffer,
        "counters": StreamCounters(),
        "clock": ClockState.SYNCHRONISED,
        "recordings": 0,
        "viewers": 0,
    }
    return CameraStatus(**(values | changes))


def as_json(model: Any) -> Any:
    return json.loads(model.model_dump_json())


def test_a_clip_has_every_field_of_the_design() -> None:
    """The names are fixed: pages and scripts rely on them."""
    clip = as_json(ClipJson.of(a_clip(gaps=(Gap(AT, AT.replace(second=2), "silent"),))))
    assert set(DESIGNED_CLIP_FIELDS.split()) <= set(clip)
    assert clip["start_time"] == "2025-10-26T08:00:00.000000Z"
    assert clip["requested"] == {"before_seconds": 15.0, "after_seconds": 15.0}
    assert clip["gaps"][0]["duration_seconds"] == 2.0
    assert clip["playback_url"] == f"/api/clips/{ID}/playback/stream"


def test_a_clip_under_way_offers_no_file_but_its_progress() -> None:
    """The recorder's own numbers beat those of the row."""
    clip = ClipJson.of(
        a_clip(status=Status.PENDING, duration_s=None), ClipFacts(progress=0.5, recorded_s=7.5)
    )
    assert (clip.progress, clip.duration_seconds) == (0.5, 7.5)
    assert clip.playback_url is clip.download_url is None


def test_what_is_published_is_downloaded_without_what_it_hides() -> None:
    """At any length of the lead-in, and none; a draft is its owner's own, and a picture hides nothing."""
    own = f"/api/clips/{ID}/download"
    for lead_in_s in (None, 0.0, 0.03, 0.6):
        urls = [
            ClipJson.of(a_clip(status=status, lead_in_s=lead_in_s)).download_url
            for status in (Status.DRAFT, Status.PUBLISHED)
        ]
        assert urls == [own, f"{own}?form=clean"]
    assert ClipJson.of(a_clip(status=Status.PUBLISHED, media_type=MediaType.IMAGE)).download_url == own


def test_an_image_is_shown_and_not_played() -> None:
    """A snapshot has the picture's address and no playback."""
    clip = ClipJson.of(a_clip(media_type=MediaType.IMAGE))
    assert clip.playback_url is None
    assert clip.image_url == f"/api/clips/{ID}/download?inline=true"


CURRENT, MIDDLE, MANUAL = (PreviewInfo(f"{n}.jpg", 640, 360, 2) for n in ("current", "middle", "manual"))


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, None),
        ({"previews": Previews(current=CURRENT)}, "current"),
        ({"previews": Previews(current=CURRENT, middle=MIDDLE)}, "middle"),
        ({"previews": Previews(CURRENT, MIDDLE), "thumbnail": PreviewSource.CURRENT}, "current"),
        ({"previews": Previews(CURRENT, MIDDLE), "status": Status.PENDING}, "current"),
        ({"previews": Previews(CURRENT, MIDDLE, MANUAL), "status": Status.PENDING}, "manual"),
    ],
)
def test_the_card_shows_the_preview_of_highest_priority(changes: dict[str, Any], chosen: str | None) -> None:
    """Manual beats all; current until done; then what the request asked for."""
    previews = ClipPreviewsJson.of(a_clip(**changes))
    assert previews.chosen == chosen
    wanted = f"?source={chosen}&v=2" if chosen else ""
    assert previews.thumbnail_url == f"/api/clips/{ID}/thumbnail{wanted}"


def test_the_given_endpoints_print_naive_times_and_the_same_with_a_zone() -> None:
    """The user's own format, and beside it one that a browser reads right."""
    status = as_json(StreamStatusJson.of(a_camera()))
    assert status["stream_running"] is True
    assert status["buffer"]["frame_count"] == 1800
    assert status["buffer"]["duration_seconds"] == 60.0
    assert status["buffer"]["oldest_frame"] == "2025-10-26T08:00:00.000000"
    assert status["buffer"]["newest_frame_utc"] == "2025-10-26T08:01:00.000000Z"
    video = as_json(VideoBufferJson.of_camera(a_camera()))
    assert (video["newest_frame"], video["fps"]) == ("2025-10-26T08:01:00.000000", 30.0)


def test_a_camera_tells_every_counter() -> None:
    """A counter added to the recorder cannot be forgotten on the wire."""
    camera = as_json(CameraJson.of(a_camera(), default=True))
    assert set(camera["counters"]) == set(StreamCounters.__slots__)
    assert camera["buffer"]["newest_frame"] == "2025-10-26T08:01:00.000000Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"before_seconds": -1}, "before_seconds"),
        ({"before_seconds": 3601}, "before_seconds"),
        ({"before_seconds": "15"}, "before_seconds"),
        ({"after_seconds": 1e300}, "after_seconds"),
        ({"after_seconds": float("nan")}, "after_seconds"),
        ({"after_seconds": True}, "after_seconds"),
        ({"at": 1761465600}, "at"),
        ({"at": "2025-10-26"}, "at"),
        ({"start": "2025-13-01T00:00:00Z"}, "start"),
        ({"thumbnail": "manual"}, "thumbnail"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"caption": "\ud800"}, "caption"),
        ({"tags": "dog"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"camra": "front"}, "camra"),
        ({"id": "../../etc"}, "id"),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_field(body: dict[str, Any], field: str) -> None:
    """The first location of the finding is the field's name."""
    with pytest.raises(ValidationError) as refusal:
        ClipRequest.model_validate(body)
    assert refusal.value.errors()[0]["loc"][0] == field


def test_null_after_seconds_means_until_stopped_and_nothing_the_default() -> None:
    """The two must stay apart although both read as None."""
    assert ClipRequest.model_validate({"after_seconds": None}).options().until_stopped
    assert not ClipRequest.model_validate({}).options().until_stopped
    assert not ClipRequest.model_validate({"after_seconds": 0}).options().until_stopped


def test_times_come_in_aware_or_naive_and_mean_utc() -> None:
    """An offset is converted, none is taken as UTC."""
    for text in ("2025-10-26T08:00:00", "2025-10-26T08:00:00Z", "2025-10-26T10:00:00.000000+02:00"):
        assert ClipRequest.model_validate_json(json.dumps({"at": text})).at == AT
        assert parse_label(text) == AT
    assert rfc3339(AT) == "2025-10-26T08:00:00.000000Z"


def test_tags_are_distinct_and_trimmed() -> None:
    """The same tag twice is one."""
    assert ClipPatch.model_validate_json('{"tags": ["dog", "dog ", "cat"]}').tags == ("dog", "cat")


@pytest.mark.parametrize("seconds", [0, -1, 1e9, None])
def test_an_extension_is_a_positive_length(seconds: float | None) -> None:
    """Nothing, less than nothing and for ever are refused."""
    with pytest.raises(ValidationError):
        ExtendRequest.model_validate({"seconds": seconds})


def test_a_query_is_read_from_strings() -> None:
    """Names that are words of Python travel under their own."""
    query = ClipQuery.model_validate_strings({"from": "2025-10-26T08:00:00Z", "limit": "5"})
    assert (query.from_, query.limit) == (AT, 5)


def test_states_are_a_comma_list_and_unknown_ones_refused() -> None:
    """A misspelt state must not list nothing."""
    assert parse_statuses("draft, failed") == {Status.DRAFT, Status.FAILED}
    assert parse_statuses(None) == frozenset()
    with pytest.raises(Refused, match="known here"):
        parse_statuses("darft")
