"""Sweeps on a real catalogue and real files: clocks that step, restarts, approvals, a year offline."""

import random
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.catalogue.lifecycle import Status
from backend.http.problems import STATUSES
from backend.problems.refused import Refused
from backend.recovery.fsck import Level, check
from tests.support.backend.keeping import Keeping, keeping
from tests.support.backend.rows import HERE

DAYS_30: dict[str, Any] = {"rules": [{"max_age": "30d"}]}


@pytest.fixture
async def month(tmp_path: Path) -> AsyncIterator[Keeping]:
    """Ten clips, one a day, and a rule that they stay for thirty."""
    async with keeping(tmp_path, synchronised=False, **DAYS_30) as box:
        assert await box.retention.sweep() == 0
        for _ in range(10):
            await box.clip()
            box.pass_time(days=1)
        yield box


async def test_what_is_too_old_goes_with_its_files_and_is_told(month: Keeping) -> None:
    """One a day, as they came; the page hears of each, and catalogue and disk agree."""
    clips = await month.ids()
    month.pass_time(days=20, minutes=1)
    assert await month.retention.sweep() == 1
    assert month.gone == clips[:1]
    assert await month.ids() == clips[1:]
    assert not (month.files.clips_dir / clips[0]).exists()
    assert month.retention.counters.deleted == 1
    assert month.retention.counters.deleted_bytes == 1000
    assert (await check(month.box.catalogue, month.files, HERE, Level.HASH)).ok


@pytest.mark.parametrize("hours", [1, -1, 400 * 24, -400 * 24])
async def test_a_clock_that_is_set_deletes_nothing(month: Keeping, hours: float) -> None:
    """Age rules pause, visibly, until the clock is synchronised; then right ages count again."""
    month.step(hours=hours)
    assert await month.retention.sweep() == 0
    assert len(await month.ids()) == 10
    assert "age rules pause" in month.health.concerns["retention"]
    month.step(hours=-hours)
    month.clock.wall_synchronised = True
    month.pass_time(minutes=2)
    assert await month.retention.sweep() == 0
    assert not month.health.concerns


@pytest.mark.parametrize("hours", [1, -1, 400 * 24, -400 * 24])
async def test_a_start_with_a_wrong_clock_deletes_nothing(month: Keeping, hours: float) -> None:
    """Nobody can see the step then: a clock behind the newest clip pauses, one ahead asks a person."""
    month.clock.step_wall(int(hours * 3600e9))
    box = month.restart()
    assert await box.retention.sweep() == 0
    assert len(await box.ids()) == 10


