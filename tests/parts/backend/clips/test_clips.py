"""The promise behind a 201, with a real recorder, catalogue and disk in one process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.cameras.cameras import Cameras, camera_settings
from backend.catalogue import CatalogueUnavailable
from backend.catalogue.lifecycle import Status
from backend.clips.clips import Clips
from backend.clips.recorder_events import RecorderInbox
from backend.clips.recordings import ClipServices, Recordings
from backend.clips.requests import RecordOptions
from backend.config.model import Config, RecordingConfig
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.wire.writers import WRITERS
from backend.retention.parts import open_budget, open_disk_room
from recorder.base.clock import LabelLine, SystemClock
from recorder.base.tasks import Tasks
from recorder.base.values import RecordingContinued, RecordingProgressed, RecordRequest
from recorder.base.workers import WorkerPool
from recorder.recorder import Recorder, RecorderDirectories, RecorderTools
from recorder.recording.finishing import Finisher
from recorder.recording.transcoder import Transcoder
from tests.support.backend.foundations import foundation_of
from tests.support.backend.picturing import picturing_of
from tests.support.backend.rows import HERE, Box

CONFIG = Config.model_validate({"cameras": [{"id": "front", "source": "synthetic?size=160x96&fps=30"}]})
NOTHING_AFTER = RecordOptions(before_s=0.5, after_s=0)
LONG = RecordOptions(before_s=0.5, after_s=600)


@dataclass
class House:
    """Everything between a request and the disk."""

    box: Box
    recorder: Recorder
    clips: Clips
    recordings: Recordings
    inbox: RecorderInbox

    def folders(self) -> list[str]:
        return [path.name for path in self.box.files.clips_dir.iterdir()]


async def until(condition: Callable[[], Awaitable[object] | object], deadline_s: float = 10.0) -> None:
    async with asyncio.timeout(deadline_s):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(Box.opened(tmp_path))
        disk, finishing, live = (ThreadPoolExecutor(2, thread_name_prefix=n) for n in ("d", "f", "l"))
        workers = WorkerPool(1)
        for end in (workers.close, disk.shutdown, finishing.shutdown, live.shutdown):
            stack.push_async_callback(asyncio.to_thread, end)
        transcoder = Transcoder()
        stack.push_async_callback(transcoder.close)
        transcoder.start()
        finisher = Finisher(finishing, transcoder)
        inbox = RecorderInbox()
        clock = SystemClock()
        tools = RecorderTools(
            recorder_id=HERE,
            clock=clock,
            labels=LabelLine(clock),
            workers=workers,
            disk=disk,
            finisher=finisher,
            live=live,
            new_id=new_id,
            on_event=inbox.put,
        )
        (settings,) = camera_settings(CONFIG)
        directories = RecorderDirectories(box.files.clips_dir, tmp_path / "runtime")
        recorder = Recorder(settings, directories, tools)
        events = EventLog("test")
        clip_events = ClipEvents(events, WRITERS.clip)
        base = foundation_of(box, CONFIG, events=events, disk=disk, finisher=finisher)
        cameras = Cameras([recorder])
        services = ClipServices(
            base,
            cameras,
            picturing_of(box, clip_events, workers, disk).previews,
            clip_events,
            open_budget(base, open_disk_room(base, cameras)),
            WRITERS.camera,
        )
        recordings = Recordings(services, inbox)
        clips = Clips(services, recordings, RecordingConfig())
        tasks = Tasks()
        stack.push_async_callback(services.cameras.close)
        await services.cameras.start()
        tasks.spawn(recordings.run(), "recordings")
        for part in (services.previews, clips, tasks):
            stack.push_async_callback(part.close)
        await until(lambda: recorder.status().buffer.duration_s > 1)
        yield House(box, recorder, clips, recordings, inbox)


async def test_a_row_that_cannot_be_committed_leaves_nothing_behind(house: House) -> None:
    """Neither a finished look-back nor a recording under way survives a database that refuses."""
    await house.box.catalogue.close()
    for asked in (NOTHING_AFTER, LONG):
        with pytest.raises(CatalogueUnavailable):
            await house.clips.create(asked)
    assert house.folders() == []
    assert house.recorder.status().recordings == 0


async def test_a_client_that_hangs_up_leaves_a_whole_recording(house: House) -> None:
    """The request is cancelled in the middle; the work goes on to its end, row and files together."""
    for asked in (NOTHING_AFTER, LONG):
        clip_id = new_id()
        async with asyncio.TaskGroup() as group:
            request = group.create_task(house.clips.create(asked, clip_id))
            await asyncio.sleep(0)
            request.cancel()
        assert request.cancelled()

        async def is_there(clip_id: str = clip_id) -> bool:
            clip = await house.box.catalogue.get_clip(clip_id)
            return clip is not None and not (house.box.files.clips_dir / clip_id / "unacknowledged").exists()

        await until(is_there)
    await until(lambda: house.recorder.is_recording(clip_id))


async def test_too_many_recordings_are_refused_and_the_others_go_on(house: House) -> None:
    """The bound is per camera; the refusal says what to do."""
    made = [await house.clips.create(LONG) for _ in range(32)]
    from recorder.base.errors import Busy

    with pytest.raises(Busy, match="Stop one first"):
        await house.clips.create(LONG)
    assert all(house.recorder.is_recording(clip.id) for clip in made)
    for clip in made:
        await house.clips.delete(clip.id)
    assert house.recorder.status().recordings == 0
    assert house.folders() == []


async def test_a_continuation_gets_a_row_that_points_both_ways(house: House) -> None:
    """What a person said about the first clip holds for the second."""
    asked = replace(LONG, title="Gate", tags=("night",))
    first = await house.clips.create(asked)
    # As the recorder does when codec parameters change: part file first, then the event.
    started = await house.recorder.record(RecordRequest(new_id(), before_s=0.5, after_s=None))
    await house.recordings.handle(RecordingContinued(first.id, started))
    row, earlier = await house.clips.get(started.recording_id), await house.clips.get(first.id)
    assert (row.title, row.tags, row.continued_from) == ("Gate", ("night",), first.id)
    assert earlier.continued_by == row.id
    assert house.recorder.is_recording(row.id)


async def test_a_continuation_of_a_deleted_clip_is_discarded(house: House) -> None:
    """The event comes after the deletion: neither row nor files of the rest stay."""
    gone = await house.clips.create(LONG)
    started = await house.recorder.record(RecordRequest(new_id(), before_s=0.5, after_s=None))
    await house.recorder.acknowledge(started.recording_id)
    await house.clips.delete(gone.id)
    await house.recordings.handle(RecordingContinued(gone.id, started))
    assert await house.box.catalogue.get_clip(started.recording_id) is None
    assert not (house.box.files.clips_dir / started.recording_id).exists()


async def test_news_of_a_deleted_clip_is_no_error(house: House) -> None:
    """A recording may end in the moment it is deleted."""
    clip = await house.clips.create(LONG)
    await house.clips.delete(clip.id)
    house.inbox.put(RecordingProgressed(clip.id, 1.0, 0.1))
    await until(lambda: len(house.inbox) == 0)
    again = await house.clips.create(RecordOptions(before_s=0.5, after_s=0.3))

    async def is_done() -> bool:
        return (await house.clips.get(again.id)).status is Status.DRAFT

    await until(is_done)
