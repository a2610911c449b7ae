"""One key, one order: whatever is repeated, dies or is refused in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import NewClip
from backend.clips.idempotency import Idempotency, Order, SentKey, StoredAnswer
from backend.http.problems import STATUSES
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from tests.support.backend.rows import HERE, NOON, Box

KEY = SentKey("key", "press")


class CountedOrder:
    """An order that counts how often it was carried out."""

    def __init__(self, box: Box, request: str = "POST {}", *, makes_clip: bool = True) -> None:
        self.box, self.times, self.clip_id = box, 0, new_id()
        self.go = asyncio.Event()
        self.go.set()
        self.refusal: Refused | None = None
        self.order = Order(request, self.clip_id, self._carry_out, self._answer, makes_clip=makes_clip)

    async def _carry_out(self) -> None:
        await self.go.wait()
        if self.refusal is not None:
            raise self.refusal
        self.times += 1
        await self.box.catalogue.insert_clip(
            NewClip(id=self.clip_id, recorder_id=HERE, camera="front", start_time=NOON, pressed_at=NOON)
        )

    async def _answer(self, clip_id: str) -> StoredAnswer:
        return StoredAnswer(201, clip_id)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


async def test_a_repeated_request_gets_the_first_answer(box: Box) -> None:
    """Also by another daemon process with the same data, which knows nothing but the catalogue."""
    first, second = CountedOrder(box), CountedOrder(box)
    answer = await Idempotency(box.catalogue, HERE).once(KEY, first.order)
    again = await Idempotency(box.catalogue, HERE).once(KEY, second.order)
    assert answer == StoredAnswer(201, first.clip_id)
    assert again == StoredAnswer(201, first.clip_id, replayed=True)
    assert (first.times, second.times) == (1, 0)


async def test_another_request_under_the_same_key_is_refused(box: Box) -> None:
    """Somebody reuses keys: better an error than the wrong clip."""
    idempotency = Idempotency(box.catalogue, HERE)
    await idempotency.once(KEY, CountedOrder(box).order)
    with pytest.raises(Refused) as refusal:
        await idempotency.once(KEY, CountedOrder(box, "POST {other}").order)
    assert (STATUSES[refusal.value.kind], refusal.value.field) == (422, "Idempotency-Key")


async def test_a_key_of_somebody_else_is_another_key(box: Box) -> None:
    """Two principals never see each other's answers."""
    idempotency = Idempotency(box.catalogue, HERE)
    await idempotency.once(KEY, CountedOrder(box).order)
    other = CountedOrder(box)
    assert (await idempotency.once(SentKey("session", "press"), other.order)).body == other.clip_id


async def test_two_at_the_same_time_are_done_once(box: Box) -> None:
    """The second is told to wait; it does not run."""
    idempotency = Idempotency(box.catalogue, HERE)
    slow = CountedOrder(box)
    slow.go.clear()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(idempotency.once(KEY, slow.order))
        while not idempotency._running:
            await asyncio.sleep(0)
        with pytest.raises(Refused) as refusal:
            await idempotency.once(KEY, CountedOrder(box).order)
        slow.go.set()
    assert (STATUSES[refusal.value.kind], running.result().status, slow.times) == (409, 201, 1)


async def test_what_was_refused_may_be_tried_again(box: Box) -> None:
    """An empty buffer now does not spoil the key for later."""
    idempotency = Idempotency(box.catalogue, HERE)
    order = CountedOrder(box)
    order.refusal = Refused(Kind.BUFFER_EMPTY, reason="Nothing is buffered yet")
    with pytest.raises(Refused):
        await idempotency.once(KEY, order.order)
    order.refusal = None
    assert (await idempotency.once(KEY, order.order)).replayed is False


async def test_a_client_that_hangs_up_and_comes_again_finds_it_done(box: Box) -> None:
    """The work went on without it; the second try gets its answer."""
    idempotency = Idempotency(box.catalogue, HERE)
    order = CountedOrder(box)
    order.go.clear()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(idempotency.once(KEY, order.order))
        while not idempotency._running:
            await asyncio.sleep(0)
        waiting.cancel()
    order.go.set()
    async with asyncio.timeout(5):
        while idempotency._running:
            await asyncio.sleep(0.01)
    again = await idempotency.once(KEY, CountedOrder(box).order)
    assert (again.body, again.replayed, order.times) == (order.clip_id, True, 1)


@pytest.mark.parametrize("row_was_committed", [True, False])
async def test_a_daemon_that_died_in_the_middle_is_recognised_by_the_row(
    box: Box, row_was_committed: bool
) -> None:
    """With the clip there it was carried out; without, it is done now."""
    dead = Idempotency(box.catalogue, HERE)
    order = CountedOrder(box)
    order.go.clear()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(dead.once(KEY, order.order))
        while not dead._running:
            await asyncio.sleep(0)
        waiting.cancel()
        # As a kill would: nothing of the request goes on.
        await dead.close()
    if row_was_committed:
        order.go.set()
        await order._carry_out()
    next_order = CountedOrder(box)
    answer = await Idempotency(box.catalogue, HERE).once(KEY, next_order.order)
    assert answer.body == (order.clip_id if row_was_committed else next_order.clip_id)
    assert order.times + next_order.times == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "two words", "ü", "a\x00"])
async def test_a_key_must_be_plain_and_short(box: Box, key: str) -> None:
    """The refusal names the header."""
    with pytest.raises(Refused) as refusal:
        await Idempotency(box.catalogue, HERE).once(SentKey("key", key), CountedOrder(box).order)
    assert (STATUSES[refusal.value.kind], refusal.value.field) == (400, "Idempotency-Key")
