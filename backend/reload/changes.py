"""What a changed configuration means for a daemon that runs: decides, never performs. Pure.

Not here: what it means for cameras (`cameras.changes`), carrying it out (`reloader`).
"""

from collections.abc import Iterator, Sequence

from backend.cameras.changes import CameraChanges
from backend.config.model import Config
from backend.config.values import Section

LIVE_SECTIONS = frozenset(
    {"cameras", "buffer", "recording", "retention", "budget", "schedules", "timezone", "log_level"}
)
"""What takes effect on reload; every other section needs a new start."""


def needs_restart(running: Config, wanted: Config) -> tuple[str, ...]:
    """The changed keys, dotted, that the daemon reads at its start only."""
    return tuple(key for key in _changed(running, wanted) if key.partition(".")[0] not in LIVE_SECTIONS)


def in_force(running: Config, wanted: Config) -> Config:
    """What holds after the reload: the wanted values, but for those that wait for a new start."""
    return running.model_copy(update={name: getattr(wanted, name) for name in LIVE_SECTIONS})


def describe(changes: CameraChanges, waiting: Sequence[str]) -> str:
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
    sentence = f"Configuration reloaded; cameras: {'; '.join(done) or 'as they were'}."
    if waiting:
        sentence += (
            f" Changed, but read at the start only: {', '.join(waiting)}. Restart the daemon for them."
        )
    return sentence


def _changed(before: Section, after: Section, prefix: str = "") -> Iterator[str]:
    for name in type(before).model_fields:
        one, other = getattr(before, name), getattr(after, name)
        if isinstance(one, Section) and isinstance(other, Section):
            yield from _changed(one, other, f"{prefix}{name}.")
        elif one != other:
            yield prefix + name