@pytest.mark.parametrize(
    ("zone", "changes_at"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, 1)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1)),
        ("America/New_York", datetime(2026, 3, 8, 7)),
        ("America/New_York", datetime(2026, 11, 1, 6)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30)),
    ],
)
async def test_a_day_is_a_day_across_summer_time_in_whatever_zone_the_box_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str, changes_at: datetime
) -> None:
    """No clip goes an hour early, none stays an hour longer."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        begins = changes_at - timedelta(hours=26)
        async with keeping(tmp_path, begins=begins, rules=[{"max_age": "24h"}]) as box:
            for hour in range(30):
                await box.clip()
                box.pass_time(hours=1)
                assert await box.retention.sweep() == (1 if hour >= 24 else 0), hour
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_an_hour_of_pause_means_nothing(month: Keeping) -> None:
    """Both clocks went on alike, so nobody set one."""
    month.pass_time(hours=1)
    assert await month.retention.sweep() == 0
    assert not month.health.concerns
    month.pass_time(days=19, hours=22, minutes=58)
    assert await month.retention.sweep() == 0
    month.pass_time(minutes=3)
    assert await month.retention.sweep() == 1


async def test_clips_of_a_clock_that_was_years_behind_begin_to_age_when_it_is_right(tmp_path: Path) -> None:
    """A box without a battery clock starts in 1970, records, and then hears of NTP."""
    async with keeping(tmp_path, synchronised=False, hold_above=1, **DAYS_30) as box:
        await box.clip()
        box.step(days=9000)
        box.clock.wall_synchronised = True
        box.pass_time(minutes=2)
        assert await box.retention.sweep() == 0
        box.pass_time(days=29)
        assert await box.restart().retention.sweep() == 0
        box.pass_time(days=2)
        assert await box.retention.sweep() == 1


async def test_many_at_once_wait_for_a_person_also_after_a_restart(month: Keeping) -> None:
    """It says so, at once and to whoever asks later; approved, it is carried out even by the next life."""
    month.pass_time(days=35)
    assert await month.retention.sweep() == 0
    survey = await month.retention.preview()
    assert len(survey.plan.held) == 10
    assert "10 of 10 clips" in month.health.concerns["retention"]
    box = month.restart()
    assert await box.retention.sweep() == 0
    again = await box.retention.preview()
    assert (again.held_since, again.held_since is None) == (survey.held_since, False)
    await box.retention.approve()
    third = box.restart()
    assert await third.retention.sweep() == 10
    assert not third.health.concerns
    with pytest.raises(Refused, match="nothing to approve"):
        await third.retention.approve()


async def test_an_approval_is_for_what_was_seen(month: Keeping) -> None:
    """What is recorded later is not covered by it."""
    month.pass_time(days=35)
    await month.retention.sweep()
    await month.retention.approve()
    assert await month.retention.sweep() == 10
    for _ in range(4):
        await month.clip()
    month.pass_time(days=31)
    assert await month.retention.sweep() == 0
    assert len(await month.ids()) == 4


async def test_changed_settings_wait_when_they_want_much_and_the_old_ones_go_on(month: Keeping) -> None:
    """Also across a restart; a setting taken back needs nobody."""
    await month.retention.sweep()
    box = month.restart(rules=[{"max_clips": 2}], reserve={"bytes": 0})
    assert await box.retention.sweep() == 0
    assert len((await box.retention.preview()).plan.held) == 8
    box.pass_time(days=20, minutes=1)
    assert await box.retention.sweep() == 1
    box = box.restart(reserve={"bytes": 0}, **DAYS_30)
    assert await box.retention.sweep() == 0
    assert not box.health.concerns
    box = box.restart(rules=[{"max_clips": 2}], reserve={"bytes": 0})
    await box.retention.sweep()
    await box.retention.approve()
    assert await box.retention.sweep() == 7
    assert len(await box.ids()) == 2


async def test_who_is_kept_or_changed_between_the_look_and_the_deletion_stays(month: Keeping) -> None:
    """A star that is given at the last moment counts; so does a publication."""
    first, second, third = (await month.ids())[:3]
    rows = await month.box.catalogue.retention.read(HERE)
    await month.box.catalogue.update_clip(first, {"keep": True})
    await month.box.catalogue.transition(second, Status.PUBLISHED)
    assert [clip.id for clip in await month.box.catalogue.retention.delete(rows[:3])] == [third]


async def test_what_a_failed_clip_keeps_for_a_retry_counts_as_its_size(tmp_path: Path) -> None:
    """Its row knows no size; without it a full disk of failures would never be emptied."""
    async with keeping(tmp_path, total_bytes=10_000, reserve={"bytes": 4000, "clips": 0}) as box:
        await box.retention.sweep()
        clip = await box.box.running_clip()
        (box.files.clips_dir / clip.id / "recording.part").write_bytes(b"u" * 7000)
        await box.box.catalogue.transition(clip.id, Status.FAILED, fields={"retryable": True})
        assert await box.retention.sweep() == 1
        assert box.room.free_bytes == 10_000


async def test_a_strangers_file_costs_no_clip_and_recordings_are_refused_until_it_goes(
    tmp_path: Path,
) -> None:
    """507 with the reason and how to get out of it; nothing has to be restarted."""
    async with keeping(tmp_path, total_bytes=10_000, reserve={"bytes": 4000, "clips": 0}) as box:
        await box.retention.sweep()
        await box.clip(1000)
        await box.room.admit()
        (box.directory / "stranger").write_bytes(b"x" * 9000)
        await box.room.check(box.retention.make_room)
        assert len(await box.ids()) == 1
        with pytest.raises(Refused, match="are free on the disk of the clips") as refusal:
            await box.room.admit()
        assert STATUSES[refusal.value.kind] == 507
        assert "Recordings are refused" in box.health.concerns["disk"]
        (box.directory / "stranger").unlink()
        await box.room.check(box.retention.make_room)
        await box.room.admit()
        assert not box.health.concerns


@pytest.mark.slow("every sweep of a year, on a real catalogue")
async def test_a_year_without_a_clock_keeps_the_disk_steady_and_the_newest_clips(tmp_path: Path) -> None:
    """Steps of hours and years, restarts, an age rule that never may fire; room is made all the same."""
    draw = random.Random(5)
    settings: dict[str, Any] = {"rules": [{"max_age": "90d"}], "reserve": {"bytes": 20_000, "clips": 0}}
    async with keeping(tmp_path, total_bytes=100_000, synchronised=False, **settings) as box:
        made: list[str] = []
        for day in range(0, 365, 2):
            made.append((await box.clip(draw.randrange(500, 4000))).id)
            box.pass_time(days=2)
            if draw.random() < 0.1:
                box.step(hours=draw.choice([1, -1, 400 * 24, -400 * 24, 9000 * 24]))
            if draw.random() < 0.1:
                box = box.restart()
            await box.retention.sweep()
            await box.room.admit()
            assert box.room.free_bytes >= 20_000, day
            left = await box.ids()
            assert left == made[-len(left) :], day
            assert len(left) >= min(len(made), 18), day
        assert (await check(box.box.catalogue, box.files, HERE, Level.SIZE)).ok


async def test_age_rules_hold_for_those_recorded_after_the_clock_is_right(tmp_path: Path) -> None:
    """A synchronised box deletes by age like a clock, whatever happened before."""
    async with keeping(tmp_path, rules=[{"max_age": "7d"}]) as box:
        for _ in range(30):
            await box.clip()
            box.pass_time(days=1)
            await box.retention.sweep()
        oldest = (await box.box.catalogue.clips_of_recorder(HERE))[0]
        assert box.labels.now() - oldest.created_at <= timedelta(days=7)
        assert len(await box.ids()) == 7
