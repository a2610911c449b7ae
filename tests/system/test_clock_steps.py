"""A whole daemon whose wall clock is set under it: promises are kept when the clock shows their time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock.steps import Clock
from tests.support.daemon import Daemon

IN_TIME = timedelta(seconds=5)
HOUR, MANY_DAYS = timedelta(hours=1), timedelta(days=400)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[tuple[Daemon, Clock]]:
    clock = Clock(tmp_path / "offset")
    with Daemon(tmp_path, environment=clock.environment()) as daemon:
        daemon.wait_for_buffer(1)
        yield daemon, clock


def promised(daemon: Daemon, at: datetime) -> dict[str, Any]:
    """A draft that waits for `at`."""
    made = daemon.post("/api/clips", {"before_seconds": 0.5, "after_seconds": 0})
    assert made.status == 201, made.body
    answer = daemon.post(f"/api/clips/{made.json()['id']}/publish", {"at": at.isoformat()})
    assert answer.status == 200, answer.body
    clip: dict[str, Any] = answer.json()
    assert clip["status"] == "draft"
    return clip


def test_promises_are_kept_within_five_seconds_whatever_is_done_to_the_clock(
    box: tuple[Daemon, Clock],
) -> None:
    """Set ahead by an hour, back by 400 days, ahead by 400: each time out in time, and on top of the feed."""
    daemon, clock = box
    feed: list[str] = []
    for step in (HOUR, -MANY_DAYS, MANY_DAYS):
        if step < timedelta(0):
            # Of a clock that was set back, what is promised afterwards is what must not wait 400 days.
            clock.set_by(step)
            clip = promised(daemon, clock.now() + timedelta(seconds=2))
        else:
            clip = promised(daemon, clock.now() + HOUR)
            clock.set_by(step)
        due = max(clock.now(), datetime.fromisoformat(clip["publish_at"]))
        published = daemon.wait_for_clip(clip["id"], "published")
        late = datetime.fromisoformat(published["published_at"]) - due
        assert late <= IN_TIME, (step, late)
        feed.insert(0, clip["id"])
    assert [clip["id"] for clip in daemon.get("/api/feed").json()["clips"]] == feed
    listed = [clip["id"] for clip in daemon.get("/api/clips").json()["clips"]]
    assert listed == feed
