"""Names for people, and which clips can be played."""

from datetime import datetime
from pathlib import Path

import pytest

from backend.catalogue import MediaType
from backend.errors import Problem
from backend.lifecycle import Status
from backend.playback import Playback, disposition, readable_name
from tests.backend.clips import ID, a_clip

PLAYBACK = Playback(Path("clips"))


def test_a_finished_video_is_streamed_by_the_daemon() -> None:
    """One address, no expiry, the file below clips_dir under its hash."""
    told = PLAYBACK.resolve(a_clip())
    assert (told.mode, told.provider, told.expires_at) == ("proxy_stream", "local", None)
    assert told.playback_url == f"/api/clips/{ID}/playback/stream"
    file = PLAYBACK.stream(a_clip())
    assert (file.path, file.content_type, file.etag) == (
        Path("clips") / ID / "clip.mp4",
        "video/mp4",
        "0" * 64,
    )


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED])
def test_what_is_not_finished_is_not_ready(status: Status) -> None:
    """409, and a failed clip says why."""
    clip = a_clip(status=status, path=None, error="The disk is full.")
    for ask in (PLAYBACK.resolve, PLAYBACK.stream, lambda clip: PLAYBACK.download(clip, inline=False)):
        with pytest.raises(Problem) as refusal:
            ask(clip)
        assert (refusal.value.status, "The disk is full." in refusal.value.detail) == (409, True)


def test_an_image_is_downloaded_and_not_played() -> None:
    """400 for playback, its own type for the download."""
    image = a_clip(media_type=MediaType.IMAGE, path=f"{ID}/snapshot.jpg")
    with pytest.raises(Problem) as refusal:
        PLAYBACK.resolve(image)
    assert refusal.value.status == 400
    assert PLAYBACK.download(image, inline=True).content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("", "front 2025-10-26 08-00-00Z.mp4"),
        ("Fox by the hedge", "Fox by the hedge 2025-10-26 08-00-00Z.mp4"),
        ("../../etc/passwd", "etc passwd 2025-10-26 08-00-00Z.mp4"),
        ('a\r\nX: "b"', "a X b 2025-10-26 08-00-00Z.mp4"),
        (" . ", "front 2025-10-26 08-00-00Z.mp4"),
        ("x" * 200, "x" * 80 + " 2025-10-26 08-00-00Z.mp4"),
        ("猫", "猫 2025-10-26 08-00-00Z.mp4"),
    ],
)
def test_a_download_has_a_name_that_people_can_read(title: str, name: str) -> None:
    """No separators, no quotes, no line ends, whatever the title holds."""
    assert readable_name(a_clip(title=title, start_time=datetime(2025, 10, 26, 8))) == name


def test_the_header_carries_any_name(tmp_path: Path) -> None:
    """ASCII for old clients, UTF-8 by RFC 6266 for the rest."""
    assert disposition("Häuser 100%.mp4", inline=False) == (
        "attachment; filename=\"Hauser 100_.mp4\"; filename*=UTF-8''H%C3%A4user%20100%25.mp4"
    )
    assert disposition("猫", inline=True) == "inline; filename=\"clip\"; filename*=UTF-8''%E7%8C%AB"
