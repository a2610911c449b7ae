"""What every store shares."""

from backend.storage.object_store import origin_of


def test_an_origin_is_what_a_policy_names() -> None:
    """No path, no query, no user."""
    assert origin_of("https://me:pw@s3.example.org:9000/clips/a?b=c") == "https://s3.example.org:9000"
