"""Where the objects of each kind lie."""

import pytest

from backend.catalogue.values import Root, StoredPath
from backend.storage.s3_settings import S3Place, S3Settings


@pytest.mark.parametrize(
    ("root", "there"),
    [
        (Root.CLIPS, ("one", "house/clips/public/id/clip.mp4")),
        (Root.THUMBNAILS, ("two", "public/id/clip.mp4")),
    ],
)
def test_a_key_is_found_below_the_prefix_of_its_kind(root: Root, there: tuple[str, str]) -> None:
    """Rows hold the key without it."""
    settings = S3Settings(
        "http://box", "key", "secret", clips=S3Place("one", "house/clips/"), thumbnails=S3Place("two")
    )
    assert settings.bucket_and_name(StoredPath(root, "public/id/clip.mp4")) == there


def test_neither_key_nor_secret_is_shown() -> None:
    """A traceback may print the settings."""
    shown = repr(S3Settings("http://box", "canary-key", "canary-secret"))
    assert "canary" not in shown


def test_a_place_is_named_without_its_last_slash() -> None:
    """In messages, and in the name of the store."""
    assert (str(S3Place("one")), str(S3Place("one", "a/b/"))) == ("one", "one/a/b")
