"""What retention and budget ask of a catalogue, on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from backend.base.ids import new_id
from backend.catalogue import (
    Catalogue,
    Charge,
    Clip,
    CreditsSpent,
    Location,
    MediaType,
    NewClip,
    Recorded,
    RetentionGroup,
    RetentionRow,
)
from backend.catalogue.lifecycle import Status
from backend.storage.upload_plan import wanted
from recorder.base.values import ClockState
from tests.contracts.conftest import SteppedClock

HERE = new_id()


def new_clip(clock: SteppedClock, **changes: object) -> NewClip:
    values: dict[str, object] = {
        "id": new_id(),
        "recorder_id": HERE,
        "camera": "front",
        "status": Status.DRAFT,
        "start_time": clock.time,
        "pressed_at": clock.time,
        "clock": ClockState.SYNCHRONISED,
        "size_bytes": 100,
        "duration_s": 2.0,
        "path": "x/clip.mp4",
    }
    return NewClip(**(values | changes))  # type: ignore[arg-type]


def charge(clock: SteppedClock, cost: int = 10, limit: int = 25) -> Charge:
    return Charge(clock.time.replace(hour=0, minute=0, second=0, microsecond=0), cost, limit)


async def rows_of(catalogue: Catalogue) -> list[RetentionRow]:
    return await catalogue.retention.read(HERE)


async def test_rows_come_in_the_order_of_recording_whatever_the_clock_said(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """In batches; other recorders' are not looked at; sizes are those on the local disk."""
    made: list[Clip] = []
    for days in (0, 400, -400, 0):
        clock.advance(days=days)
        made.append(await catalogue.insert_clip(new_clip(clock)))
    await catalogue.insert_clip(new_clip(clock, recorder_id=new_id()))
    await catalogue.update_clip(made[1].id, {"keep": True})
    await catalogue.publish(made[2].id, at=clock.time + timedelta(days=1))
    rows = await rows_of(catalogue)
    assert [row.id for row in rows] == [clip.id for clip in made]
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    assert [row.keep for row in rows] == [False, True, False, False]
    assert [row.promised for row in rows] == [False, False, True, False]
    assert (rows[0].size_bytes, rows[0].status, rows[0].dated) == (100, Status.DRAFT, made[0].created_at)
    assert await catalogue.retention.read(HERE, rows[1].number, 1) == rows[2:3]
    made_at = [clip.created_at for clip in made]
    assert await catalogue.retention.groups(HERE) == [
        RetentionGroup("front", Status.DRAFT, False, 3, 300, min(made_at), max(made_at[0], made_at[3])),
        RetentionGroup("front", Status.DRAFT, True, 1, 100, made_at[1], made_at[1]),
    ]
    assert await catalogue.retention.groups(new_id()) == []


