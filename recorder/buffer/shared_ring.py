"""Shares one camera's rings between its capture thread and all readers.

One lock around each call, held for logarithmic work only: no I/O, no logging, no callbacks.
Safe from any thread.
"""

import threading

from recorder.bitstream.access_unit import AccessUnit
from recorder.bitstream.audio_unit import AudioUnit
from recorder.buffer.pins import Pin
from recorder.buffer.ring_buffer import RingBuffer, Span
from recorder.buffer.sound_ring import SoundRing


class LockedRing:
    """A `RingBuffer` with its lock. Methods raise the same errors as the ring's."""

    def __init__(self, ring: RingBuffer, lock: threading.Lock) -> None:
        self._ring = ring
        self._lock = lock

    def after(self, sequence: int) -> tuple[AccessUnit, ...]:
        """Buffered units with a larger sequence number, in decode order."""
        with self._lock:
            return self._ring.after(sequence)

    def lost_after(self, sequence: int) -> int:
        """How many units after `sequence` have been evicted."""
        with self._lock:
            return self._ring.lost_after(sequence)

    def current_gop(self) -> tuple[AccessUnit, ...]:
        """The units received so far of the newest GOP. Raises BufferEmpty."""
        with self._lock:
            return self._ring.newest_gop()

    def edges(self) -> tuple[AccessUnit, AccessUnit]:
        """The oldest keyframe and the newest picture. Raises BufferEmpty."""
        with self._lock:
            return self._ring.oldest(), self._ring.newest()

    def last_dts_ns(self) -> int:
        """DTS of the unit appended last. Raises BufferEmpty."""
        with self._lock:
            return self._ring.last().dts_ns

    def span(self, start_ns: int, end_ns: int) -> Span:
        """The frames with start_ns ≤ PTS < end_ns and the units needed to decode them."""
        with self._lock:
            return self._ring.span(start_ns, end_ns)

    def frame_at(self, pts_ns: int) -> AccessUnit:
        """The unit shown at `pts_ns`, or the oldest keyframe. Raises BufferEmpty."""
        with self._lock:
            return self._ring.frame_at(pts_ns)

    def newest(self) -> AccessUnit:
        """The unit with the largest PTS. Raises BufferEmpty."""
        with self._lock:
            return self._ring.newest()

    def gop_of(self, pts_ns: int) -> tuple[AccessUnit, ...]:
        """The units needed to decode the frame shown at `pts_ns`, ending with that frame's unit."""
        with self._lock:
            return self._ring.gop_of(pts_ns)

    def keyframes(self, start_ns: int, end_ns: int) -> tuple[AccessUnit, ...]:
        """The buffered keyframes of a span."""
        with self._lock:
            return self._ring.keyframes(start_ns, end_ns)

    def pin(
        self, start_ns: int, end_ns: int, owner: str, sound: "LockedSound"
    ) -> tuple[Span, tuple[AudioUnit, ...], Pin]:
        """Return a span and its sound, and keep both until `unpin`, or until pins keep too much."""
        with self._lock:
            span = self._ring.span(start_ns, end_ns)
            heard = sound.span_in_lock(span.start_ns, span.end_ns)
            return span, heard, self._ring.pin(span, owner, heard)

    def unpin(self, pin: Pin) -> None:
        """Release a pinned span."""
        with self._lock:
            self._ring.unpin(pin)


class LockedSound:
    """A `SoundRing` with the same lock."""

    def __init__(self, ring: SoundRing, lock: threading.Lock) -> None:
        self._ring = ring
        self._lock = lock

    def after(self, sequence: int) -> tuple[AudioUnit, ...]:
        """Buffered frames with a larger sequence number."""
        with self._lock:
            return self._ring.after(sequence)

    def span(self, start_ns: int, end_ns: int) -> tuple[AudioUnit, ...]:
        """The frames of a span, plus the lead-in for the decoder."""
        with self._lock:
            return self._ring.span(start_ns, end_ns)

    def span_in_lock(self, start_ns: int, end_ns: int) -> tuple[AudioUnit, ...]:
        """`span` for a caller that holds the lock."""
        return self._ring.span(start_ns, end_ns)

    def newest_end_ns(self) -> int | None:
        """End of the newest frame; None without sound."""
        with self._lock:
            return self._ring.newest_end_ns
