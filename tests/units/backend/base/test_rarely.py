"""How often a message of one kind is written."""

from backend.base.rarely import Rarely, and_more


def test_one_message_of_a_kind_goes_through_per_minute_and_tells_of_the_others() -> None:
    """A flood costs one line a minute, and its size is in it."""
    now_s = 100.0
    rarely = Rarely(60, lambda: now_s)
    assert [rarely.due("a") for _ in range(4)] == [0, None, None, None]
    assert rarely.due("b") == 0
    now_s = 160.0
    assert rarely.due("a") == 3
    assert and_more(3) == " (3 more of this kind since the last such line)"
    now_s = 219.9
    assert rarely.due("a") is None
    now_s = 220.0
    assert rarely.due("a") == 1
    assert and_more(0) == ""


def test_kinds_without_number_are_one_kind_in_the_end() -> None:
    """Who chooses the kinds must not choose how much memory and log they take."""
    now_s = 0.0
    rarely = Rarely(60, lambda: now_s)
    said = [rarely.due(f"kind {number}") for number in range(1000)]
    written = sum(one is not None for one in said)
    assert written <= 65
    now_s = 60.0
    assert rarely.due("one more") == 0
    assert rarely.due("the rest") == 1000 - written
