"""Answers that are asked for every second, on every database: never older than the last write."""

from datetime import datetime, timedelta

from backend.catalogue import Catalogue
from backend.catalogue.cached_answer import LONGEST_S, CachedAnswer
from tests.contracts.conftest import SteppedClock
from tests.contracts.test_catalogue_publishing import HERE, draft


class Question:
    """When the next promise is due, and how often that was asked."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.queries = 0
        self.now_s = 100.0
        self._catalogue = catalogue
        self.cached = CachedAnswer(catalogue, self._query, lambda: self.now_s)

    async def _query(self) -> datetime | None:
        self.queries += 1
        return await self._catalogue.next_promise(HERE)


async def test_every_write_is_in_the_next_answer(catalogue: Catalogue, clock: SteppedClock) -> None:
    """A promise made, put off and taken back: each is known at the next tick."""
    question = Question(catalogue)
    assert await question.cached.answer() is None
    clip = await draft(catalogue, clock)
    for hours in (1, 3):
        at = clock.time + timedelta(hours=hours)
        await catalogue.publish(clip.id, at=at)
        assert await question.cached.answer() == at
    await catalogue.unpublish(clip.id)
    assert await question.cached.answer() is None


async def test_nothing_is_asked_twice_where_nobody_else_can_write(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """SQLite has one daemon; others may write to PostgreSQL, so it is asked every time."""
    await draft(catalogue, clock)
    question = Question(catalogue)
    for _ in range(5):
        await question.cached.answer()
    assert question.queries == (5 if catalogue.writes is None else 1)


async def test_a_row_that_was_mended_by_hand_is_seen_after_a_while(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """An operator with a shell of the database is no daemon, and still right."""
    question = Question(catalogue)
    await question.cached.answer()
    question.now_s += LONGEST_S
    await question.cached.answer()
    assert question.queries == 2


async def test_the_next_promise_is_the_earliest_of_this_recorders_drafts(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """What is out already, or another box's, is waited for by nobody here."""
    first, second, out = [await draft(catalogue, clock) for _ in range(3)]
    foreign = await draft(catalogue, clock, recorder_id="00000000-0000-7000-8000-000000000001")
    for hours, clip in ((1, foreign), (2, out), (3, second), (4, first)):
        await catalogue.publish(clip.id, at=clock.time + timedelta(hours=hours))
    await catalogue.publish(out.id)
    assert await catalogue.next_promise(HERE) == clock.time + timedelta(hours=3)
