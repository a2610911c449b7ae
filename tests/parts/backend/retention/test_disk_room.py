"""How large the reserve is, and when it is touched."""

from pathlib import Path

import pytest

from backend.config.model import RecordingConfig
from backend.config.retention import ReserveConfig
from backend.problems.refused import Refused
from backend.retention.disk_room import RESTING_TURNS, must_end, reserve_bytes
from tests.support.backend.keeping import keeping
from tests.support.backend.statuses import a_status

CAMERAS = (a_status(), a_status(camera_id="yard", held_bytes=20_000_000), a_status(held_s=0.0))


@pytest.mark.parametrize(
    ("reserve", "recording", "wanted"),
    [
        ({"bytes": "1GiB", "clips": 2}, {}, 1024**3),
        ({"bytes": 0, "clips": 2}, {}, 2 * 30 * 2_000_000),
        ({"bytes": 1000, "clips": 0}, {}, 1000),
        ({"bytes": 0, "clips": 1}, {"before_seconds": 5, "after_seconds": None}, 65 * 2_000_000),
    ],
)
def test_the_reserve_is_the_larger_of_bytes_and_clips_of_the_greediest_camera(
    reserve: dict[str, object], recording: dict[str, object], wanted: int
) -> None:
    """By what it sends now; a recording without an end counts as a minute."""
    asked = ReserveConfig.model_validate(reserve), RecordingConfig.model_validate(recording)
    assert reserve_bytes(*asked, CAMERAS) == wanted
    assert reserve_bytes(*asked, ()) == ReserveConfig.model_validate(reserve).bytes


def test_recordings_are_ended_while_there_is_room_to_finish_them() -> None:
    """A finished file is as large as its part file, and both are there for a moment."""
    assert not must_end(1_000_000, 4_000_000, [])
    assert must_end(1_000_000, 4_000_000, [1])
    assert not must_end(1_000_001, 4_000_000, [1])
    assert must_end(10_000_000, 4_000_000, [5_000_000, 4_000_001])


async def test_a_disk_that_does_not_answer_refuses_nobody_and_is_counted(tmp_path: Path) -> None:
    """The recording itself will meet the disk and say what it said."""
    async with keeping(tmp_path, total_bytes=10_000, reserve={"bytes": 1000, "clips": 0}) as box:
        await box.room.check()
        (tmp_path / "dead").touch()
        await box.room.admit()
        assert box.room.counters.look_failures == 1


async def test_a_disk_far_from_full_is_left_alone_while_nobody_records(tmp_path: Path) -> None:
    """A look each second would wake a quiet box all day; a press, or a disk that fills, brings them back."""
    async with keeping(tmp_path, total_bytes=10_000, reserve={"bytes": 1000, "clips": 0}) as box:
        counters, make_room = box.room.counters, box.retention.make_room
        await box.room.check()
        (tmp_path / "dead").touch()  # each look fails, and is counted
        for _ in range(2 * RESTING_TURNS):
            await box.room.tick(make_room)
        assert counters.look_failures == 2
        await box.room.admit()
        box.statuses.append(a_status(recordings=1, held_s=0.0))
        for _ in range(3):
            await box.room.tick(make_room)
        assert counters.look_failures == 2 + 1 + 3
        box.statuses.clear()
        (tmp_path / "dead").unlink()
        (tmp_path / "stranger").write_bytes(b"x" * 8800)
        for _ in range(RESTING_TURNS + 1):
            await box.room.tick(make_room)
        (tmp_path / "dead").touch()
        for _ in range(3):
            await box.room.tick(make_room)
        assert counters.look_failures >= 2 + 1 + 3 + 3  # making room looks as well


async def test_the_state_of_the_disk_is_told_once_when_it_changes(tmp_path: Path) -> None:
    """An event, a note for /readyz and a counted refusal; nothing is repeated every second."""
    async with keeping(tmp_path, total_bytes=10_000, reserve={"bytes": 4000, "clips": 0}) as box:
        for _ in range(3):
            await box.room.check()
        assert box.events.published == 0
        (tmp_path / "stranger").write_bytes(b"x" * 8000)
        for _ in range(3):
            await box.room.check()
        assert box.events.published == 1
        with pytest.raises(Refused, match=r"Only 1\.95 KiB are free .*, and 3\.91 KiB are kept in reserve"):
            await box.room.admit()
        assert box.room.counters.refused == 1
        (tmp_path / "stranger").unlink()
        await box.room.admit()
        assert (box.events.published, box.health.concerns) == (2, {})


async def test_a_sweep_that_could_do_nothing_is_not_repeated_every_second(tmp_path: Path) -> None:
    """A box full of favourites reads its rows now and then, not always."""
    async with keeping(tmp_path, total_bytes=10_000, reserve={"bytes": 4000, "clips": 0}) as box:
        await box.clip(8000, keep=True)
        for _ in range(12):
            await box.room.check(box.retention.make_room)
        assert box.retention.counters.sweeps == 2


async def test_room_is_made_for_finishing_what_is_being_recorded(tmp_path: Path) -> None:
    """A part file of three thousand bytes needs as many again; without old clips nothing can be done."""
    async with keeping(tmp_path, total_bytes=10_100, reserve={"bytes": 1000, "clips": 0}) as box:
        await box.retention.sweep()
        clips = [await box.clip(1000) for _ in range(4)]
        await box.room.check(box.retention.make_room)
        assert await box.ids() == [clip.id for clip in clips]
        running = await box.box.running_clip()
        box.files.clip_path(f"{running.id}/recording.part").write_bytes(b"u" * 3000)
        box.statuses.append(a_status(recordings=1, held_s=0.0))
        await box.room.check(box.retention.make_room)
        assert box.room.pending_bytes == 3000
        assert await box.ids() == [*(clip.id for clip in clips[-2:]), running.id]
        box.statuses.clear()
        await box.box.catalogue.delete_clip(running.id)
        await box.room.check()
        assert box.room.pending_bytes == 0
