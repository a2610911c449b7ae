"""What people ask of schedules, and what a reload of the configuration makes of its rows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backend.base.ids import new_id
from backend.cameras.cameras import Cameras
from backend.catalogue.schedule_values import Origin, ScheduleKind
from backend.events.log import EventLog
from backend.http.problems import STATUSES
from backend.http.wire.schedules import ScheduleJson, SchedulePatch, ScheduleRequest
from backend.http.wire.writers import WRITERS
from backend.problems.refused import Refused
from backend.schedules.schedules import MOST_SCHEDULES, Schedules
from tests.support.backend.rows import HERE, Box
from tests.support.backend.schedule_specs import a_recording, a_schedule, a_timelapse

NOW = datetime(2026, 3, 10, 7)


class NoRecorder:
    """The one thing asked of a camera here: which it is."""

    def __init__(self, camera_id: str) -> None:
        self.settings = type("Settings", (), {"camera_id": camera_id})()


class Desk:
    """Schedules over a real catalogue."""

    def __init__(self, box: Box) -> None:
        self.rows = box.catalogue.schedules
        self.events = EventLog("test")
        cameras: Any = [NoRecorder("front"), NoRecorder("back")]
        self.schedules = Schedules(box.catalogue, Cameras(cameras), self.events, HERE, lambda: NOW, WRITERS)

    async def create(self, **asked: Any) -> Any:
        request = ScheduleRequest.model_validate(asked)
        return await self.schedules.create(request.spec("front", self.schedules.timezone), new_id())

    async def told(self, schedule: Any) -> ScheduleJson:
        """The schedule as it goes out."""
        return ScheduleJson.of(await self.schedules.view(schedule.id))

    async def change(self, schedule_id: str, **asked: Any) -> Any:
        return await self.schedules.change(schedule_id, SchedulePatch.model_validate(asked).changes())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Box.opened(tmp_path) as box:
        yield Desk(box)


async def test_a_schedule_tells_its_next_times_in_utc(desk: Desk) -> None:
    """07:30 in Berlin is 06:30Z in winter and 05:30Z after the change."""
    made = await desk.create(
        name="Morning", cron="30 7 * * sat,sun", length_seconds=600, timezone="Europe/Berlin"
    )
    told = await desk.told(made)
    sent = told.model_dump(mode="json")
    assert [time[:16] for time in sent["next"]] == [
        "2026-03-14T06:30",
        "2026-03-15T06:30",
        "2026-03-21T06:30",
    ]
    assert (sent["camera"], sent["origin"], sent["last_run"]) == ("front", "api", None)
    disabled = await desk.change(made.id, enabled=False, timezone=None)
    told = await desk.told(disabled)
    assert (told.next, told.timezone, told.version) == ([], "UTC", 2)


async def test_a_change_may_turn_an_interval_into_a_cron(desk: Desk) -> None:
    """null takes a field away; the whole must still make sense."""
    made = await desk.create(every_seconds=3600, length_seconds=10)
    with pytest.raises(Refused) as refused:
        await desk.change(made.id, cron="0 7 * * *")
    assert (STATUSES[refused.value.kind], refused.value.field) == (422, "cron")
    assert "every cannot both be given" in refused.value.detail
    changed = await desk.change(made.id, cron="0 7 * * *", every_seconds=None, camera="back")
    assert (changed.spec.cron, changed.spec.every_s, changed.spec.camera) == ("0 7 * * *", None, "back")
    with pytest.raises(Refused) as refused:
        await desk.change(made.id, length_seconds=None)
    assert refused.value.field == "length"
    with pytest.raises(Refused) as refused:
        await desk.change(made.id, camera="cellar")
    assert STATUSES[refused.value.kind] == 404


async def test_a_timelapse_has_its_defaults(desk: Desk) -> None:
    """25 pictures per second, and `join` as it was given."""
    made = await desk.create(kind="timelapse", every_seconds=30, join="day")
    told = await desk.told(made)
    assert (told.join, told.fps, made.spec.kind) == ("day", 25, ScheduleKind.TIMELAPSE)
    changed = await desk.change(made.id, join=900, fps=None)
    told = await desk.told(changed)
    assert (told.join, told.fps) == (900, 25)


async def test_rows_of_the_configuration_are_read_only_and_follow_it(desk: Desk) -> None:
    """By name: new ones come, changed ones change and keep their id, those that are gone go."""
    schedules = desk.schedules
    await desk.create(name="mine", every_seconds=3600, length_seconds=10)
    await schedules.follow_config([a_recording(), a_timelapse()], "Europe/Berlin")
    before = {s.spec.name: s for s in await schedules.every()}
    assert sorted(before) == ["mine", "morning", "street"]
    assert before["morning"].origin is Origin.CONFIG
    for act in (desk.change(before["morning"].id, enabled=False), schedules.delete(before["morning"].id)):
        with pytest.raises(Refused, match="comes from config") as refused:
            await act
        assert STATUSES[refused.value.kind] == 409
    await schedules.follow_config([replace(a_recording(), length_s=5.0)], "UTC")
    after = {s.spec.name: s for s in await schedules.every()}
    assert sorted(after) == ["mine", "morning"]
    assert (after["morning"].id, after["morning"].spec.length_s) == (before["morning"].id, 5.0)
    await schedules.follow_config([replace(a_timelapse(), name="morning")], "UTC")
    assert {s.spec.name: s.spec.kind for s in await schedules.every()}["morning"] is ScheduleKind.TIMELAPSE


async def test_a_reload_that_changes_nothing_changes_no_row(desk: Desk) -> None:
    """Versions stay, and nobody is told."""
    await desk.schedules.follow_config([a_recording()], "UTC")
    before, told = await desk.schedules.every(), desk.events.published
    await desk.schedules.follow_config([a_recording()], "UTC")
    assert await desk.schedules.every() == before
    assert desk.events.published == told


async def test_rows_of_other_boxes_are_seen_and_left_alone(desk: Desk) -> None:
    """Many boxes on one database: each follows its own configuration."""
    theirs = await desk.rows.insert(a_schedule(origin=Origin.CONFIG, recorder_id=new_id()))
    await desk.schedules.follow_config([], "UTC")
    assert [s.id for s in await desk.schedules.every()] == [theirs.id]
    assert await desk.schedules.every("back") == []
    mine = await desk.rows.insert(a_schedule(recorder_id=new_id()))
    with pytest.raises(Refused, match="another box's") as refused:
        await desk.change(mine.id, camera="back")
    assert STATUSES[refused.value.kind] == 409
    assert (await desk.change(mine.id, enabled=False)).spec.enabled is False


async def test_schedules_are_bounded(desk: Desk) -> None:
    """Each is looked at every second."""
    for _ in range(MOST_SCHEDULES):
        await desk.rows.insert(a_schedule(recorder_id=HERE))
    with pytest.raises(Refused, match="Delete one first") as refused:
        await desk.create(every_seconds=3600, length_seconds=10)
    assert STATUSES[refused.value.kind] == 409


async def test_what_is_not_there_is_a_404(desk: Desk) -> None:
    """Also an id that is none."""
    for schedule_id in (new_id(), "x"):
        for act in (desk.schedules.get(schedule_id), desk.schedules.runs(schedule_id, 5)):
            with pytest.raises(Refused) as refused:
                await act
            assert STATUSES[refused.value.kind] == 404
