"""Answers that last: a share for each session, and an end with the session."""

import asyncio
from contextlib import ExitStack
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.principals import Principal, PrincipalKind
from backend.access.streams import BOUNDS, Bound, OpenStreams, StreamKind
from backend.http.problems import STATUSES
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

KEY = Principal(PrincipalKind.KEY)
ANN, BOB = (Principal(PrincipalKind.SESSION, session=name) for name in ("ann", "bob"))
SMALL = {
    StreamKind.EVENTS: Bound(5, 3, Kind.TOO_MANY_PAGES),
    StreamKind.LIVE: Bound(5, 3, Kind.TOO_MANY_VIEWERS),
}


def nothing() -> None:
    """A connection that nobody aborts."""


def opened(streams: OpenStreams, stack: ExitStack, principal: Principal, count: int) -> None:
    for _ in range(count):
        stack.enter_context(streams.open(principal, StreamKind.EVENTS, nothing))


def test_a_session_that_has_its_share_is_refused_and_others_get_in() -> None:
    """The refusal says how many it has and when to try again; leaving makes room."""
    streams = OpenStreams(SMALL)
    with ExitStack() as stack:
        opened(streams, stack, ANN, 3)
        with pytest.raises(Refused) as refusal, streams.open(ANN, StreamKind.EVENTS, nothing):
            pass
        assert (refusal.value.kind, refusal.value.retry_after_s) == (Kind.TOO_MANY_PAGES, 5)
        assert refusal.value.params["open"] == 3
        with streams.open(ANN, StreamKind.LIVE, nothing):
            opened(streams, stack, BOB, 1)
        opened(streams, stack, KEY, 1)
        with pytest.raises(Refused), streams.open(BOB, StreamKind.EVENTS, nothing):
            pass
    with ExitStack() as stack:
        opened(streams, stack, ANN, 3)
        assert streams.count(StreamKind.EVENTS) == 3
    assert streams.numbers()["streams_events_refused_total"] == 2
    assert streams.numbers()["streams_events_open"] == 0


@pytest.mark.parametrize("kind", StreamKind)
def test_no_session_alone_can_take_all_of_a_kind(kind: StreamKind) -> None:
    """A third of everything at least is left to the others, and a refusal is a 503."""
    bound = BOUNDS[kind]
    assert 3 * bound.per_holder <= 2 * bound.in_all
    assert STATUSES[bound.refusal] == 503


def test_a_page_with_sixteen_cameras_in_several_tabs_never_meets_the_bound() -> None:
    """A wall holds one WebSocket per camera."""
    assert BOUNDS[StreamKind.LIVE].per_holder >= 4 * 16
    assert BOUNDS[StreamKind.EVENTS].per_holder >= 16


@given(st.lists(st.tuples(st.sampled_from([ANN, BOB, KEY]), st.booleans()), max_size=60))
def test_whatever_is_opened_and_closed_the_bounds_hold(steps: list[tuple[Principal, bool]]) -> None:
    """Refused ones are not counted among the open, closed ones make room."""
    streams, live = OpenStreams(SMALL), dict[str, list[ExitStack]]()
    for principal, opens in steps:
        mine = live.setdefault(principal.holder, [])
        if not opens and mine:
            mine.pop().close()
        elif opens:
            stack, before = ExitStack(), streams.count(StreamKind.EVENTS)
            room = len(mine) < 3 and before < 5
            try:
                opened(streams, stack, principal, 1)
            except Refused:
                assert not room
            else:
                assert room
                mine.append(stack)
        assert streams.count(StreamKind.EVENTS) == sum(map(len, live.values())) <= 5


async def test_a_session_that_is_over_takes_its_streams_and_no_others() -> None:
    """Each is told and its connection aborted, once."""
    streams, aborted = OpenStreams(SMALL), list[str]()
    with ExitStack() as stack:
        for principal in (ANN, BOB, KEY):
            abort = partial(aborted.append, principal.holder)
            stack.enter_context(streams.open(principal, StreamKind.LIVE, abort))
        assert streams.sessions() == {"ann", "bob"}
        assert (streams.end_session("ann"), streams.end_session("ann"), streams.end_session("")) == (1, 0, 0)
        assert aborted == ["ann"]
        assert streams.end_where(lambda principal: principal.kind is PrincipalKind.KEY) == 1
        assert aborted == ["ann", "key"]
    assert streams.sessions() == frozenset()
    assert streams.numbers()["streams_live_ended_total"] == 2


async def test_an_answer_that_says_goodbye_is_aborted_only_if_it_takes_too_long() -> None:
    """A WebSocket says why it is closed; a client that does not read cannot keep it open."""
    streams, aborted = OpenStreams(SMALL, goodbye_s=0.01), asyncio.Event()
    with streams.open(ANN, StreamKind.LIVE, aborted.set) as stream:
        stream.says_goodbye = True
        streams.end_session("ann")
        assert stream.ended.is_set()
        assert not aborted.is_set()
        async with asyncio.timeout(5):
            await aborted.wait()
    quick = asyncio.Event()
    with streams.open(ANN, StreamKind.LIVE, quick.set) as stream:
        stream.says_goodbye = True
        streams.end_session("ann")
        assert stream.deadline is not None
    assert stream.deadline.cancelled()
    assert not quick.is_set()
