"""Pictures that could not be made are made later: nobody restarts a box in a shed for a grey card.

What they show, and that they last, is asked of a whole daemon in tests/system/test_previews.py.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import Clip, NewClip
from backend.catalogue.lifecycle import Status
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.wire.writers import WRITERS
from backend.pictures.automatic import LATER_TRIES
from backend.pictures.parts import PictureRoom
from recorder.base.workers import WorkerPool
from recorder.bitstream.access_unit import AccessUnit
from recorder.mp4.muxer import write_mp4
from tests.support.backend.picturing import picturing_of
from tests.support.backend.rows import HERE, NOON, Box
from tests.support.media import Camera, units_of


@cache
def _units() -> list[AccessUnit]:
    return units_of(Camera(gop=30), 60)


@dataclass
class House:
    """What makes pictures, all of it real."""

    box: Box
    made: PictureRoom

    async def clip(self, *, readable: bool) -> Clip:
        """A finished clip of one second, or one whose file cannot be read now."""
        clip_id = new_id()
        row = NewClip(
            id=clip_id,
            recorder_id=HERE,
            camera="front",
            status=Status.DRAFT,
            start_time=NOON,
            pressed_at=NOON,
            duration_s=1.0,
            path=f"{clip_id}/clip.mp4",
        )
        clip = await self.box.catalogue.insert_clip(row)
        await asyncio.to_thread(self.write, clip, readable)
        return clip

    def write(self, clip: Clip, readable: bool) -> None:
        path = self.box.files.clip_path(str(clip.path))
        path.parent.mkdir(exist_ok=True)
        if readable:
            units = _units()
            write_mp4(path, units, units[0].pts_ns, units[0].pts_ns + 1_000_000_000)
        else:
            path.write_bytes(b"no clip at all")

    async def has_pictures(self, clip: Clip) -> tuple[bool, bool]:
        found = await self.box.catalogue.get_clip(clip.id)
        assert found is not None
        return found.previews.current is not None, found.previews.middle is not None

    @property
    def failures(self) -> int:
        return self.made.pictures.counters.failed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(Box.opened(tmp_path))
        disk = stack.enter_context(ThreadPoolExecutor(2))
        workers = WorkerPool(1)
        stack.push_async_callback(asyncio.to_thread, workers.close)
        made = picturing_of(box, ClipEvents(EventLog("test"), WRITERS.clip), workers, disk)
        stack.push_async_callback(made.close)
        yield House(box, made)


async def test_a_picture_that_failed_is_made_when_it_can_be(house: House) -> None:
    """A disk or a store that did not answer: the next turn makes the pictures, and owes none."""
    clip = await house.clip(readable=False)
    await house.made.previews.catch_up(HERE)
    assert (await house.has_pictures(clip), house.failures) == ((False, False), 2)
    await asyncio.to_thread(house.write, clip, True)
    await house.made.previews.make_up()
    assert (await house.has_pictures(clip), house.failures) == ((True, True), 2)
    await asyncio.to_thread(house.write, clip, False)
    await house.made.previews.make_up()
    assert house.failures == 2


async def test_a_clip_that_never_gives_a_picture_is_not_tried_for_ever(house: House) -> None:
    """Decoding damage once an hour for a year helps nobody."""
    await house.clip(readable=False)
    await house.made.previews.catch_up(HERE)
    for _ in range(LATER_TRIES + 2):
        await house.made.previews.make_up()
    tried = house.failures
    await house.made.previews.make_up()
    assert house.failures == tried


async def test_nothing_is_owed_for_a_clip_that_is_gone(house: House) -> None:
    """Its row was deleted meanwhile."""
    clip = await house.clip(readable=False)
    await house.made.previews.catch_up(HERE)
    await house.box.catalogue.delete_clip(clip.id)
    await house.made.previews.make_up()
    assert house.failures == 2
