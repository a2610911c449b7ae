"""Whatever fails while a picture is picked, the one there was stays, and the answer says what to do."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.base.health import Health
from backend.base.ids import new_id
from backend.catalogue import (
    Catalogue,
    CatalogueUnavailable,
    Clip,
    ClipUnknown,
    NewClip,
    PreviewSource,
)
from backend.catalogue.lifecycle import Status
from backend.config.model import PreviewsConfig
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.problems import STATUSES
from backend.http.wire.writers import WRITERS
from backend.pictures.frame_material import FrameMaterial
from backend.pictures.manual import MOST_WAITING, FrameToShow, ManualPictures
from backend.pictures.pictures import MadePicture, Pictures
from backend.playback.clip_bytes import ClipBytes
from backend.playback.clip_index import ClipIndexes
from backend.playback.metrics import PlaybackMetrics
from backend.problems.refused import Refused
from recorder.base.errors import Busy
from recorder.base.workers import WorkerPool
from recorder.bitstream.access_unit import AccessUnit
from recorder.mp4.muxer import write_mp4
from tests.support.backend.rows import HERE, NOON, Box
from tests.support.media import NS_PER_S, Camera, counter_in, counter_times, units_of


@cache
def _units() -> list[AccessUnit]:
    return units_of(Camera(gop=60, bframes=2), 90)


@dataclass
class House:
    """What picking needs, all of it real."""

    box: Box
    workers: WorkerPool
    health: Health
    pictures: Pictures
    manual: ManualPictures

    async def clip(self, first: int = 0) -> Clip:
        """A finished clip of two seconds, 60 counters from `first` on."""
        clip_id = new_id()
        path = self.box.files.clips_dir / clip_id / "clip.mp4"

        def write() -> None:
            path.parent.mkdir()
            units = _units()
            write_mp4(path, units, *counter_times(5 * NS_PER_S, Camera().fps, (first, first + 60)))

        await asyncio.to_thread(write)
        return await self.box.catalogue.insert_clip(
            NewClip(
                id=clip_id,
                recorder_id=HERE,
                camera="front",
                status=Status.DRAFT,
                start_time=NOON,
                pressed_at=NOON,
                duration_s=2.0,
                path=f"{clip_id}/clip.mp4",
            )
        )

    async def pick(self, clip: Clip, time: float) -> Clip:
        return await self.manual.set_from_timestamp(clip.id, FrameToShow(time))

    async def counter(self, clip_id: str, catalogue: Catalogue | None = None) -> int:
        """That of the picture in force."""
        clip = await (catalogue or self.box.catalogue).get_clip(clip_id)
        assert clip is not None
        assert clip.previews.manual is not None
        read = await self.pictures.read(clip, PreviewSource.MANUAL)
        assert read is not None
        data = np.frombuffer(read, np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert picture is not None
        return counter_in(picture.astype(np.uint8, copy=False))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(Box.opened(tmp_path))
        threads = stack.enter_context(ThreadPoolExecutor(4))
        workers = WorkerPool(1, max_waiting=3)
        stack.push_async_callback(asyncio.to_thread, workers.close)
        await asyncio.to_thread(workers.start)
        health = Health()
        pictures = Pictures(box.catalogue, ClipEvents(EventLog("test"), WRITERS.clip), box.files, health)
        clip_bytes = ClipBytes(box.files, None, threads, PlaybackMetrics())
        indexes = ClipIndexes(clip_bytes, threads, tmp_path / "indexes")
        material = FrameMaterial(clip_bytes, indexes, workers, tmp_path / "frames")
        # As short as configuration allows: one test waits for it.
        config = PreviewsConfig(decode_timeout=1.0)
        manual = ManualPictures(box.catalogue, pictures, workers, material, indexes, config)
        stack.push_async_callback(manual.close)
        yield House(box, workers, health, pictures, manual)


async def test_a_frame_named_by_number_or_label_is_the_picture_that_is_set(house: House) -> None:
    """With B-frames, behind a lead-in: no player's clock is needed to name it."""
    clip = await house.clip(first=17)
    for number in (0, 1, 29, 59):
        await house.manual.set_from_timestamp(clip.id, FrameToShow(number=number))
        assert await house.counter(clip.id) == 17 + number
        label = NOON + timedelta(microseconds=number * 1_000_000 // 30)
        await house.manual.set_from_timestamp(clip.id, FrameToShow(label=label))
        assert await house.counter(clip.id) == 17 + number
    with pytest.raises(Refused) as refused:
        await house.manual.set_from_timestamp(clip.id, FrameToShow(number=60))
    assert (STATUSES[refused.value.kind], refused.value.field) == (400, "frame")


async def test_a_file_that_cannot_be_decoded_costs_only_the_wish(house: House) -> None:
    """500 with a sentence."""
    clip = await house.clip()
    await house.pick(clip, 0.5)
    path = house.box.files.clip_path(str(clip.path))
    await asyncio.to_thread(path.write_bytes, b"no clip at all")
    with pytest.raises(Refused) as refused:
        await house.pick(clip, 1.0)
    assert STATUSES[refused.value.kind] == 500
    assert "stays" in refused.value.detail
    assert await house.counter(clip.id) == 15
    await asyncio.to_thread(path.unlink)
    with pytest.raises(Refused) as missing:
        await house.pick(clip, 1.0)
    assert STATUSES[missing.value.kind] == 502


async def test_a_decoder_that_hangs_is_ended_and_told_of(house: House) -> None:
    """504; the next wish finds another worker."""
    clip = await house.clip()
    await house.pick(clip, 0.5)
    for pid in await asyncio.to_thread(house.workers.pids):
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Refused) as refused:
        await house.pick(clip, 1.0)
    assert STATUSES[refused.value.kind] == 504
    assert await house.counter(clip.id) == 15
    await house.pick(clip, 1.0)
    assert await house.counter(clip.id) == 30


