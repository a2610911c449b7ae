"""From draft to feed over HTTP: publish, promises across a kill, likes, batches."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.daemon import Daemon

GHOST = "0199f0d0-0000-7000-8000-000000000001"


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


def test_a_recording_is_not_published_before_it_is_done(daemon: Daemon) -> None:
    """409 with what to do; an unknown clip is 404; a wrong time names its field."""
    running = daemon.post("/api/clips", {"after_seconds": None}).json()
    refused = daemon.post(f"/api/clips/{running['id']}/publish")
    assert (refused.status, "draft" in refused.json()["detail"]) == (409, True)
    assert daemon.post(f"/api/clips/{running['id']}/like").status == 409
    assert running["id"] in ids(daemon, "/api/drafts")
    assert daemon.request("DELETE", f"/api/clips/{running['id']}").status == 204
    assert daemon.post(f"/api/clips/{GHOST}/publish").status == 404
    wrong = daemon.post(f"/api/clips/{a_draft(daemon)['id']}/publish", {"at": "tomorrow"})
    assert (wrong.status, wrong.json()["field"]) == (422, "at")


def test_a_visitor_likes_once_and_browsers_are_told_apart(daemon: Daemon) -> None:
    """This machine without a key is one visitor, each browser session another."""
    clip = a_draft(daemon)
    path = f"/api/clips/{clip['id']}/like"
    assert [daemon.post(path).json()["likes"] for _ in range(2)] == [1, 1]
    key = (daemon.data_dir / "access_key").read_text().strip()
    for likes in (2, 3):
        session = daemon.post("/api/session", {"key": key})
        assert session.status < 300, session.body
        cookie = {"Cookie": session.headers["set-cookie"].split(";")[0]}
        assert daemon.request("POST", path, headers=cookie).json()["likes"] == likes
        assert daemon.request("GET", path, headers=cookie).json()["liked"] is True
    assert daemon.request("DELETE", path).json()["likes"] == 2
    assert daemon.get(path).json() == {"clip_id": clip["id"], "likes": 2, "liked": False}


def test_a_batch_gives_each_clip_its_own_answer(daemon: Daemon) -> None:
    """What cannot be done says why; the others are done; the same again is done already."""
    one, two = a_draft(daemon), a_draft(daemon)
    body = {"action": "publish", "ids": [one["id"], GHOST, two["id"], one["id"]], "caption": "both"}
    answer = daemon.post("/api/clips/batch", body, Idempotency_Key="batch-1").json()
    assert (answer["done"], answer["failed"]) == (2, 1)
    assert [result["id"] for result in answer["results"]] == [one["id"], GHOST, two["id"]]
    assert answer["results"][1]["error"]["status"] == 404
    assert [answer["results"][n]["clip"]["status"] for n in (0, 2)] == ["published"] * 2
    replayed = daemon.post("/api/clips/batch", body, Idempotency_Key="batch-1")
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (answer, "true")
    for action in ("publish", "unpublish", "retry", "delete", "delete"):
        again = daemon.post("/api/clips/batch", {"action": action, "ids": [one["id"], two["id"]]}).json()
        assert (again["done"], again["failed"]) == (2, 0), again
    assert daemon.get(f"/api/clips/{one['id']}").status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "publish", "ids": []}, "ids"),
        ({"action": "publish", "ids": ["../x"]}, "ids"),
        ({"action": "publish", "ids": [GHOST.replace("01", f"{n:02}") for n in range(201)]}, "ids"),
        ({"action": "burn", "ids": [GHOST]}, "action"),
        ({"action": "delete", "ids": [GHOST], "caption": "x"}, "caption"),
    ],
)
def test_a_batch_that_means_nothing_is_refused_whole(
    daemon: Daemon, body: dict[str, Any], field: str
) -> None:
    """Before anything is done, with the culprit's name."""
    answer = daemon.post("/api/clips/batch", body)
    assert (answer.status, answer.json()["field"].split(".")[0]) == (422, field), json.loads(answer.body)
