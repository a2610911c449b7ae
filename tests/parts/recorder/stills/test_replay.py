"""One file holds one epoch: a replay across a change of codec parameters shows what came after it."""

from recorder.stills.replay import newest_fitting
from tests.support.fakes import OTHER_EPOCH, units


def test_a_replay_across_a_border_begins_at_the_border() -> None:
    """The newer stretch is what a person wants to see."""
    before, after = units(30), units(30, epoch=OTHER_EPOCH, sequence=30)
    assert newest_fitting([*before, *after]) == after
    assert newest_fitting(before) == before
