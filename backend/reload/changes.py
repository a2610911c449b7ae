"""What a changed configuration means for a daemon that runs: decides, never performs. Pure.

A camera whose way of being read is the same keeps its buffer and its recordings, whatever else is
said about it: name and bounds of the buffer are taken on as it runs. Not here: who carries
it out (`reloader`, `cameras`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backend.config.model import Config
from backend.config.values import Section
from recorder.base.settings import BufferSettings, CameraSettings
from recorder.sources.open import is_device

LIVE_SECTIONS = frozenset(
    {"cameras", "buffer", "recording", "retention", "budget", "schedules", "timezone", "log_level"}
)
"""What takes effect on reload; every other section needs a new start."""


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


def needs_restart(running: Config, wanted: Config) -> tuple[str, ...]:
    """The changed keys, dotted, that the daemon reads at its start only."""
    return tuple(key for key in _changed(running, wanted) if key.partition(".")[0] not in LIVE_SECTIONS)


def in_force(running: Config, wanted: Config) -> Config:
    """What holds after the reload: the wanted values, but for those that wait for a new start."""
    return running.model_copy(update={name: getattr(wanted, name) for name in LIVE_SECTIONS})


def sentence(changes: CameraChanges, waiting: Sequence[str]) -> str:
    """What the reload did, for a person. `waiting`: the keys that need a restart."""
    done = [
        f"{verb} {', '.join(names)}"
        for verb, names in (
            ("added", changes.add),
            ("removed", changes.remove),
            ("restarted", changes.restart),
            ("changed as they run", changes.adjust),
        )
        if names
    ]
    said = f"Configuration reloaded; cameras: {'; '.join(done) or 'as they were'}."
    if waiting:
        said += f" Changed, but read at the start only: {', '.join(waiting)}. Restart the daemon for them."
    return said


def _changed(before: Section, after: Section, prefix: str = "") -> Iterator[str]:
    for name in type(before).model_fields:
        one, other = getattr(before, name), getattr(after, name)
        if isinstance(one, Section) and isinstance(other, Section):
            yield from _changed(one, other, f"{prefix}{name}.")
        elif one != other:
            yield prefix + name
