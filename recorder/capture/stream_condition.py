"""What a camera's state says, in words a person can act on.

Here: the condition as a value, and which sentence a live or a quiet camera gets. Not here: when the state
changes (`background_stream`). Pure: times are ages in nanoseconds.
"""

from dataclasses import dataclass, replace

from recorder.base.media_time import NS_PER_S
from recorder.base.values import StreamState

STALLED_NS = 2 * NS_PER_S
"""Without a unit for this long (or three frames of a slow camera) the state says `stalled`."""
TOO_LARGE_SHOWN_NS = 30 * NS_PER_S
"""How long after a GOP that the ring could not keep the state still speaks of it: the beginning of the next
one is held for a moment, and words that change twice a second tell nobody anything."""

_TOO_LARGE = (
    "Receiving pictures, but they cannot be kept: what lies between two keyframes is larger than "
    "buffer.max_bytes. Raise it, or set the camera to more keyframes."
)
_NOT_ENCODED = "Receiving pictures, but none can be kept: encoding them on the way in fails."
_NO_KEYFRAME_YET = "Receiving pictures; they are kept from the first keyframe on."


@dataclass(frozen=True, slots=True)
class Condition:
    """The state, why, since when, and when the next try is due; times are monotonic."""

    state: StreamState
    reason: str
    since_ns: int
    next_try_ns: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class BufferHealth:
    """How the ring fares with what a live camera sends."""

    holds_any: bool
    too_large_ago_ns: int | None
    """Since the last GOP that was larger than the bound; None: never, or the bound was another one."""
    encoding_fails: bool


def live_condition(condition: Condition, health: BufferHealth) -> Condition:
    """A live camera: as it is where its pictures are kept, else what to do about it."""
    ago_ns = health.too_large_ago_ns
    if ago_ns is not None and (not health.holds_any or ago_ns < TOO_LARGE_SHOWN_NS):
        return replace(condition, reason=_TOO_LARGE)
    if health.holds_any:
        return condition
    return replace(condition, reason=_NOT_ENCODED if health.encoding_fails else _NO_KEYFRAME_YET)


def quiet_condition(condition: Condition, quiet_ns: int, since_ns: int) -> Condition:
    """A live camera that sends nothing any more, before it is given up."""
    reason = f"No picture for {quiet_ns / NS_PER_S:.0f} s."
    return replace(condition, state=StreamState.STALLED, reason=reason, since_ns=since_ns)
