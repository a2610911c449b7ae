"""Which frame a clip shows at a moment, and where decoding it begins. Pure.

Here: the choice, from the times of the packets as the edited timeline has them. Not here: reading and
decoding them (`decoder`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class FileUnit(NamedTuple):
    """One packet in decode order. `hidden`: outside the edit list, there only for others to refer to."""

    pts: int
    dts: int
    is_keyframe: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Decode from the keyframe at `from_dts` on, until the frame of `pts` comes out."""

    pts: int
    from_dts: int


def choose(units: Iterable[FileUnit], wanted: int) -> Choice | None:
    """The frame with the latest `pts ≤ wanted`, shown until the next one; before the first one, the first.

    `units`: from a keyframe on. Reads no further than it must: a unit decoded after `wanted` is shown
    after it. None where they begin too late for the frame, or show nothing.
    """
    starts: list[FileUnit] = []
    shown: int | None = None
    first: int | None = None
    for unit in units:
        if first is not None and unit.dts > max(wanted, first):
            break
        if unit.is_keyframe:
            starts.append(unit)
        if unit.hidden:
            continue
        first = unit.pts if first is None else min(first, unit.pts)
        if unit.pts <= wanted:
            shown = unit.pts if shown is None else max(shown, unit.pts)
    if shown is None:
        shown = first
    if shown is None:
        return None
    before = [start for start in starts if start.pts <= shown]
    return Choice(shown, before[-1].dts) if before else None
