"""The ring of one camera and its sound, shared by its capture thread and everybody who reads.

One lock around each call, held for logarithmic work only: no I/O, no logging, no callback inside.
Safe from any thread.
"""

import threading

from recorder.bitstream.access_unit import AccessUnit
from recorder.bitstream.audio_unit import AudioUnit
from recorder.buffer.ring_buffer import Pin, RingBuffer, Span
from recorder.buffer.sound_ring import SoundRing


class LockedRing:
    """`RingBuffer` behind its lock. Methods raise what the ring's raise."""

    def __init__(self, ring: RingBuffer, lock: threading.Lock) -> None:
        self._ring = ring
        self._lock = lock

    def after(self, sequence: int) -> tuple[AccessUnit, ...]:
        """Buffered units with a larger sequence number, in decode order."""
        with self._lock:
            return self._ring.after(sequence)

    def lost_after(self, sequence: int) -> int:
        """How many units after `sequence` the ring no longer holds."""
        with self._lock:
            return self._ring.lost_after(sequence)

    def current_gop(self) -> tuple[AccessUnit, ...]:
        """The newest GOP so far. Raises BufferEmpty."""
        with self._lock:
            return self._ring.newest_gop()

    def edges(self) -> tuple[AccessUnit, AccessUnit]:
        """The oldest keyframe and the newest picture. Raises BufferEmpty."""
        with self._lock:
            return self._ring.oldest(), self._ring.newest()

    def last_dts_ns(self) -> int:
        """Decoding time of the unit that came last. Raises BufferEmpty."""
        with self._lock:
            return self._ring.last().dts_ns

    def span(self, start_ns: int, end_ns: int) -> Span:
        """The frames with start_ns ≤ pts < end_ns and what decoding them needs."""
        with self._lock:
            return self._ring.span(start_ns, end_ns)

    def frame_at(self, pts_ns: int) -> AccessUnit:
        """The unit on show at `pts_ns`, or the oldest. Raises BufferEmpty."""
        with self._lock:
            return self._ring.frame_at(pts_ns)

    def newest(self) -> AccessUnit:
        """The unit shown last. Raises BufferEmpty."""
        with self._lock:
            return self._ring.newest()

    def gop_of(self, pts_ns: int) -> tuple[AccessUnit, ...]:
        """What decoding the frame on show at `pts_ns` needs, that frame's unit last."""
        with self._lock:
            return self._ring.gop_of(pts_ns)

    def keyframes(self, start_ns: int, end_ns: int) -> tuple[AccessUnit, ...]:
        """The buffered keyframes of a span."""
        with self._lock:
            return self._ring.keyframes(start_ns, end_ns)

    def pin(self, start_ns: int, end_ns: int) -> tuple[Span, Pin]:
        """Take a span and keep its bytes counted in the bound until `unpin`."""
        with self._lock:
            span = self._ring.span(start_ns, end_ns)
            return span, self._ring.pin(span)

    def unpin(self, pin: Pin) -> None:
        """Let a pinned span go."""
        with self._lock:
            self._ring.unpin(pin)


class LockedSound:
    """`SoundRing` behind the same lock."""

    def __init__(self, ring: SoundRing, lock: threading.Lock) -> None:
        self._ring = ring
        self._lock = lock

    def after(self, sequence: int) -> tuple[AudioUnit, ...]:
        """Buffered frames with a larger sequence number."""
        with self._lock:
            return self._ring.after(sequence)

    def span(self, start_ns: int, end_ns: int) -> tuple[AudioUnit, ...]:
        """The frames of a span, and those a decoder begins with."""
        with self._lock:
            return self._ring.span(start_ns, end_ns)

    def newest_end_ns(self) -> int | None:
        """Where the newest frame ends; None where there is no sound."""
        with self._lock:
            return self._ring.newest_end_ns
