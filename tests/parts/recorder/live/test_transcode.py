"""How far the encoder of the live view may fall behind; the rest is told in `test_live.feeds`."""

from recorder.live.transcode import caught_up
from tests.support.fakes import units


def test_late_means_more_than_two_seconds_and_needs_a_keyframe() -> None:
    """One long GOP is caught up with; a keyframe behind it is where the picture goes on."""
    line = units(150, gop=30)
    assert caught_up(line[:60]) == (line[:60], 0)
    assert caught_up(line) == (line[120:], 4)
    endless = units(150, gop=300)
    assert caught_up(endless) == (endless, 0)
