"""What every user of the catalogue may rely on: sessions, idempotency keys, samples and notes."""

import asyncio
from datetime import datetime, timedelta

from backend.base.ids import new_id
from backend.catalogue import (
    Catalogue,
    MediaType,
    NewClip,
    Reservation,
    ReservationKey,
    ReservationState,
    Sample,
    SampleFilter,
)
from backend.catalogue.lifecycle import Status
from recorder.base.values import ClockState
from tests.contracts.conftest import SteppedClock

HERE = new_id()
DAY = datetime(2026, 3, 1)
ALL = SampleFilter(DAY - timedelta(days=30), DAY + timedelta(days=30))


def sample(at: datetime, camera: str = "front", recorder_id: str = HERE, **numbers: float) -> Sample:
    given: dict[str, float] = {"frames": 1800, "bytes": 4_000_000_000, "live_s": 60.0, "filled_s": 30.0}
    return Sample(recorder_id=recorder_id, camera=camera, at=at, **(given | numbers))  # type: ignore[arg-type]


async def test_a_session_is_found_until_it_expires(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Using it puts the end off; once over, using it helps no more."""
    made = await catalogue.create_session("aa", "owner", clock.time + timedelta(hours=1))
    assert await catalogue.find_session("aa") == made
    assert await catalogue.find_session("bb") is None
    now = clock.advance(minutes=59)
    await catalogue.touch_session("aa", now + timedelta(hours=1))
    clock.advance(minutes=59)
    found = await catalogue.find_session("aa")
    assert found is not None
    assert (found.last_used_at, found.created_at) == (now, made.created_at)
    clock.advance(minutes=1)
    assert await catalogue.find_session("aa") is None
    await catalogue.touch_session("aa", clock.time + timedelta(hours=1))
    assert await catalogue.find_session("aa") is None
    assert await catalogue.expire_sessions() == 1


async def test_sign_ins_from_one_address_are_one_visitor_and_their_number_is_bounded(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Thirty sessions are not thirty people; beyond the bound, the one not used for the longest time ends."""
    end = clock.time + timedelta(hours=1)

    async def signed_in(token_hash: str, address: str, principal: str = "owner") -> str:
        clock.advance(seconds=1)
        made = await catalogue.create_session(
            token_hash, principal, end, device="Firefox on Linux", address=address, most=3
        )
        return made.visitor

    assert [await signed_in(one, "192.0.2.1") for one in ("a", "b")] == ["a", "a"]
    assert await signed_in("c", "192.0.2.2") == "c"
    assert await signed_in("g", "192.0.2.1", "guest") == "g"
    await catalogue.touch_session("a", end)
    assert await signed_in("d", "192.0.2.1") == "a"
    assert [one.token_hash for one in await catalogue.sessions_of("owner")] == ["d", "a", "c"]
    clock.advance(hours=2)
    assert await catalogue.sessions_of("owner") == []


async def test_sessions_end_one_by_one_or_all_of_a_principal(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Signing out ends one; a new key ends all that the old one opened."""
    end = clock.time + timedelta(hours=1)
    for token_hash, principal in (("a", "owner"), ("b", "owner"), ("c", "owner"), ("d", "guest")):
        await catalogue.create_session(token_hash, principal, end)
    await catalogue.delete_session("a")
    assert await catalogue.find_session("a") is None
    assert await catalogue.delete_sessions("owner") == 2
    assert await catalogue.find_session("d") is not None


async def test_a_key_is_new_once_then_under_way_then_done(catalogue: Catalogue) -> None:
    """Whoever sends it again learns what the first request is making and, later, its answer."""
    key = ReservationKey("owner", "k1")
    assert await catalogue.reserve_key(key, "h", "clip-1") == Reservation(ReservationState.NEW, "clip-1")
    under_way = await catalogue.reserve_key(key, "h", "clip-2")
    assert under_way == Reservation(ReservationState.UNDER_WAY, "clip-1")
    await catalogue.complete_key(key, 201, '{"id": "clip-1"}')
    done = await catalogue.reserve_key(key, "h", "clip-3")
    assert done == Reservation(ReservationState.DONE, "clip-1", 201, '{"id": "clip-1"}')
    await catalogue.release_key(key)
    assert (await catalogue.reserve_key(key, "h")).state is ReservationState.DONE


async def test_a_key_belongs_to_its_request_and_its_principal(catalogue: Catalogue) -> None:
    """Another body under the same key is told so; another person's key is another key."""
    key = ReservationKey("owner", "k1")
    await catalogue.reserve_key(key, "h")
    assert (await catalogue.reserve_key(key, "other")).state is ReservationState.DIFFERENT
    assert (await catalogue.reserve_key(ReservationKey("guest", "k1"), "other")).state is ReservationState.NEW


async def test_of_many_that_reserve_a_key_at_once_one_gets_it(catalogue: Catalogue) -> None:
    """A client that sends twice because the first seemed lost makes one clip."""
    key = ReservationKey("owner", "k1")
    states = [r.state for r in await asyncio.gather(*(catalogue.reserve_key(key, "h") for _ in range(8)))]
    assert states.count(ReservationState.NEW) == 1
    assert states.count(ReservationState.UNDER_WAY) == 7


async def test_keys_are_free_again_after_release_or_expiry(catalogue: Catalogue, clock: SteppedClock) -> None:
    """A request that did nothing gives its key back; an old answer is not kept for ever."""
    key = ReservationKey("owner", "k1")
    await catalogue.reserve_key(key, "h")
    await catalogue.release_key(key)
    assert (await catalogue.reserve_key(key, "h")).state is ReservationState.NEW
    await catalogue.complete_key(key, 201, "{}")
    assert await catalogue.expire_keys(clock.time) == 0
    assert await catalogue.expire_keys(clock.time + timedelta(microseconds=1)) == 1


async def test_a_minute_written_twice_is_the_sum_of_both(catalogue: Catalogue) -> None:
    """A restart within a minute loses neither half."""
    await catalogue.add_sample(sample(DAY, frames=600, live_s=20.0, filled_s=5.0))
    await catalogue.add_sample(
        sample(DAY + timedelta(seconds=40), frames=300, live_s=10.0, stalled_s=10.0, filled_s=15.0, drops=2)
    )
    (minute,) = await catalogue.samples(ALL)
    assert (minute.at, minute.frames, minute.drops, minute.bytes) == (DAY, 900, 2, 8_000_000_000)
    assert (minute.fps, minute.fill, minute.total_s) == (30.0, 0.5, 40.0)


async def test_samples_are_summed_by_steps_and_cameras_in_order(catalogue: Catalogue) -> None:
    """Steps begin at multiples of themselves; the span is half-open; recorders do not mix."""
    for minute in range(10):
        await catalogue.add_sample(sample(DAY + timedelta(minutes=minute)))
    await catalogue.add_sample(sample(DAY, camera="back"))
    await catalogue.add_sample(sample(DAY, recorder_id=new_id()))
    wanted = SampleFilter(DAY + timedelta(minutes=1), DAY + timedelta(minutes=10), 300, "front")
    found = [one for one in await catalogue.samples(wanted) if one.recorder_id == HERE]
    assert [(one.at, one.frames) for one in found] == [
        (DAY, 4 * 1800),
        (DAY + timedelta(minutes=5), 5 * 1800),
    ]
    assert len(await catalogue.samples(ALL)) == 12


async def test_clips_are_counted_by_camera_and_quarter_of_an_hour(catalogue: Catalogue) -> None:
    """By when they began, half-open, empty quarters left out."""
    for minutes, camera, size in ((0, "front", 10), (14, "front", 20), (15, "front", 5), (16, "back", None)):
        start = DAY + timedelta(minutes=minutes)
        await catalogue.insert_clip(
            NewClip(
                id=new_id(),
                recorder_id=HERE,
                camera=camera,
                media_type=MediaType.VIDEO,
                status=Status.DRAFT,
                start_time=start,
                pressed_at=start,
                clock=ClockState.SYNCHRONISED,
                size_bytes=size,
            )
        )
    wanted = SampleFilter(DAY, DAY + timedelta(hours=2))
    found = [
        (one.camera, one.at, one.clips, one.size_bytes) for one in await catalogue.clips_by_quarter(wanted)
    ]
    later = DAY + timedelta(minutes=15)
    assert found == [("front", DAY, 2, 30), ("back", later, 1, 0), ("front", later, 1, 5)]
    only = SampleFilter(DAY + timedelta(minutes=15), DAY + timedelta(minutes=16), camera="front")
    assert [one.clips for one in await catalogue.clips_by_quarter(only)] == [1]


async def test_thinning_keeps_every_sum_and_touches_whole_old_hours_only(catalogue: Catalogue) -> None:
    """Also when run twice, and when a late minute arrives in an hour that was thinned already."""
    for minute in (0, 30, 59, 60, 119, 120):
        await catalogue.add_sample(sample(DAY + timedelta(minutes=minute)))
    await catalogue.add_sample(sample(DAY, recorder_id=new_id()))
    limit = DAY + timedelta(minutes=119)
    assert await catalogue.thin_samples(HERE, limit) == 3
    assert await catalogue.thin_samples(HERE, limit) == 0
    await catalogue.add_sample(sample(DAY + timedelta(minutes=7)))
    assert await catalogue.thin_samples(HERE, limit) == 1
    mine = [one for one in await catalogue.samples(ALL) if one.recorder_id == HERE]
    assert [(one.at - DAY, one.frames) for one in mine] == [
        (timedelta(0), 4 * 1800),
        (timedelta(minutes=60), 1800),
        (timedelta(minutes=119), 1800),
        (timedelta(minutes=120), 1800),
    ]


async def test_notes_are_written_all_or_none_and_overwritten(catalogue: Catalogue) -> None:
    """Small facts that must survive a restart."""
    assert await catalogue.note("a") is None
    await catalogue.set_notes({"a": "1", "b": "2"})
    await catalogue.set_notes({"a": "3"})
    await catalogue.set_notes({})
    assert (await catalogue.note("a"), await catalogue.note("b")) == ("3", "2")
