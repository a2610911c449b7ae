"""The cameras of this daemon: one recorder each, made from the configuration.

Here: which recorders there are, which is the default, their start and end, how they come and go, and how
memory is divided among their buffers. Not here: what happens to clips (`clips`, `recordings`), what a
reload means (`reload.changes`). Event loop only.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence

from backend.cameras.changes import CameraChanges
from backend.config.model import CameraConfig, Config
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import Recorder, default_read_timeout_s
from recorder.base.settings import BufferCodec, BufferSettings, CameraSettings, share_memory
from recorder.base.tasks import Tasks
from recorder.base.values import CameraStatus

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 12.0
"""A capture thread ends within its read timeout (at most 9 s); one that hangs must not hold the daemon."""


class Cameras:
    """The recorders, in the order of the configuration; the first one is the default."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self._recorders = {recorder.settings.camera_id: recorder for recorder in recorders}
        self._default = recorders[0].settings.camera_id
        self._leaving: list[Recorder] = []
        """Their cameras are gone already; clips of their last recordings are still being finished."""
        self._tasks = Tasks()

    def __iter__(self) -> Iterator[Recorder]:
        return iter(self._recorders.values())

    def __len__(self) -> int:
        return len(self._recorders)

    @property
    def default_id(self) -> str:
        """The camera that a request means when it names none."""
        return self._default

    def find(self, camera_id: str | None, *, field: str = "camera") -> Recorder:
        """The recorder of a camera (None: of the default one); a 404 that names what there is."""
        recorder = self._recorders.get(self._default if camera_id is None else camera_id)
        if recorder is None:
            known = ", ".join(self._recorders)
            raise Refused(Kind.CAMERA_UNKNOWN, field=field, known=known)
        return recorder

    def get(self, camera_id: str) -> Recorder | None:
        """The recorder of a camera, None when it is not configured (any more)."""
        return self._recorders.get(camera_id)

    def recording(self, recording_id: str, camera_id: str) -> Recorder | None:
        """The recorder that records this, else that of its camera; None if the camera is not configured."""
        everybody = (*self._leaving, *self)
        busy = (recorder for recorder in everybody if recorder.is_recording(recording_id))
        return next(busy, self._recorders.get(camera_id))

    def statuses(self) -> list[CameraStatus]:
        """Every camera now."""
        return [recorder.status() for recorder in self]

    async def start(self) -> None:
        """Begin to fill every buffer; returns at once."""
        for recorder in self:
            await recorder.start()

    async def change(self, changes: CameraChanges, make: Callable[[CameraSettings], Recorder]) -> None:
        """Carry out a reload. Release the old cameras first: a new one may use the same device.

        Recordings of old cameras end at the newest frame; their clips are finished in the background.
        """
        going = [self._recorders[name] for name in (*changes.remove, *changes.restart)]
        await asyncio.gather(*(_release(recorder) for recorder in going))
        fresh = {*changes.add, *changes.restart}
        recorders: dict[str, Recorder] = {}
        for settings in changes.cameras:
            name = settings.camera_id
            recorders[name] = make(settings) if name in fresh else self._recorders[name]
        self._recorders, self._default = recorders, changes.cameras[0].camera_id
        self._leaving += going
        for recorder in going:
            name = f"last clips of {recorder.settings.camera_id}"
            self._tasks.spawn(self._see_off(recorder), name)
        for settings in changes.cameras:
            if settings.camera_id in changes.adjust:
                await recorders[settings.camera_id].adjust(settings)
        for name in fresh:
            await recorders[name].start()

    async def close(self) -> None:
        """End every recorder, all at the same time."""
        await self._tasks.close()
        async with asyncio.TaskGroup() as group:
            for recorder in (*self, *self._leaving):
                group.create_task(_close(recorder))

    async def _see_off(self, recorder: Recorder) -> None:
        await recorder.drained()
        self._leaving.remove(recorder)
        await _close(recorder)


async def _release(recorder: Recorder) -> None:
    try:
        await recorder.release()
    except Exception:
        # The outermost frame of one camera's end: the others go on, its files are there at start-up.
        log.exception("camera %s did not end cleanly", recorder.settings.camera_id)


async def _close(recorder: Recorder) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await recorder.close()
    except TimeoutError:
        return


def camera_settings(
    config: Config, total_memory_bytes: Callable[[], int] | None = None
) -> list[CameraSettings]:
    """The settings of each recorder. Reads `source_file`s (blocking); OSError when one cannot be read."""
    cameras = config.effective_cameras
    wanted = [camera.buffer.max_bytes or config.buffer.max_bytes for camera in cameras]
    if config.buffer.total_bytes == "auto":
        total = (total_memory_bytes or _memory_bytes)() // 4
    else:
        total = config.buffer.total_bytes
    shares = share_memory(wanted, total)
    return [
        _settings(camera, _buffer(config, camera, share))
        for camera, share in zip(cameras, shares, strict=True)
    ]


def _buffer(config: Config, camera: CameraConfig, max_bytes: int) -> BufferSettings:
    return BufferSettings(
        seconds=camera.buffer.seconds or config.buffer.seconds,
        max_bytes=max_bytes,
        codec=BufferCodec(camera.buffer.codec or config.buffer.codec),
    )


def _settings(camera: CameraConfig, buffer: BufferSettings) -> CameraSettings:
    source = _source(camera)
    width_px, height_px = camera.size_px
    return CameraSettings(
        camera_id=camera.id,
        name=camera.label,
        source=source,
        buffer=buffer,
        rtsp_transport=camera.rtsp_transport,
        open_timeout_s=camera.open_timeout,
        read_timeout_s=camera.read_timeout or default_read_timeout_s(source),
        width_px=width_px,
        height_px=height_px,
        fps=camera.fps,
        rotation_deg=camera.rotation,
        audio=camera.audio,
    )


def _source(camera: CameraConfig) -> str:
    if camera.source is not None:
        return camera.source.get_secret_value()
    if camera.source_file is None:
        raise ValueError(f"camera '{camera.id}' has no source")
    return camera.source_file.read_text("utf-8").strip()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
