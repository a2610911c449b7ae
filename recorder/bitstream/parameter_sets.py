"""Assembles access units from a camera's packets and tracks the parameter sets each GOP uses.

Here: the parts shared by H.264 and H.265. Not here: parsing headers (`h264` and `h265`, which each provide a
`Syntax`). Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from recorder.bitstream.nal_units import annex_b, leading_nal_units, split_nal_units

_MAX_HELD_BYTES = 256 * 1024


class SetKind(IntEnum):
    """Kinds of parameter sets, in the order a decoder needs them."""

    VPS = 0
    SPS = 1
    PPS = 2


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One parameter set. `owner` is the id of the set it refers to (PPS to SPS, SPS to VPS)."""

    kind: SetKind
    number: int
    owner: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Syntax:
    """The codec-specific functions of the tracker, on NAL units without start codes."""

    needs_vps: bool
    is_picture: Callable[[memoryview], bool]
    starts_decoding: Callable[[Sequence[memoryview]], bool]
    set_in: Callable[[memoryview], ParameterSet | None]
    """The parameter set in a NAL unit, or None for other NAL units. Raises ValueError if it is damaged."""
    pps_used: Callable[[Sequence[memoryview]], int | None]
    """The id of the PPS that the unit's first slice uses; None if unreadable."""
    size: Callable[[bytes], tuple[int, int]]
    """Width and height in an SPS. Raises ValueError if it is damaged."""


class ParameterSetTracker:
    """Assembles access units from packets and tracks the parameter sets the current GOP uses.

    Cameras send parameter sets out of band, inline, or in separate packets, and may change them at any
    keyframe. Feed every packet in order; a packet without picture is held and prepended to the next one.
    `parameter_sets` changes only at a unit where decoding can start, and does not depend on how the sets
    were sent.
    """

    def __init__(self, syntax: Syntax, out_of_band: bytes = b"") -> None:
        """`out_of_band`: Annex B parameter sets known before the first packet (from SDP)."""
        self.parameter_sets = b""
        """The sets in use (VPS, SPS, PPS) as Annex B; empty while unknown."""
        self.size = (0, 0)
        """Width and height in pixels; (0, 0) while unknown."""
        self.damaged = 0
        """Unreadable or missing parameter sets, and dropped packets without picture."""
        self.starts_decoding = False
        """Whether decoding can start at the unit that `feed` returned last."""
        self._syntax = syntax
        self._sets: dict[SetKind, dict[int, ParameterSet]] = {kind: {} for kind in SetKind}
        self._held = b""
        self._learn(split_nal_units(out_of_band))
        if self._sets[SetKind.PPS]:
            self._use(min(self._sets[SetKind.PPS]))

    def feed(self, data: bytes) -> bytes | None:
        """The access unit that `data` completes; None if it holds no picture."""
        syntax = self._syntax
        nals = leading_nal_units(data, syntax.is_picture)
        # A slice can only be the last of them, and most units consist of slices only.
        holds_picture = bool(nals) and syntax.is_picture(nals[-1])
        self._learn(nals[:-1] if holds_picture else nals)
        if not holds_picture:
            self._held += data
            if len(self._held) > _MAX_HELD_BYTES:
                self._held = b""
                self.damaged += 1
            return None
        unit, leading = data, nals
        if self._held:
            unit, self._held = self._held + data, b""
            leading = leading_nal_units(unit, syntax.is_picture)
        self.starts_decoding = syntax.starts_decoding(leading)
        if self.starts_decoding:
            self._use(syntax.pps_used(nals))
        return unit

    def _learn(self, nals: list[memoryview]) -> None:
        for nal in nals:
            try:
                found = self._syntax.set_in(nal)
            except ValueError:
                self.damaged += 1
                continue
            if found is not None:
                self._sets[found.kind][found.number] = found

    def _use(self, pps_number: int | None) -> None:
        pps = self._sets[SetKind.PPS].get(-1 if pps_number is None else pps_number)
        sps = None if pps is None else self._sets[SetKind.SPS].get(pps.owner)
        vps = None if sps is None else self._sets[SetKind.VPS].get(sps.owner)
        if sps is None or (vps is None and self._syntax.needs_vps):
            self.damaged += 1
            return
        companions = sorted(self._sets[SetKind.PPS].items())
        used = [] if vps is None else [vps.data]
        used += [sps.data, *(pps.data for _, pps in companions if pps.owner == sps.number)]
        self.parameter_sets = annex_b(used)
        self.size = self._syntax.size(sps.data)
