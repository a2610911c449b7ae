"""Credits: what they allow, when they come back, and what gives them back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import MediaType, NewClip
from backend.catalogue.lifecycle import Status
from backend.config.retention import BudgetConfig
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.retention.budget import Budget, Credits, period_of
from tests.support.backend.keeping import Keeping, keeping
from tests.support.backend.rows import HERE, NOON


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Keeping]:
    async with keeping(tmp_path) as opened:
        await opened.room.check()
        yield opened


def budget_of(box: Keeping, **config: object) -> Budget:
    # A period of years: none ends while a test runs.
    asked = BudgetConfig.model_validate({"period": "366d"} | config)
    return Budget(box.box.catalogue, HERE, box.room, box.events, asked)


def new_clip() -> NewClip:
    return NewClip(id=new_id(), recorder_id=HERE, camera="front", start_time=NOON, pressed_at=NOON)


async def left(budget: Budget) -> int:
    credits = await budget.credits()
    assert credits is not None
    return credits.left


def test_periods_are_counted_from_1970_and_half_open() -> None:
    """A day begins at midnight UTC, whenever the daemon was started; before 1970 too."""
    day = datetime(2026, 3, 29)
    for moment in (day, day + timedelta(hours=23, minutes=59)):
        assert period_of(moment, 86400) == (day, day + timedelta(days=1))
    assert period_of(datetime(1969, 12, 31, 1), 86400)[0] == datetime(1969, 12, 31)
    assert period_of(day + timedelta(hours=5), 6 * 3600)[0] == day
    assert Credits(10, 12, 1, day, 1, 10).left == 0


async def test_without_credits_nothing_is_charged(box: Keeping) -> None:
    """Off by default."""
    budget = budget_of(box)
    await budget.admit(MediaType.VIDEO)
    await budget.insert(new_clip())
    assert await budget.credits() is None


async def test_a_failed_clip_gives_its_credits_back_until_it_is_tried_again(box: Keeping) -> None:
    """Deleting a finished one does not: that would be a way around."""
    budget, catalogue = budget_of(box, credits=20), box.box.catalogue
    first, second = await budget.insert(new_clip()), await budget.insert(new_clip())
    assert await left(budget) == 0
    await catalogue.transition(first.id, Status.FAILED, fields={"retryable": True})
    assert await left(budget) == 10
    await catalogue.transition(first.id, Status.PROCESSING)
    assert await left(budget) == 0
    await catalogue.delete_clip(second.id)
    assert await left(budget) == 0
    await budget.take_back(second.id)
    assert await left(budget) == 10


async def test_of_many_who_press_at_once_only_as_many_get_through_as_there_are_credits(box: Keeping) -> None:
    """The rows decide, not what was read a moment before; who is refused leaves no row."""
    budget = budget_of(box, credits=25)
    tried = await asyncio.gather(*(budget.insert(new_clip()) for _ in range(6)), return_exceptions=True)
    refused = [one for one in tried if isinstance(one, Refused)]
    assert (len(tried) - len(refused), {one.kind for one in refused}) == (2, {Kind.CREDITS_SPENT})
    assert len(await box.ids()) == 2
    assert budget.counters.refused == 4


async def test_a_refusal_says_when_there_are_new_ones_or_that_there_never_are(box: Keeping) -> None:
    """In words, as a time, and as Retry-After."""
    budget = budget_of(box, credits=5)
    await budget.admit(MediaType.IMAGE)
    with pytest.raises(Refused, match=r"Ask the owner of this box to raise budget\.credits"):
        await budget.admit(MediaType.VIDEO)
    budget = budget_of(box, credits=10)
    await budget.insert(new_clip())
    with pytest.raises(
        Refused, match=r"A snapshot costs 1 credits, and 0 of 10 are left\. There are 10 new"
    ) as found:
        await budget.admit(MediaType.IMAGE)
    assert (found.value.retry_after_s or 0) >= 1


async def test_old_charges_are_forgotten(box: Keeping) -> None:
    """The table does not grow for ever."""
    budget = budget_of(box, credits=20, period="60s")
    await budget.insert(new_clip())
    assert await budget.expire() == 0
    catalogue = box.box.catalogue
    assert await catalogue.charges.expire(HERE, datetime.max) == 1
