"""Promises to publish under a clock that is set, a process that rests and a daemon that starts anew."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from backend.catalogue.lifecycle import Status
from backend.clips.publishing import Publishing
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.problems import STATUSES
from backend.http.wire.writers import WRITERS
from backend.problems.refused import Refused
from tests.support.backend.rows import HERE, Box

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


def a_daemon(box: Box) -> tuple[Publishing, EventLog]:
    """What one process knows; another one shares nothing with it but the rows."""
    events = EventLog("test")
    return Publishing(box.catalogue, ClipEvents(events, WRITERS.clip), HERE, box.clock.now), events


async def status(box: Box, clip_id: str) -> Status:
    clip = await box.catalogue.get_clip(clip_id)
    assert clip is not None
    return clip.status


async def test_a_promise_is_kept_at_the_first_turn_after_its_time(box: Box) -> None:
    """A turn a second, so within five; one change, one event."""
    publishing, events = a_daemon(box)
    clip = await box.finished_clip()
    at = box.clock.time + 10 * timedelta(seconds=1)
    await publishing.publish(clip.id, at=at)
    for _ in range(9):
        box.clock.time += timedelta(seconds=1)
        assert await publishing.tick() == 0
    told = events.published
    box.clock.time += timedelta(seconds=1)
    assert await publishing.tick() == 1
    assert events.published == told + 1
    assert await publishing.tick() == 0
    assert (publishing.counters.promises_kept, publishing.counters.promises_late) == (1, 0)


@pytest.mark.parametrize("step", [-400 * DAY, -HOUR, timedelta(0), HOUR, 400 * DAY])
async def test_a_clock_that_is_set_neither_loses_a_promise_nor_keeps_it_twice(
    box: Box, step: timedelta
) -> None:
    """The first turn at which the wall clock shows the time publishes; a wrong clock put right again, too."""
    publishing, _ = a_daemon(box)
    clip = await box.finished_clip()
    at = box.clock.time + 30 * 60 * timedelta(seconds=1)
    await publishing.publish(clip.id, at=at)
    box.clock.time += step
    assert await publishing.tick() == (1 if box.clock.time >= at else 0)
    box.clock.time -= step
    box.clock.time = max(box.clock.time, at)
    await publishing.tick()
    assert await status(box, clip.id) is Status.PUBLISHED
    assert publishing.counters.promises_kept == 1


async def test_an_hour_without_a_turn_keeps_every_promise_late_and_says_so(box: Box) -> None:
    """A process that was paused: all that came due meanwhile is published at once, oldest promise first."""
    publishing, _ = a_daemon(box)
    clips = [await box.finished_clip() for _ in range(3)]
    for minutes, clip in zip((30, 10, 20), clips, strict=True):
        await publishing.publish(clip.id, at=box.clock.time + timedelta(minutes=minutes))
    box.clock.time += HOUR
    assert await publishing.tick() == 3
    assert publishing.counters.promises_late == 3
    feed = (await box.catalogue.feed()).items
    assert [clip.id for clip in feed] == [clips[0].id, clips[2].id, clips[1].id]


async def test_a_new_process_keeps_the_promises_of_the_one_before(box: Box) -> None:
    """Nothing about a promise is anywhere but in its row."""
    before, _ = a_daemon(box)
    clip = await box.finished_clip()
    await before.publish(clip.id, caption="at dawn", at=box.clock.time + HOUR)
    box.clock.time += 2 * HOUR
    after, events = a_daemon(box)
    assert await after.tick() == 1
    published = (await box.catalogue.feed()).items[0]
    assert (published.id, published.caption) == (clip.id, "at dawn")
    assert events.published == 1


async def test_more_than_a_hundred_promises_at_one_moment_are_all_kept(box: Box) -> None:
    """A turn goes on until nothing is due."""
    publishing, _ = a_daemon(box)
    clips = [await box.finished_clip() for _ in range(103)]
    for clip in clips:
        await publishing.publish(clip.id, at=box.clock.time + HOUR)
    box.clock.time += HOUR
    assert await publishing.tick() == 103


async def test_a_refusal_says_what_to_do(box: Box) -> None:
    """Under way, or out already."""
    publishing, events = a_daemon(box)
    running = await box.running_clip()
    with pytest.raises(Refused, match="wait until its status is draft") as refusal:
        await publishing.publish(running.id)
    assert STATUSES[refusal.value.kind] == 409
    out = await box.finished_clip()
    await publishing.publish(out.id)
    with pytest.raises(Refused, match="unpublish it first"):
        await publishing.publish(out.id, at=box.clock.time + HOUR)
    told = events.published
    await publishing.publish(out.id)
    assert events.published == told
