"""From draft to feed and back, over HTTP."""

from typing import Any

from tests.support.daemon import Daemon


def a_draft(daemon: Daemon, **more: Any) -> dict[str, Any]:
    answer = daemon.post("/api/clips", {"before_seconds": 0.5, "after_seconds": 0} | more)
    assert answer.status == 201, answer.body
    clip: dict[str, Any] = answer.json()
    return clip


def ids(daemon: Daemon, path: str) -> list[str]:
    return [clip["id"] for clip in daemon.get(path).json()["clips"]]


def test_a_clip_goes_to_the_feed_and_back(daemon: Daemon) -> None:
    """With a caption; it leaves the drafts, stands on top of the feed, and comes back."""
    first, second = a_draft(daemon, title="Tür"), a_draft(daemon)
    daemon.post(f"/api/clips/{first['id']}/publish")
    answer = daemon.post(f"/api/clips/{second['id']}/publish", {"caption": "狐 at the gate"})
    published = answer.json()
    assert (answer.status, published["status"], published["caption"]) == (200, "published", "狐 at the gate")
    assert published["published_at"].endswith("Z")
    assert ids(daemon, "/api/feed")[:2] == [second["id"], first["id"]]
    assert ids(daemon, "/api/feed?q=tur") == [first["id"]]
    assert second["id"] not in ids(daemon, "/api/drafts")
    back = daemon.post(f"/api/clips/{second['id']}/unpublish").json()
    assert (back["status"], back["published_at"]) == ("draft", None)
    assert ids(daemon, "/api/drafts")[0] == second["id"]
    assert second["id"] not in ids(daemon, "/api/feed")
