"""Which connections stay and which are closed when there are too many."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.connection_book import Bounds, ConnectionBook, Standing

SMALL = Bounds(silent=4, strangers=4, per_network=3, known=3, at_once=1)
OWNER, STRANGER, OTHER = "192.0.2.1", "198.51.100.7", "203.0.113.9"
NO_PLACE = 40


def _book(bounds: Bounds = SMALL, exempt: Sequence[str] = ()) -> ConnectionBook[int]:
    return ConnectionBook(bounds, lambda address: address in exempt)


def test_a_connection_is_a_strangers_until_a_request_on_it_was_authorised() -> None:
    """Nothing, a request, an authorised request."""
    book = _book()
    book.enter(1, OWNER)
    assert [book.count(one) for one in Standing] == [1, 0, 0]
    book.began(1)
    assert [book.count(one) for one in Standing] == [0, 1, 0]
    book.admit(1)
    book.ended(1)
    book.began(1)
    assert [book.count(one) for one in Standing] == [0, 0, 1]
    book.leave(1)
    assert [book.count(one) for one in Standing] == [0, 0, 0]
    book.leave(1)
    assert len(book) == 0


def test_a_full_house_lets_the_next_one_in_and_the_oldest_of_its_network_goes() -> None:
    """There is always room to read the headers of one more."""
    book = _book()
    assert [book.enter(number, STRANGER) for number in range(6)] == [None, None, None, 0, 1, 2]


def test_the_network_with_the_most_connections_loses_one_and_no_other() -> None:
    """A stranger's flood costs the stranger; an IPv6 machine is its /64."""
    book = _book()
    assert book.enter(0, OWNER) is None
    flood = [book.enter(number, f"2001:db8::{number}") for number in range(1, 20)]
    assert flood == [None, None, None, *range(1, 17)]
    for number in range(30, 33):
        assert book.enter(number, OTHER) not in {0, None}
    assert 0 in book


def test_silence_crowds_out_no_request_and_strangers_nobody_who_signed_in() -> None:
    """Each standing has a room of its own."""
    book = _book()
    for number in (1, 2):
        book.enter(number, STRANGER)
        book.began(number)
    book.admit(2)
    for number in range(10, 100):
        book.enter(number, f"10.0.{number}.1")
        if number % 2:
            book.began(number)
    assert 2 in book
    for number in range(100, 200):
        book.enter(number, f"10.1.{number}.1")
    assert book.count(Standing.STRANGER) == SMALL.strangers
    assert book.count(Standing.SILENT) == SMALL.silent


def test_a_stranger_who_sends_requests_outlasts_one_who_fell_silent() -> None:
    """A half-sent body is as old as its headers."""
    book = _book(Bounds(silent=9, strangers=3, per_network=3, known=3, at_once=1))
    for number in range(3):
        book.enter(number, STRANGER)
        book.began(number)
    book.began(0)
    book.enter(3, STRANGER)
    assert book.began(3) == 1


def test_of_those_who_signed_in_an_idle_connection_goes_first() -> None:
    """It carries nothing; the browser opens another one."""
    book = _book()
    for number in range(5):
        book.enter(number, OWNER)
        book.began(number)
        if number == 1:
            book.ended(number)
        surplus = book.admit(number)
        if number == 1:
            book.ended(number)
        assert surplus == {3: 1, 4: 0}.get(number)


def test_a_trusted_proxy_is_bound_in_all_only() -> None:
    """Behind its address there are many people."""
    book = _book(exempt=[STRANGER])
    assert [book.enter(number, STRANGER) for number in range(5)] == [None, None, None, None, 0]


def test_what_the_process_needs_is_taken_from_strangers_alone() -> None:
    """The silent ones first, and never more than there are."""
    book = _book()
    for number in range(3):
        book.enter(number, OWNER)
        book.began(number)
    book.admit(0)
    book.enter(9, STRANGER)
    assert book.shed(0) == []
    assert book.shed(2) == [9, 1]
    assert book.shed(99) == [2]
    assert 0 in book


def test_connections_that_are_in_no_book_are_left_alone() -> None:
    """Those of the Unix socket, and one that has just been closed."""
    book = _book()
    assert book.began(1) is None
    assert book.admit(1) is None
    book.ended(1)
    assert len(book) == 0


@pytest.mark.parametrize("descriptors", [64, 128, 256, 1024, 4096, 20_000, 65_536])
def test_whatever_the_limit_connections_leave_the_most_of_it_to_others(descriptors: int) -> None:
    """Disk, cameras, catalogue and store have three quarters, and at least 64 where there are as many."""
    bounds = Bounds.of(descriptors)
    assert bounds.in_all <= min(2048, max(16, descriptors // 4))
    assert 1 <= bounds.at_once <= bounds.per_network < bounds.silent <= bounds.known
    if descriptors >= 256:
        assert descriptors - bounds.in_all >= 192
        assert bounds.per_network >= 8 * bounds.at_once


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "enter", "began", "admit", "ended", "leave", "shed"]),
        st.integers(0, NO_PLACE),
        st.integers(0, 5),
    ),
    max_size=120,
)


def _carry_out(book: ConnectionBook[int], step: tuple[str, int, int], number: int) -> list[int]:
    name, one, network = step
    if name == "enter":
        gone = book.enter(number, f"10.0.0.{network}")
    elif name == "shed":
        return book.shed(network)
    else:
        methods: dict[str, Callable[[int], int | None]] = {
            "began": book.began,
            "admit": book.admit,
            "ended": book.ended,
            "leave": book.leave,
        }
        gone = methods[name](one)
        assert gone is None or gone != one
    return [] if gone is None else [gone]


@given(STEPS)
def test_whatever_comes_no_bound_is_passed_and_no_newcomer_turned_away(
    steps: list[tuple[str, int, int]],
) -> None:
    """Every connection let go was there before, is gone afterwards, and is nobody's who signed in
    unless people who signed in fill their own room."""
    book, known = _book(), set[int]()
    for number, step in enumerate(steps):
        before = {one for one in range(number) if one in book}
        was_full = book.count(Standing.KNOWN) == SMALL.known
        gone = _carry_out(book, step, number)
        if step[0] == "enter":
            assert number in book
        if step[0] == "admit" and step[1] in before:
            known.add(step[1])
        assert set(gone) <= before
        assert not any(one in book for one in gone)
        if not (step[0] == "admit" and was_full):
            assert known.isdisjoint(gone)
        assert book.count(Standing.SILENT) <= SMALL.silent
        assert book.count(Standing.STRANGER) <= SMALL.strangers
        assert book.count(Standing.KNOWN) <= SMALL.known
        assert len(book) == sum(book.count(one) for one in Standing)


@given(st.lists(st.integers(0, 9), max_size=300), st.integers(0, 9))
def test_the_first_connection_of_a_network_stays_while_others_have_more(floods: list[int], at: int) -> None:
    """Nine strangers who open connections without end cost a tenth network nothing."""
    bounds = Bounds(silent=20, strangers=4, per_network=15, known=3, at_once=1)
    book = ConnectionBook[int](bounds)
    for number, network in enumerate(floods):
        if number == at:
            book.enter(-1, OWNER)
        book.enter(number, f"10.0.{network}.1")
    assert len(floods) <= at or -1 in book
