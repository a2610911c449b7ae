"""The shelf under the ring: a plain list with stable positions."""

from hypothesis import given
from hypothesis import strategies as st

from recorder.buffer.shelf import Shelf


@given(st.lists(st.integers(0, 12)))
def test_positions_stay_while_the_oldest_items_go(drops: list[int]) -> None:
    """Whatever is dropped in whatever portions, the rest is found where it was put."""
    shelf = Shelf(-1)
    for drop in drops:
        for _ in range(5):
            shelf.append(2 * shelf.end)
        shelf.drop_before(min(shelf.end, shelf.first + drop))
        held = [2 * position for position in range(shelf.first, shelf.end)]
        assert list(shelf.slice(shelf.first, shelf.end)) == held
        assert len(shelf) == len(held)
        for position in range(shelf.first, shelf.end):
            assert shelf[position] == 2 * position
            assert shelf.bisect_left(2 * position, _same) == position
            assert shelf.bisect_right(2 * position, _same) == position + 1


def test_what_was_given_up_takes_no_place_for_long() -> None:
    """Blanked places are never more than those in use."""
    shelf = Shelf(-1)
    for number in range(10_000):
        shelf.append(number)
        shelf.drop_before(max(0, shelf.end - 100))
        assert len(shelf._items) <= 201


def _same(item: int) -> int:
    return item
