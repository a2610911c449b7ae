"""Whether a webcam still looks at the world: pictures that a living sensor cannot have sent.

Sensor noise never repeats, so equal bytes are no new picture. Here: a picture that stays the same for
long, and a raw picture that is partly one of those before it. Pure: times come with the pictures.
"""

from collections import deque

from recorder.base.media_time import NS_PER_S

FROZEN_NS = 5 * NS_PER_S
"""The same picture for this long, and the camera is opened again."""
LONGEST_PATIENCE_NS = 600 * NS_PER_S
_FEWEST_REPEATS = 5

_TAIL_BYTES = 2048


class FreezeWatch:
    """Notices a picture that does not change any more.

    Each reopening that did not help doubles the patience: behind a closed shutter some cameras send
    the same black for hours, and that is no reason to reconnect for hours.
    """

    def __init__(self, freezes: int) -> None:
        """`freezes`: reopenings in a row that did not help."""
        self._patience_ns = min(LONGEST_PATIENCE_NS, FROZEN_NS << min(freezes, 16))
        self._previous = b""
        self._since_ns = 0
        self.repeats = 0
        """How often the newest picture came again."""
        self.has_changed = False

    def is_frozen(self, picture: bytes, now_ns: int) -> bool:
        """Take the next picture; True when it has been the same for too long."""
        if picture != self._previous:
            self.has_changed = self.has_changed or bool(self._previous)
            self._previous, self._since_ns, self.repeats = picture, now_ns, 0
            return False
        self.repeats += 1
        return self.repeats >= _FEWEST_REPEATS and now_ns - self._since_ns >= self._patience_ns


class StaleTailWatch:
    """Notices raw pictures whose end was not written: a transfer that broke off, or was empty.

    OpenCV hands over the whole buffer whatever the driver filled of it, so the rest still shows the
    picture that was in this buffer before: the end then equals that of an earlier picture, but not of
    the one just before (which would be a still picture).
    """

    def __init__(self, buffers: int) -> None:
        """`buffers`: how many the driver fills in turn."""
        self._tails: deque[bytes] = deque(maxlen=2 * buffers)

    def is_stale(self, picture: memoryview) -> bool:
        """Take the next raw picture; True when its end is an old one."""
        tail = bytes(picture[-_TAIL_BYTES:])
        if self._tails and tail == self._tails[-1]:
            return False
        # One colour, as of a picture's dark edge, may come again by itself.
        is_plain = tail[8:] == tail[:-8]
        stale = tail in self._tails and not is_plain
        if not stale:
            self._tails.append(tail)
        return stale
