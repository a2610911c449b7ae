"""Muxes one camera's units into MP4 fragments for Media Source Extensions, one per picture.

Here: one muxer for one epoch. Not here: viewers, queues, restarts (`live.feed`). Any thread may call `push`
and `close`; a lock serialises them.

A fragment's duration depends on the next picture, so `push` returns the *previous* unit's fragment. The
duration spans any hole, so a browser sees no discontinuity.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from io import RawIOBase
from typing import TYPE_CHECKING

import av

from recorder.base.media_time import TICKS_PER_S, ticks
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.self_contained import self_contained
from recorder.mp4.edit_list import boxes, matrix_patch
from recorder.mp4.muxer import TIME_BASE, packet_of
from recorder.mp4.ticks import TickLine

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = {Codec.H264: "h264", Codec.H265: "hevc"}
# Without skip_trailer FFmpeg keeps an index entry per fragment for ever: 110 MB a day at 30 fps (measured).
_MOVFLAGS = "empty_moov+default_base_moof+frag_every_frame+skip_trailer"


@dataclass(frozen=True, slots=True)
class LiveFragment:
    """One picture as `moof` + `mdat`. `media_time_s` is its presentation time in the media."""

    data: bytes = field(repr=False)
    is_keyframe: bool
    media_time_s: float
    pts_ns: int


class LiveMuxer:
    """Muxes H.264 or H.265. Media time 0 is the first unit's DTS; media time continues across outages."""

    def __init__(self, epoch: Epoch, rotation_deg: int = 0) -> None:
        self.init_segment = b""
        """`ftyp` + `moov`; empty until the first keyframe is pushed."""
        self._rotation_deg = rotation_deg
        # Muxing into a container that another thread has closed crashes the interpreter.
        self._lock = threading.Lock()
        self._closed = False
        self._sink = _Sink()
        options = {"movflags": _MOVFLAGS, "flush_packets": "1", "video_track_timescale": str(TICKS_PER_S)}
        self._container = av.open(self._sink, "w", format="mp4", options=options)
        self._stream = self._container.add_mux_stream(
            _NAMES[epoch.codec], width=epoch.width, height=epoch.height, time_base=TIME_BASE
        )
        self._line: TickLine | None = None
        self._waiting: deque[tuple[AccessUnit, float]] = deque()

    def push(self, unit: AccessUnit) -> list[LiveFragment]:
        """The fragments that `unit` completes: none for the first keyframe and before it, then one per unit.

        No fragments after `close`. Raises ValueError after an outage longer than `ticks.MAX_HOLE_TICKS`.
        """
        with self._lock:
            return [] if self._closed else self._push(unit)

    def close(self) -> list[LiveFragment]:
        """End the media and return the remaining fragments. Idempotent."""
        with self._lock:
            if self._line is not None and not self._closed:
                self._container.close()
            self._closed = True
            fragments = self._collect()
            self._waiting.clear()
            return fragments

    def _push(self, unit: AccessUnit) -> list[LiveFragment]:
        if self._line is None:
            if not unit.is_keyframe:
                return []
            # DTS must not be negative: without an edit list FFmpeg would shift all times.
            self._line = TickLine(unit.dts_ns)
        data = self_contained(unit) if unit.is_keyframe else unit.data
        packet = packet_of(data, unit.is_keyframe, self._stream)
        packet.pts, packet.dts = self._line.place(unit.pts_ns, unit.dts_ns)
        packet.duration = max(1, ticks(unit.duration_ns))
        self._waiting.append((unit, packet.pts / TICKS_PER_S))
        self._container.mux_one(packet)
        return self._collect()

    def _collect(self) -> list[LiveFragment]:
        data = self._sink.take()
        fragments = []
        for is_fragment, piece in _pieces(data):
            if is_fragment and self._waiting:
                unit, media_time_s = self._waiting.popleft()
                fragments.append(LiveFragment(piece, unit.is_keyframe, media_time_s, unit.pts_ns))
            elif not self.init_segment:
                self.init_segment = _turned(_as_hvc1(piece), self._rotation_deg)
        return fragments


class _Sink(RawIOBase):
    """Collects FFmpeg's output until it is taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._chunks.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


def _pieces(data: bytes) -> "Iterator[tuple[bool, bytes]]":
    """Boxes grouped as (False, init segment) and (True, moof + mdat)."""
    group_start = 0
    for box in boxes(data, 0, len(data)):
        if box.kind in (b"moov", b"mdat"):
            yield box.kind == b"mdat", data[group_start : box.end]
            group_start = box.end


def _as_hvc1(init_segment: bytes) -> bytes:
    """Rename FFmpeg's `hev1` to `hvc1`: Safari plays only that, and the parameter sets are in the box."""
    return init_segment.replace(b"hev1", b"hvc1", 1)


def _turned(init_segment: bytes, rotation_deg: int) -> bytes:
    """The init segment with the matrix that makes players rotate the pictures."""
    for box in boxes(init_segment, 0, len(init_segment)):
        if box.kind == b"moov" and rotation_deg:
            head = box.start - 8
            patch = matrix_patch(init_segment[head : box.end], rotation_deg)
            at = head + patch.offset
            return init_segment[:at] + patch.data + init_segment[at + len(patch.data) :]
    return init_segment
