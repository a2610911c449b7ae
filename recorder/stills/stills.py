"""Makes pictures of buffered frames: one at a given time, or small ones across a span.

Units are read under the ring's lock and decoded in a worker process; an upright JPEG of sufficient size is
returned as the camera made it. The last few pictures are cached, so ten pages that show the same frame cost
one decode. Event loop only.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from recorder.base.values import Picture
from recorder.base.workers import WorkerPool
from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.buffer.shared_ring import LockedRing
from recorder.stills.jpeg_budget import CARD_WIDTH_PX, MOST_BYTES
from recorder.stills.thumbnail import Still, decode_card, decode_jpeg, filmstrip_jpegs

KEPT_PICTURES = 32
DECODE_TIMEOUT_S = 20.0

_Kind = int | None | Literal["card"]
"""The maximum width of a full-quality picture (None: any), or a card."""
_Key = tuple[int, _Kind]
_Job = Callable[[Sequence[AccessUnit], int], Still]


class Stills:
    """Pictures of one camera's buffer."""

    def __init__(
        self,
        units: LockedRing,
        workers: WorkerPool,
        label: Callable[[int], datetime],
        rotation_deg: int = 0,
    ) -> None:
        self._rotation_deg = rotation_deg
        self._units = units
        self._workers = workers
        self._label = label
        self._kept: OrderedDict[_Key, tuple[int, Still]] = OrderedDict()

    async def frame(self, pts_ns: int | None, *, exact: bool, max_width: int | None) -> Picture:
        """The frame shown at `pts_ns` (None: the newest), or with `exact` False the keyframe before it.

        Raises BufferEmpty, Busy, DecodeFailed.
        """
        unit = self._unit_at(pts_ns)
        if self._can_be_handed_out(unit, max_width):
            return self._own(unit)
        job = partial(decode_jpeg, max_width=max_width, rotation_deg=self._rotation_deg)
        return await self._shown(unit, max_width, job, exact=exact)

    async def card(self, pts_ns: int | None, *, exact: bool) -> Picture:
        """Like `frame`, but small in pixels and bytes, for a card among a hundred others."""
        unit = self._unit_at(pts_ns)
        if self._can_be_handed_out(unit, CARD_WIDTH_PX) and len(unit.data) <= MOST_BYTES:
            return self._own(unit)
        job = partial(decode_card, rotation_deg=self._rotation_deg)
        return await self._shown(unit, "card", job, exact=exact)

    async def filmstrip(self, start_ns: int, end_ns: int, count: int, width: int) -> list[Picture]:
        """At most `count` keyframes spread evenly over the span, each at most `width` wide; may be empty."""
        keyframes = sample_evenly(self._units.keyframes(start_ns, end_ns), count)
        if not keyframes:
            return []
        decoded = await self._workers.run(
            filmstrip_jpegs, keyframes, width, self._rotation_deg, timeout_s=DECODE_TIMEOUT_S
        )
        return [
            Picture(still.jpeg, self._label(still.pts_ns), still.width, still.height, approximate=False)
            for still in decoded
        ]

    def _unit_at(self, pts_ns: int | None) -> AccessUnit:
        return self._units.newest() if pts_ns is None else self._units.frame_at(pts_ns)

    def _own(self, unit: AccessUnit) -> Picture:
        size = (unit.epoch.width, unit.epoch.height)
        return Picture(unit.data, self._label(unit.pts_ns), *size, approximate=False)

    async def _shown(self, unit: AccessUnit, kind: _Kind, job: _Job, *, exact: bool) -> Picture:
        units = self._units.gop_of(unit.pts_ns)
        shown = unit if exact else units[0]
        key = (shown.sequence, kind)
        if key not in self._kept:
            needed = units if exact else units[:1]
            still = await self._workers.run(job, needed, shown.pts_ns, timeout_s=DECODE_TIMEOUT_S)
            self._kept[key] = (shown.pts_ns, still)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_PICTURES:
            self._kept.popitem(last=False)
        pts_ns, still = self._kept[key]
        approximate = shown.sequence != unit.sequence
        return Picture(still.jpeg, self._label(pts_ns), still.width, still.height, approximate)

    def _can_be_handed_out(self, unit: AccessUnit, max_width: int | None) -> bool:
        is_small = max_width is None or max_width >= unit.epoch.width
        return unit.epoch.codec is Codec.MJPEG and is_small and self._rotation_deg == 0


def sample_evenly(units: Sequence[AccessUnit], count: int) -> tuple[AccessUnit, ...]:
    """Select `count` (≥ 1) of `units` evenly, keeping the first and the last."""
    if count >= len(units):
        return tuple(units)
    if count == 1:
        return (units[len(units) // 2],)
    return tuple(units[round(i * (len(units) - 1) / (count - 1))] for i in range(count))
