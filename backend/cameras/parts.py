"""The room of the cameras: their recorders, open replays, live viewers. Event loop only."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.base.ids import new_id
from backend.cameras.cameras import Cameras, camera_settings
from backend.cameras.replays import OpenReplays
from backend.cameras.viewers import Viewers
from backend.foundation.foundation import Foundation
from recorder import Recorder, RecorderDirectories, RecorderTools
from recorder.base.clock import SystemClock
from recorder.base.settings import CameraSettings
from recorder.base.values import RecorderEvent


@dataclass(frozen=True, slots=True)
class CameraRoom:
    """The parts; `make` makes the recorder of a camera that a reload adds."""

    cameras: Cameras
    replays: OpenReplays
    viewers: Viewers
    make: Callable[[CameraSettings], Recorder]

    async def start(self) -> None:
        """Begin to fill every buffer; returns at once."""
        await self.cameras.start()

    async def close(self) -> None:
        """End every replay and every recorder."""
        await self.replays.close()
        await self.cameras.close()

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return {
            "replays_open": len(self.replays),
            "replays_given_up_total": self.replays.given_up,
        }


async def open_cameras(base: Foundation, on_event: Callable[[RecorderEvent], None]) -> CameraRoom:
    """One recorder for each configured camera; `on_event` hears what happens to their recordings."""
    tools = RecorderTools(
        recorder_id=base.recorder_id,
        clock=SystemClock(),
        labels=base.labels,
        workers=base.workers,
        disk=base.disk,
        finisher=base.finisher,
        live=base.live,
        new_id=new_id,
        on_event=on_event,
    )
    directories = RecorderDirectories(base.files.clips_dir, base.runtime_dir)

    def make(camera: CameraSettings) -> Recorder:
        return Recorder(camera, directories, tools)

    settings = await asyncio.to_thread(camera_settings, base.config)
    return CameraRoom(Cameras([make(camera) for camera in settings]), OpenReplays(), Viewers(), make)
