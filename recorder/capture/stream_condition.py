"""Describes a camera's state in sentences a user can act on.

Here: the condition as a value, and the sentence for a live or a quiet camera. Not here: when the state
changes (`background_stream`). Pure: times are ages in nanoseconds.
"""

from dataclasses import dataclass, replace

from recorder.base.media_time import NS_PER_S
from recorder.base.values import StreamState

STALLED_NS = 2 * NS_PER_S
"""The state becomes `stalled` after this long (or three frames of a slow camera) without a unit."""
TOO_LARGE_SHOWN_NS = 30 * NS_PER_S
"""How long the state mentions a GOP that was too large for the ring: the start of the next GOP is held
briefly, and a reason that changes twice a second would be unreadable."""

_TOO_LARGE = (
    "Receiving pictures, but they cannot be kept: what lies between two keyframes is larger than "
    "buffer.max_bytes. Raise it, or set the camera to more keyframes."
)
_NOT_ENCODED = "Receiving pictures, but none can be kept: encoding them on the way in fails."
_NO_KEYFRAME_YET = "Receiving pictures; they are kept from the first keyframe on."


@dataclass(frozen=True, slots=True)
class Condition:
    """The state, its reason and start, and the time of the next attempt; times are monotonic."""

    state: StreamState
    reason: str
    since_ns: int
    next_try_ns: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class BufferHealth:
    """How well the ring holds the units of a live camera."""

    holds_any: bool
    too_large_ago_ns: int | None
    """Time since the last GOP that exceeded the limit; None: never under the current limit."""
    encoding_fails: bool


def live_condition(condition: Condition, health: BufferHealth) -> Condition:
    """The condition of a live camera: unchanged if its pictures are kept, else with the remedy as reason."""
    ago_ns = health.too_large_ago_ns
    if ago_ns is not None and (not health.holds_any or ago_ns < TOO_LARGE_SHOWN_NS):
        return replace(condition, reason=_TOO_LARGE)
    if health.holds_any:
        return condition
    return replace(condition, reason=_NOT_ENCODED if health.encoding_fails else _NO_KEYFRAME_YET)


def quiet_condition(condition: Condition, quiet_ns: int, since_ns: int) -> Condition:
    """The condition of a live camera that has stopped sending, before its connection is given up."""
    reason = f"No picture for {quiet_ns / NS_PER_S:.0f} s."
    return replace(condition, state=StreamState.STALLED, reason=reason, since_ns=since_ns)
