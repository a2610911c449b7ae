"""The words of a camera's state: plain where all is well, else what a person can do."""

import pytest

from recorder.base.media_time import NS_PER_S
from recorder.base.values import StreamState
from recorder.capture.stream_condition import (
    TOO_LARGE_SHOWN_NS,
    BufferHealth,
    Condition,
    live_condition,
    quiet_condition,
)

LIVE = Condition(StreamState.LIVE, "Receiving pictures.", 7, None, "Once it was away.")


@pytest.mark.parametrize(
    ("health", "says"),
    [
        (BufferHealth(True, None, False), "Receiving pictures."),
        (BufferHealth(True, None, True), "Receiving pictures."),
        (BufferHealth(False, None, False), "from the first keyframe on"),
        (BufferHealth(False, None, True), "encoding them on the way in fails"),
        (BufferHealth(True, TOO_LARGE_SHOWN_NS - 1, False), "Raise it, or set the camera to more keyframes"),
        (BufferHealth(True, TOO_LARGE_SHOWN_NS, False), "Receiving pictures."),
        (BufferHealth(False, 9 * TOO_LARGE_SHOWN_NS, False), "Raise it, or set the camera to more keyframes"),
    ],
)
def test_a_live_camera_says_what_becomes_of_its_pictures(health: BufferHealth, says: str) -> None:
    """A GOP that was too large is told for half a minute, or for as long as nothing at all is kept."""
    told = live_condition(LIVE, health)
    assert says in told.reason
    assert (told.state, told.since_ns, told.last_error) == (LIVE.state, LIVE.since_ns, LIVE.last_error)


def test_a_quiet_camera_is_stalled_since_its_patience_ended() -> None:
    """Not since it went live."""
    told = quiet_condition(LIVE, 3 * NS_PER_S, since_ns=99)
    assert (told.state, told.reason, told.since_ns) == (StreamState.STALLED, "No picture for 3 s.", 99)
