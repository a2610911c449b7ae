"""What of a clip belongs at the store, in every state it can be in."""

import pytest

from backend.catalogue import MediaType, PreviewInfo, Previews, Root
from backend.catalogue.lifecycle import FINISHED, Status
from backend.storage.upload_plan import wanted
from tests.support.backend.clips import a_clip

EXACT = PreviewInfo("id/current.jpg", 640, 360, version=3)
ROUGH = PreviewInfo("id/current.jpg", 640, 360, version=2, approximate=True)


@pytest.mark.parametrize("status", [status for status in Status if status not in FINISHED])
def test_nothing_of_an_unfinished_clip_leaves_the_disk(status: Status) -> None:
    """A part file is nobody's video yet."""
    assert wanted(a_clip(status=status, path="id/clip.mp4"), public_urls=True) == ()


def test_a_draft_is_private_whatever_is_configured() -> None:
    """`public_urls` is for what was published."""
    (only,) = wanted(a_clip(status=Status.DRAFT, path="id/clip.mp4", size_bytes=7), public_urls=True)
    assert (only.root, only.path, only.key, only.size_bytes) == (Root.CLIPS, "id/clip.mp4", "id/clip.mp4", 7)


def test_a_published_clip_has_a_public_copy_only_where_that_is_configured() -> None:
    """The private one stays, so that unpublishing only deletes."""
    clip = a_clip(status=Status.PUBLISHED, path="id/clip.mp4")
    assert [one.key for one in wanted(clip, public_urls=False)] == ["id/clip.mp4"]
    assert [one.key for one in wanted(clip, public_urls=True)] == ["id/clip.mp4", "public/id/clip.mp4"]


def test_pictures_follow_once_they_are_exact() -> None:
    """An approximate one is replaced within a second; its version tells the next one from it."""
    rough = a_clip(previews=Previews(current=ROUGH))
    assert [one.root for one in wanted(rough, public_urls=False)] == [Root.CLIPS]
    picture = wanted(a_clip(previews=Previews(current=EXACT)), public_urls=False)[1]
    assert (picture.root, picture.key, picture.version) == (Root.THUMBNAILS, "id/current.jpg", 3)


def test_snapshots_go_the_same_way() -> None:
    """They are rows like any other."""
    clip = a_clip(status=Status.DRAFT, path="id/snapshot.jpg", media_type=MediaType.IMAGE)
    assert [one.key for one in wanted(clip, public_urls=False)] == ["id/snapshot.jpg"]
