"""Chooses the frame a clip shows at a time, and the keyframe from which to decode it. Pure.

Here: the choice, from packet times on the edited timeline. Not here: reading and decoding packets
(`decoder`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class FileUnit(NamedTuple):
    """One packet in decode order. `hidden`: outside the edit list, kept only as a reference."""

    pts: int
    dts: int
    is_keyframe: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Decode from the keyframe at `from_dts` until the frame with `pts` is output."""

    pts: int
    from_dts: int


def choose(units: Iterable[FileUnit], wanted: int) -> Choice | None:
    """Choose the frame with the latest `pts ≤ wanted`, or the first frame if there is none.

    `units` start with a keyframe. Stops reading early, because a unit decoded after `wanted` is shown
    after it. None if the units begin after the frame's keyframe or show no frame.
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
