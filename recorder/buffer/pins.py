"""Pins keep spans of the ring longer than the ring does, within a byte limit of their own.

What a pin shares with the ring costs nothing. What only pins still hold counts, and beyond the limit pins are
let go: the oldest one of the owner whose pins hold most. So a viewer never shortens the ring, and one viewer
who pins much never costs another one's pin. Pure; has no lock: the ring's owner takes one.
"""

from dataclasses import dataclass

from recorder.base.errors import Busy
from recorder.bitstream.access_unit import AccessUnit
from recorder.bitstream.audio_unit import AudioUnit

_TOO_MUCH_PINNED = (
    "Replays may keep at most a quarter of buffer.max_bytes beside the buffer: ask for a shorter one, or "
    "raise it."
)


@dataclass(slots=True, eq=False)
class Gop:
    """A keyframe and the units up to the next one. The ring's record of it."""

    keyframe: AccessUnit
    first: int
    """Position of its keyframe among all units ever appended."""
    size_bytes: int = 0
    pins: int = 0
    evicted: bool = False


@dataclass(slots=True, eq=False)
class Pin:
    """A pinned span. `units` is None once it was let go."""

    owner: str
    """Whose it is: owners share the limit."""
    gops: tuple[Gop, ...]
    loose_bytes: int
    """Bytes that no GOP of the ring counts: units evicted before they were pinned, and sound."""
    units: tuple[AccessUnit, ...] | None
    sound: tuple[AudioUnit, ...]

    @property
    def kept_bytes(self) -> int:
        """Bytes kept beside the ring. A GOP counts for each of its pins. Linear in GOPs."""
        return self.loose_bytes + sum(gop.size_bytes for gop in self.gops if gop.evicted)


class Pins:
    """The pins of one ring, oldest first."""

    def __init__(self) -> None:
        self._pins: dict[Pin, None] = {}
        self.kept_bytes = 0
        """Bytes that only pins hold."""
        self.let_go = 0
        """Pins given up because of the limit."""

    def add(self, pin: Pin, most_bytes: int) -> None:
        """Keep a span until `remove`. Raises Busy if it alone exceeds the limit."""
        if pin.loose_bytes > most_bytes:
            raise Busy(_TOO_MUCH_PINNED)
        for gop in pin.gops:
            gop.pins += 1
        self._pins[pin] = None
        self.kept_bytes += pin.loose_bytes
        self.keep_within(most_bytes)

    def remove(self, pin: Pin) -> None:
        """Release a span. Idempotent."""
        if pin not in self._pins:
            return
        del self._pins[pin]
        self.kept_bytes -= pin.loose_bytes
        for gop in pin.gops:
            gop.pins -= 1
            if gop.evicted and not gop.pins:
                self.kept_bytes -= gop.size_bytes
        pin.gops, pin.loose_bytes, pin.units, pin.sound = (), 0, None, ()

    def evicted(self, gop: Gop, most_bytes: int) -> None:
        """The ring has let a GOP go: from now on only pins hold it."""
        gop.evicted = True
        if gop.pins:
            self.kept_bytes += gop.size_bytes
            self.keep_within(most_bytes)

    def keep_within(self, most_bytes: int) -> None:
        """Let pins go until the rest keeps at most `most_bytes`."""
        while self.kept_bytes > most_bytes:
            self.remove(self._costliest())
            self.let_go += 1

    def _costliest(self) -> Pin:
        """The oldest pin that keeps anything, of the owner whose pins keep most."""
        by_owner: dict[str, int] = {}
        for pin in self._pins:
            by_owner[pin.owner] = by_owner.get(pin.owner, 0) + pin.kept_bytes
        owner = max(by_owner, key=lambda name: by_owner[name])
        return next(pin for pin in self._pins if pin.owner == owner and pin.kept_bytes)
