"""From draft to feed and back, and promises to publish that a kill does not break."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.daemon import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("publishing")) as running:
        running.wait_for_buffer(1)
        yield running


def a_draft(daemon: Daemon, **more: Any) -> dict[str, Any]:
    answer = daemon.post("/api/clips", {"before_seconds": 0.5, "after_seconds": 0} | more)
    assert answer.status == 201, answer.body
    clip: dict[str, Any] = answer.json()
    return clip


def ids(daemon: Daemon, path: str) -> list[str]:
    return [clip["id"] for clip in daemon.get(path).json()["clips"]]


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


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


def test_a_promise_survives_a_kill_and_is_kept_in_time(daemon: Daemon) -> None:
    """Killed before it was due, started after: published within five seconds of being ready."""
    soon, overdue, never = (a_draft(daemon) for _ in range(3))
    waiting = daemon.post(f"/api/clips/{soon['id']}/publish", {"at": in_seconds(4)}).json()
    at = datetime.fromisoformat(waiting["publish_at"]).timestamp()
    assert (waiting["status"], waiting["published_at"]) == ("draft", None)
    assert soon["id"] in ids(daemon, "/api/drafts")
    daemon.post(f"/api/clips/{overdue['id']}/publish", {"at": in_seconds(0.2)})
    daemon.post(f"/api/clips/{never['id']}/publish", {"at": in_seconds(0.2)})
    daemon.post(f"/api/clips/{never['id']}/unpublish")
    daemon.kill()
    daemon.start()
    ready = time.time()
    done = daemon.wait_for_clip(soon["id"], "published")
    assert at <= datetime.fromisoformat(done["published_at"]).timestamp() <= max(at, ready) + 5
    assert done["publish_at"] is None
    daemon.wait_for_clip(overdue["id"], "published")
    assert ids(daemon, "/api/feed")[0] in (soon["id"], overdue["id"])
    assert daemon.clip(never["id"])["status"] == "draft"
