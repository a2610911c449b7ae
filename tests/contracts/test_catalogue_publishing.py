"""What every user of the catalogue may rely on, whichever database is behind it: publishing and likes."""

import asyncio
from datetime import timedelta

import pytest

from backend.base.ids import new_id
from backend.catalogue import BadCursor, Catalogue, Clip, ClipFilter, ClipUnknown, IllegalTransition, NewClip
from backend.catalogue.lifecycle import Status
from tests.contracts.conftest import SteppedClock

HERE = new_id()


async def draft(catalogue: Catalogue, clock: SteppedClock, **changes: object) -> Clip:
    values: dict[str, object] = {
        "id": new_id(),
        "recorder_id": HERE,
        "camera": "front",
        "status": Status.DRAFT,
        "start_time": clock.time,
        "pressed_at": clock.time,
    }
    return await catalogue.insert_clip(NewClip(**(values | changes)))  # type: ignore[arg-type]


async def feed_ids(catalogue: Catalogue, wanted: ClipFilter | None = None) -> list[str]:
    return [clip.id for clip in (await catalogue.feed(wanted or ClipFilter())).items]


async def test_a_draft_is_published_with_a_caption_in_one_step(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """State, time, caption and what search finds change together; again changes nothing."""
    clip = await draft(catalogue, clock, title="Gate", caption="old")
    clock.advance(minutes=1)
    done = await catalogue.publish(clip.id, caption="Fuchs am Törchen")
    assert done.changed
    assert (done.clip.status, done.clip.caption) == (Status.PUBLISHED, "Fuchs am Törchen")
    assert (done.clip.published_at, done.clip.publish_at) == (clock.time, None)
    assert done.clip.version == clip.version + 1
    assert (await catalogue.list_clips(ClipFilter(q="torchen"))).items == (done.clip,)
    clock.advance(minutes=1)
    again = await catalogue.publish(clip.id)
    assert (again.clip, again.changed) == (done.clip, False)


async def test_a_promise_is_kept_when_its_time_has_come_and_not_before(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Until then it is a draft that says when; at the very microsecond it is due."""
    clip = await draft(catalogue, clock)
    at = clock.time + timedelta(hours=1)
    waiting = (await catalogue.publish(clip.id, at=at)).clip
    assert (waiting.status, waiting.publish_at) == (Status.DRAFT, at)
    clock.time = at - timedelta(microseconds=1)
    assert await catalogue.publish_due(HERE) == []
    assert await catalogue.keep_promise(clip.id) is None
    clock.time = at
    assert await catalogue.publish_due(HERE) == [clip.id]
    assert await catalogue.publish_due(new_id()) == []
    kept = await catalogue.keep_promise(clip.id)
    assert kept is not None
    assert (kept.status, kept.publish_at, kept.published_at) == (Status.PUBLISHED, None, at)
    assert await catalogue.keep_promise(clip.id) is None


async def test_a_promise_can_be_changed_and_taken_back(catalogue: Catalogue, clock: SteppedClock) -> None:
    """The last word holds; what was taken back is never due."""
    clip = await draft(catalogue, clock)
    for hours in (1, 3):
        await catalogue.publish(clip.id, at=clock.time + timedelta(hours=hours))
    later = clock.advance(hours=2)
    assert await catalogue.publish_due(HERE) == []
    back = await catalogue.unpublish(clip.id)
    assert (back.clip.publish_at, back.changed) == (None, True)
    assert not (await catalogue.unpublish(clip.id)).changed
    clock.advance(hours=2)
    assert await catalogue.publish_due(HERE) == []
    assert (await catalogue.publish(clip.id, at=later)).clip.status is Status.PUBLISHED


async def test_what_is_unfinished_is_not_published_and_what_is_out_is_not_put_off(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Nothing changes and the refusal tells the state."""
    running = await draft(catalogue, clock, status=Status.PENDING)
    for attempt in (catalogue.publish(running.id), catalogue.unpublish(running.id)):
        with pytest.raises(IllegalTransition) as refusal:
            await attempt
        assert refusal.value.current is Status.PENDING
    with pytest.raises(IllegalTransition):
        await catalogue.like(running.id, "v")
    out = await draft(catalogue, clock)
    await catalogue.publish(out.id)
    with pytest.raises(IllegalTransition) as refusal:
        await catalogue.publish(out.id, caption="x", at=clock.time + timedelta(days=1))
    assert refusal.value.current is Status.PUBLISHED
    found = await catalogue.get_clip(out.id)
    assert found is not None
    assert found.caption == ""


async def test_the_feed_is_in_order_of_publication_whatever_the_clock_does(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """The last published stands on top, also after the clock was set back by 400 days."""
    first, second, third = [await draft(catalogue, clock) for _ in range(3)]
    await catalogue.publish(second.id)
    clock.advance(days=-400)
    await catalogue.publish(third.id)
    clock.advance(hours=-1)
    await catalogue.publish(first.id)
    assert await feed_ids(catalogue) == [first.id, third.id, second.id]
    await catalogue.unpublish(third.id)
    assert await feed_ids(catalogue) == [first.id, second.id]
    await catalogue.publish(third.id)
    assert await feed_ids(catalogue) == [third.id, first.id, second.id]


async def test_pages_of_the_feed_show_each_clip_once(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Though clips are published and unpublished between pages; filters narrow it like any list."""
    clips = [await draft(catalogue, clock, camera=f"c{n % 2}", title=f"word{n}") for n in range(7)]
    for clip in clips:
        await catalogue.publish(clip.id)
    page = await catalogue.feed(limit=3)
    seen = [clip.id for clip in page.items]
    await catalogue.unpublish(seen[-1])
    await catalogue.publish((await draft(catalogue, clock)).id)
    while page.next_cursor is not None:
        page = await catalogue.feed(cursor=page.next_cursor, limit=3)
        seen += [clip.id for clip in page.items]
    assert seen == [clip.id for clip in reversed(clips)]
    assert await feed_ids(catalogue, ClipFilter(camera="c1", q="word3")) == [clips[3].id]
    with pytest.raises(BadCursor):
        await catalogue.feed(cursor=(await catalogue.list_clips(limit=1)).next_cursor)


async def test_a_visitor_is_counted_once(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Ten presses at once are one like; a like taken back twice is taken back once."""
    clip = await draft(catalogue, clock)
    results = await asyncio.gather(*(catalogue.like(clip.id, "anna") for _ in range(10)))
    assert sum(result.changed for result in results) == 1
    await catalogue.like(clip.id, "ben")
    assert await catalogue.is_liked(clip.id, "anna")
    assert (await catalogue.unlike(clip.id, "anna")).clip.likes == 1
    assert not (await catalogue.unlike(clip.id, "anna")).changed
    assert not await catalogue.is_liked(clip.id, "anna")
    await catalogue.delete_clip(clip.id)
    assert not await catalogue.is_liked(clip.id, "ben")
    for attempt in (catalogue.like(clip.id, "ben"), catalogue.unlike(clip.id, "ben")):
        with pytest.raises(ClipUnknown):
            await attempt


async def test_of_many_that_publish_one_clip_one_does(catalogue: Catalogue, clock: SteppedClock) -> None:
    """People and the tick at the same moment: one change, one version, one place in the feed."""
    clip = await draft(catalogue, clock)
    await catalogue.publish(clip.id, at=clock.time + timedelta(seconds=1))
    clock.advance(seconds=1)
    by_people = asyncio.gather(*(catalogue.publish(clip.id) for _ in range(5)))
    by_tick = asyncio.gather(*(catalogue.keep_promise(clip.id) for _ in range(5)))
    changes = [done.changed for done in await by_people] + [done is not None for done in await by_tick]
    assert changes.count(True) == 1
    found = await catalogue.get_clip(clip.id)
    assert found is not None
    assert (found.status, found.version) == (Status.PUBLISHED, clip.version + 2)


async def test_garbage_of_a_day_that_the_clock_left_again_is_due(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Set ahead by mistake, then right: what was deleted meanwhile does not wait for that day to come."""
    clock.advance(days=400)
    await catalogue.delete_clip((await draft(catalogue, clock)).id)
    clock.advance(days=-400)
    (due,) = await catalogue.garbage_due(HERE)
    await catalogue.garbage_failed(due.id, "busy", clock.time + timedelta(seconds=10))
    assert await catalogue.garbage_due(HERE) == []
    clock.advance(seconds=10)
    assert [row.id for row in await catalogue.garbage_due(HERE)] == [due.id]
