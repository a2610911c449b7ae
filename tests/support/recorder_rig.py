"""One real recorder without a daemon: real source, real ring, real files, and the events it sends."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np

from recorder.base.clock import LabelLine, SystemClock
from recorder.base.settings import BufferSettings, CameraSettings
from recorder.base.values import FinishedClip, RecorderEvent, RecordingFinished, RecordRequest
from recorder.base.workers import WorkerPool
from recorder.recorder import Recorder, RecorderDirectories, RecorderTools
from recorder.recording.finishing import Finisher
from recorder.recording.transcoder import Transcoder
from recorder.sources.test_picture.test_card import read_counter

E = TypeVar("E")
FINISHING_THREADS = 2


class SteppableClock(SystemClock):
    """The machine's clock, whose wall part a test can set."""

    def __init__(self) -> None:
        super().__init__()
        self.step_ns = 0

    def realtime_ns(self) -> int:
        return super().realtime_ns() + self.step_ns


@dataclass(slots=True)
class Rig:
    """A recorder under test."""

    recorder: Recorder
    labels: LabelLine
    clock: SteppableClock
    clips_dir: Path
    finishing: ThreadPoolExecutor
    events: list[RecorderEvent] = field(default_factory=list)
    _ids: "count[int]" = field(default_factory=count)

    def new_id(self) -> str:
        return f"clip-{next(self._ids)}"

    async def until(self, condition: Callable[[], E | None], timeout_s: float = 30.0) -> E:
        """Wait for a condition; a time-out fails with what the camera says."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := condition()):
                    await asyncio.sleep(0.02)
                return found
        except TimeoutError:
            message = f"waited {timeout_s} s in vain; {self.recorder.status()}; events {self.events[-5:]}"
            raise AssertionError(message) from None

    @contextmanager
    def finishing_held_up(self) -> Iterator[None]:
        """No clip is finished inside the block: something else keeps every finishing thread busy."""
        gate = threading.Event()
        for _ in range(FINISHING_THREADS):
            self.finishing.submit(gate.wait)
        try:
            yield
        finally:
            gate.set()

    async def buffered(self, seconds: float) -> None:
        """Wait until the ring holds that much."""
        await self.until(lambda: self.recorder.status().buffer.held_s >= seconds, seconds + 20)

    def finished(self, recording_id: str) -> FinishedClip | None:
        """The clip of a recording, once it is done."""
        for event in self.events:
            if isinstance(event, RecordingFinished) and event.recording_id == recording_id:
                return event.clip
        return None

    async def clip(
        self,
        *,
        at: datetime | None = None,
        before_s: float = 15.0,
        after_s: float | None = 15.0,
        span: tuple[datetime, datetime] | None = None,
    ) -> FinishedClip:
        """Record, acknowledge, and wait for the finished clip."""
        start, end = span or (None, None)
        request = RecordRequest(self.new_id(), at, before_s, after_s, start, end)
        started = await self.recorder.record(request)
        await self.recorder.acknowledge(request.recording_id)
        if started.finished is not None:
            return started.finished
        clip: FinishedClip = await self.until(lambda: self.finished(request.recording_id))
        return clip


@asynccontextmanager
async def running_recorder(
    source: str,
    directory: Path,
    buffer: BufferSettings | None = None,
    read_timeout_s: float = 5.0,
    *,
    audio: bool = True,
) -> AsyncIterator[Rig]:
    """A recorder of `source` with its files below `directory`."""
    clips_dir = directory / "clips"
    clips_dir.mkdir(exist_ok=True)
    clock = SteppableClock()
    labels = LabelLine(clock)
    events: list[RecorderEvent] = []
    ids = count(1000)
    workers = WorkerPool()
    transcoder = Transcoder()
    transcoder.start()
    await asyncio.to_thread(workers.start)
    with (
        ThreadPoolExecutor(4) as disk,
        ThreadPoolExecutor(FINISHING_THREADS) as finishing,
        ThreadPoolExecutor(1) as live,
    ):
        tools = RecorderTools(
            recorder_id="rig",
            clock=clock,
            labels=labels,
            workers=workers,
            disk=disk,
            finisher=Finisher(finishing, transcoder),
            live=live,
            new_id=lambda: f"continuation-{next(ids)}",
            on_event=events.append,
        )
        settings = CameraSettings(
            "cam", "Camera", source, buffer or BufferSettings(), read_timeout_s=read_timeout_s, audio=audio
        )
        recorder = Recorder(settings, RecorderDirectories(clips_dir, directory / "runtime"), tools)
        await recorder.start()
        try:
            yield Rig(recorder, labels, clock, clips_dir, finishing, events)
        finally:
            await recorder.close()
            await transcoder.close()
            await asyncio.to_thread(workers.close)


def counters_of(path: Path) -> list[int]:
    """The counters a player shows of a clip, in presentation order, edit list honoured."""
    found: list[int] = []
    with av.open(str(path), "r") as container:
        for frame in container.decode(video=0):
            number = read_counter(frame.to_ndarray(format="bgr24"))
            assert number is not None, f"frame {len(found)} shows no readable counter"
            found.append(number)
    return found


def media_seconds(path: Path) -> float:
    """Length of a clip as its container tells it."""
    with av.open(str(path), "r") as container:
        assert container.duration is not None
        return container.duration / 1_000_000


def counter_in(jpeg: bytes) -> int:
    """The counter a JPEG picture shows."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None, "this is no JPEG"
    number = read_counter(picture.astype(np.uint8))
    assert number is not None, "the picture shows no readable counter"
    return number
