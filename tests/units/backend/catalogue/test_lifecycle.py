"""The lifecycle table has no dead ends and no islands."""

from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue.lifecycle import FINISHED, INITIAL, TABLE, UNFINISHED, Status, Transition, after, can

transitions = st.lists(st.sampled_from(Transition), max_size=30)


def reachable(start: frozenset[Status]) -> set[Status]:
    found: set[Status] = set()
    fresh = set(start)
    while fresh:
        found |= fresh
        fresh = {to for (before, _), to in TABLE.items() if before in fresh} - found
    return found


def test_every_state_can_be_reached_from_birth() -> None:
    """A state nobody can get into would be dead code in every page that draws it."""
    assert reachable(INITIAL) == set(Status)


def test_from_every_state_a_clip_can_still_become_published() -> None:
    """Nothing is stuck: whatever happened, a way leads on."""
    for status in Status:
        assert Status.PUBLISHED in reachable(frozenset({status}))


def test_can_and_after_tell_the_same_table() -> None:
    """The catalogue asks by states, the use cases by transitions."""
    pairs = {(before, to) for before in Status for h in Transition if (to := after(before, h)) is not None}
    assert pairs == {(before, to) for before in Status for to in Status if can(before, to)}
    assert not any(can(status, status) for status in Status)


@given(st.sampled_from(sorted(INITIAL)), transitions)
def test_no_sequence_of_transitions_publishes_what_was_not_finished(
    born: Status, sequence: list[Transition]
) -> None:
    """Whatever comes in whatever order: the feed only ever shows clips that passed through draft."""
    status, finished = born, born in FINISHED
    for transition in sequence:
        following = after(status, transition)
        if following is None:
            continue
        assert can(status, following)
        finished = (finished or following in FINISHED) and following not in UNFINISHED
        status = following
        assert (status in FINISHED) == finished
