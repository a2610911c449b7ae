"""Detects frozen webcams: pictures that a working sensor cannot have produced.

Sensor noise never repeats, so identical bytes are not a new picture. Here: a picture that stays the same for
long, and a raw picture whose end is from an earlier one. Pure: times come with the pictures.
"""

from collections import deque

from recorder.base.media_time import NS_PER_S

FROZEN_NS = 5 * NS_PER_S
"""How long a picture may stay the same before the camera is reopened."""
LONGEST_PATIENCE_NS = 600 * NS_PER_S
_FEWEST_REPEATS = 5

_TAIL_BYTES = 2048


class FreezeWatch:
    """Detects a picture that has stopped changing.

    Each reopening that did not help doubles the tolerance: behind a closed shutter some cameras send the same
    black picture for hours, and reconnecting all the time would be pointless.
    """

    def __init__(self, freezes: int) -> None:
        """`freezes`: consecutive reopenings that did not help."""
        self._patience_ns = min(LONGEST_PATIENCE_NS, FROZEN_NS << min(freezes, 16))
        self._previous = b""
        self._since_ns = 0
        self.repeats = 0
        """How often the newest picture was repeated."""
        self.has_changed = False

    def is_frozen(self, picture: bytes, now_ns: int) -> bool:
        """Take the next picture; return whether it has been the same for too long."""
        if picture != self._previous:
            self.has_changed = self.has_changed or bool(self._previous)
            self._previous, self._since_ns, self.repeats = picture, now_ns, 0
            return False
        self.repeats += 1
        return self.repeats >= _FEWEST_REPEATS and now_ns - self._since_ns >= self._patience_ns


class StaleTailWatch:
    """Detects raw pictures whose end was not written, because the transfer was incomplete or empty.

    OpenCV returns the whole buffer however much of it the driver filled, so the rest still shows the picture
    that was in this buffer before. The end then equals that of an earlier picture, but not the previous one
    (which would be a still scene).
    """

    def __init__(self, buffers: int) -> None:
        """`buffers`: how many buffers the driver fills in turn."""
        self._tails: deque[bytes] = deque(maxlen=2 * buffers)

    def is_stale(self, picture: memoryview) -> bool:
        """Take the next raw picture; return whether its end is from an earlier one."""
        tail = bytes(picture[-_TAIL_BYTES:])
        if self._tails and tail == self._tails[-1]:
            return False
        # A uniform end, such as a dark edge, may legitimately repeat.
        is_plain = tail[8:] == tail[:-8]
        stale = tail in self._tails and not is_plain
        if not stale:
            self._tails.append(tail)
        return stale
