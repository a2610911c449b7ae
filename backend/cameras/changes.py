"""Which cameras a changed configuration adds, removes, restarts or adjusts. Pure.

A camera whose way of being read is the same keeps its buffer and its recordings, whatever else changes:
name and bounds of the buffer are taken on as it runs. Not here: carrying it out (`cameras`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recorder import is_device
from recorder.base.settings import BufferSettings, CameraSettings


@dataclass(frozen=True, slots=True)
class CameraChanges:
    """`cameras` are all there shall be, in order; the ids say how each one comes to be so."""

    cameras: tuple[CameraSettings, ...]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    adjust: tuple[str, ...] = ()
    reordered: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is different at all."""
        return bool(self.add or self.remove or self.restart or self.adjust or self.reordered)


def camera_changes(running: Sequence[CameraSettings], wanted: Sequence[CameraSettings]) -> CameraChanges:
    """What turns the cameras that run into the wanted ones."""
    before = {camera.camera_id: camera for camera in running}
    after = {camera.camera_id: camera for camera in wanted}
    changed = [name for name in after if name in before and before[name] != after[name]]
    restart = tuple(name for name in changed if _reading(before[name]) != _reading(after[name]))
    return CameraChanges(
        cameras=tuple(wanted),
        add=tuple(name for name in after if name not in before),
        remove=tuple(name for name in before if name not in after),
        restart=restart,
        adjust=tuple(name for name in changed if name not in restart),
        reordered=[n for n in before if n in after] != [n for n in after if n in before],
    )


def _reading(camera: CameraSettings) -> CameraSettings:
    """The camera without what it takes on while it runs; a setting nobody thought of here restarts it."""
    bounds = BufferSettings(codec=camera.buffer.codec)
    reading = replace(camera, name="", buffer=bounds)
    if not is_device(camera.source):
        reading = replace(reading, width_px=0, height_px=0, fps=0.0)
    if not camera.source.startswith(("rtsp://", "rtsps://")):
        reading = replace(reading, rtsp_transport="")
    return reading