async def test_more_than_can_wait_are_refused_as_busy(house: House) -> None:
    """Of one clip, and of all together; whoever waits is served."""
    clip = await house.clip()
    wishes = (house.pick(clip, 0.1 * number) for number in range(MOST_WAITING + 4))
    made = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(one, Clip) for one in made) == MOST_WAITING
    assert sum(isinstance(one, Busy) for one in made) == 4
    others = [await house.clip() for _ in range(8)]
    made = await asyncio.gather(*(house.pick(one, 0.5) for one in others), return_exceptions=True)
    assert {type(one) for one in made} <= {Clip, Busy}
    assert isinstance(await house.pick(others[-1], 0.5), Clip)


async def test_a_disk_that_refuses_is_told_of_and_heals(house: House) -> None:
    """507, a concern until the next picture that can be written."""
    clip = await house.clip()
    directory = house.box.files.thumbnails_dir
    await asyncio.to_thread(shutil.rmtree, directory)
    await asyncio.to_thread(directory.touch)
    with pytest.raises(Refused) as refused:
        await house.pick(clip, 1.0)
    assert STATUSES[refused.value.kind] == 507
    assert "no pictures" in house.health.concerns["thumbnails"]
    await asyncio.to_thread(directory.unlink)
    await house.pick(clip, 1.0)
    assert house.health.concerns == {}
    assert await house.counter(clip.id) == 30


async def test_a_row_that_cannot_be_committed_leaves_the_old_picture_in_force(house: House) -> None:
    """As a kill between file and row does: the new file is there, and nobody names it."""
    clip = await house.clip()
    made = await house.pick(clip, 0.5)
    await house.box.catalogue.close()
    with pytest.raises(CatalogueUnavailable):
        await house.pictures.keep(clip.id, PreviewSource.MANUAL, _a_picture())
    again = Catalogue(f"sqlite:///{house.box.files.clips_dir.parent}/catalogue.db")
    await again.open()
    try:
        found = await again.get_clip(clip.id)
        assert found is not None
        assert found.previews == made.previews
        assert await house.counter(clip.id, again) == 15
    finally:
        await again.close()


async def test_a_clip_that_is_deleted_meanwhile_leaves_no_picture(house: House) -> None:
    """Its directory was swept perhaps a moment before the picture came."""
    clip = await house.clip()
    await house.box.catalogue.delete_clip(clip.id)
    with pytest.raises(ClipUnknown):
        await house.pictures.keep(clip.id, PreviewSource.MANUAL, _a_picture())
    assert not (house.box.files.thumbnails_dir / clip.id).exists()


async def test_a_client_that_hangs_up_gets_its_picture_all_the_same(house: House) -> None:
    """It is being made; half of it would help nobody."""
    clip = await house.clip()
    async with asyncio.TaskGroup() as group:
        wish = group.create_task(house.pick(clip, 1.0))
        await asyncio.sleep(0)
        wish.cancel()
    async with asyncio.timeout(30):
        while True:
            found = await house.box.catalogue.get_clip(clip.id)
            if found is not None and found.previews.manual is not None:
                break
            await asyncio.sleep(0.02)
    assert await house.counter(clip.id) == 30


def _a_picture() -> MadePicture:
    return MadePicture(b"\x89PNG", 16, 16, ".png")