async def test_a_clip_whose_bytes_are_only_at_the_store_takes_nothing_here(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Before the store has confirmed its copy, and while both are there, it takes its size."""
    clip = await catalogue.insert_clip(new_clip(clock))
    private = partial(wanted, public_urls=False)
    await catalogue.uploads.plan(HERE, private)
    hold = timedelta(minutes=1)
    upload = await catalogue.uploads.lease(HERE, "worker", hold, hold, ())
    assert upload is not None
    seen = []
    for step in (None, catalogue.uploads.confirm(upload, private), catalogue.uploads.reclaim(clip.id)):
        if step is not None:
            await step
        (row,) = await rows_of(catalogue)
        seen.append((row.location, row.size_bytes))
    assert seen == [(Location.LOCAL, 100), (Location.BOTH, 100), (Location.REMOTE, 0)]


async def test_a_number_is_never_given_twice(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Deleting the newest clip must not make the next one look like it."""
    first = await catalogue.insert_clip(new_clip(clock))
    (row,) = await rows_of(catalogue)
    await catalogue.delete_clip(first.id)
    await catalogue.insert_clip(new_clip(clock))
    assert (await rows_of(catalogue))[0].number > row.number


async def test_only_clips_of_a_doubtful_clock_are_dated_and_once_unless_asked(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """What a synchronised clock made keeps its date for ever."""
    right = await catalogue.insert_clip(new_clip(clock))
    for state in (ClockState.UNSYNCHRONISED, ClockState.STEPPED):
        await catalogue.insert_clip(replace(new_clip(clock), clock=state))
    first = clock.advance(days=9000)
    assert await catalogue.retention.date(HERE) == 2
    clock.advance(days=1)
    assert await catalogue.retention.date(HERE) == 0
    assert [row.dated for row in await rows_of(catalogue)] == [right.created_at, first, first]
    assert await catalogue.retention.date(HERE, again=True) == 2
    assert [row.dated for row in await rows_of(catalogue)] == [right.created_at, clock.time, clock.time]


async def test_what_changed_since_it_was_chosen_stays(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Kept, published, promised, deleted: four are spared in the transaction that takes the fifth."""
    clips = [await catalogue.insert_clip(new_clip(clock)) for _ in range(5)]
    rows = await rows_of(catalogue)
    await catalogue.update_clip(clips[0].id, {"keep": True})
    await catalogue.publish(clips[1].id)
    await catalogue.publish(clips[2].id, at=clock.time + timedelta(days=1))
    await catalogue.delete_clip(clips[3].id)
    gone = await catalogue.retention.delete(rows)
    assert [clip.id for clip in gone] == [clips[4].id]
    assert await catalogue.retention.leaving_bytes(HERE) == 200
    assert {row.id for row in await rows_of(catalogue)} == {clip.id for clip in clips[:3]}
    assert await catalogue.retention.delete(rows[:4]) == []


async def test_a_clip_and_its_cost_are_committed_together_or_not_at_all(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Also when many press at once; each period and each recorder has its own credits."""

    async def press() -> Clip:
        return await catalogue.insert_clip(new_clip(clock), charge(clock))

    tried = await asyncio.gather(*(press() for _ in range(6)), return_exceptions=True)
    made = [one for one in tried if isinstance(one, Clip)]
    assert len(made) == 2
    assert {type(one) for one in tried} == {Clip, CreditsSpent}
    assert len(await rows_of(catalogue)) == 2
    period = charge(clock).period_start
    assert await catalogue.charges.spent(HERE, period) == 20
    assert await catalogue.charges.spent(HERE, period + timedelta(days=1)) == 0
    assert await catalogue.charges.spent(new_id(), period) == 0
    with pytest.raises(CreditsSpent, match="20 of 25 credits are spent"):
        await press()
    assert await catalogue.charges.expire(HERE, period) == 0
    assert await catalogue.charges.expire(HERE, period + timedelta(seconds=1)) == 2


async def test_a_clip_that_fails_is_free_and_one_tried_again_is_not(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """In the transaction of the transition, so that no kill comes between."""
    clip = await catalogue.insert_clip(new_clip(clock, status=Status.PENDING), charge(clock))
    period = charge(clock).period_start
    await catalogue.transition(clip.id, Status.FAILED, fields={"retryable": True})
    assert await catalogue.charges.spent(HERE, period) == 0
    await catalogue.transition(clip.id, Status.PROCESSING)
    assert await catalogue.charges.spent(HERE, period) == 10
    await catalogue.transition(clip.id, Status.DRAFT)
    assert await catalogue.charges.spent(HERE, period) == 10
    await catalogue.charges.refund(clip.id)
    assert await catalogue.charges.spent(HERE, period) == 0


async def test_what_was_recorded_is_summed_over_the_newest_of_a_camera(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Finished ones only; old habits of a camera are forgotten."""
    assert await catalogue.charges.recorded(HERE, "front") == Recorded()
    await catalogue.insert_clip(new_clip(clock, size_bytes=10**9))
    for _ in range(20):
        await catalogue.insert_clip(new_clip(clock))
    await catalogue.insert_clip(new_clip(clock, camera="back"))
    await catalogue.insert_clip(new_clip(clock, status=Status.PENDING, size_bytes=None, duration_s=None))
    await catalogue.insert_clip(new_clip(clock, media_type=MediaType.IMAGE, size_bytes=7, duration_s=None))
    assert await catalogue.charges.recorded(HERE, "front") == Recorded(2000, 40.0, 1, 7)
