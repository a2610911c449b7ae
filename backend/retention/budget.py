"""What recordings cost: bytes before one presses, and credits where many share a camera.

Credits belong to the box: everyone who records on it spends the same credits, because all recordings
fill one disk. They come back all at once when a period ends; periods are counted from 1970, so neither a
restart nor a press moves them. Belongs to the event loop.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.base.times import utc_now
from backend.catalogue import Catalogue, Charge, Clip, CreditsSpent, MediaType, NewClip
from backend.catalogue.values import Recorded
from backend.config.retention import BudgetConfig
from backend.events.log import EventLog
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.retention.disk_room import DiskRoom

_EPOCH = datetime(1970, 1, 1)


def period_of(now: datetime, period_s: float) -> tuple[datetime, datetime]:
    """The period that `now` lies in, half-open."""
    length = timedelta(seconds=period_s)
    start = _EPOCH + (now - _EPOCH) // length * length
    return start, start + length


@dataclass(frozen=True, slots=True)
class Credits:
    """The credits of this period."""

    limit: int
    spent: int
    period_s: float
    refills_at: datetime
    snapshot_cost: int
    clip_cost: int

    @property
    def left(self) -> int:
        """Never negative: a clip that is tried again may overdraw."""
        return max(0, self.limit - self.spent)


@dataclass(slots=True)
class BudgetCounters:
    """Since the daemon started."""

    refused: int = 0


class Budget:
    """Whether something may be recorded now. `config` is replaced by a reload."""

    def __init__(
        self, catalogue: Catalogue, recorder_id: str, room: DiskRoom, events: EventLog, config: BudgetConfig
    ) -> None:
        self._catalogue = catalogue
        self._recorder_id = recorder_id
        self._room = room
        self._events = events
        self.config = config
        self.counters = BudgetCounters()

    async def admit(self, kind: MediaType) -> None:
        """Refuse what the disk or the credits do not allow, before anything is written."""
        await self.admit_disk()
        credits = await self.credits()
        if credits is not None and credits.spent + self._cost(kind) > credits.limit:
            raise self._refusal(kind, credits)

    async def admit_disk(self) -> None:
        """Refuse what the disk does not allow, for what goes on and was admitted before."""
        await self._room.admit()

    async def insert(self, row: NewClip) -> Clip:
        """Commit the row of a new clip and its cost, both or neither."""
        charge = self._charge(row.media_type)
        try:
            clip = await self._catalogue.insert_clip(row, charge)
        except CreditsSpent as error:
            # Two pressed at once and there was enough for one.
            credits = await self.credits()
            raise error if credits is None else self._refusal(row.media_type, credits) from error
        if charge is not None and charge.cost:
            self._events.publish("budget", {"cost": charge.cost})
        return clip

    async def take_back(self, clip_id: str) -> None:
        """A clip was not made after all."""
        await self._catalogue.charges.refund(clip_id)

    async def credits(self) -> Credits | None:
        """The credits of the current period; None if recordings cost none."""
        config = self.config
        if config.credits is None:
            return None
        start, end = period_of(utc_now(), config.period)
        spent = await self._catalogue.charges.spent(self._recorder_id, start)
        return Credits(config.credits, spent, config.period, end, config.snapshot, config.clip)

    async def recorded(self, camera: str) -> Recorded:
        """What was recorded of a camera before, for estimates."""
        return await self._catalogue.charges.recorded(self._recorder_id, camera)

    async def expire(self) -> int:
        """Forget the charges of periods long gone."""
        return await self._catalogue.charges.expire(
            self._recorder_id, utc_now() - 2 * timedelta(seconds=self.config.period)
        )

    def _charge(self, kind: MediaType) -> Charge | None:
        if self.config.credits is None:
            return None
        start, _ = period_of(utc_now(), self.config.period)
        return Charge(start, self._cost(kind), self.config.credits)

    def _cost(self, kind: MediaType) -> int:
        return self.config.snapshot if kind is MediaType.IMAGE else self.config.clip

    def _refusal(self, media_type: MediaType, credits: Credits) -> Refused:
        self.counters.refused += 1
        wait_s = max(1.0, (credits.refills_at - utc_now()).total_seconds())
        cost = self._cost(media_type)
        return Refused(
            Kind.CREDITS_SPENT if cost <= credits.limit else Kind.COSTS_MORE_THAN_THE_BUDGET,
            retry_after_s=int(wait_s) + 1,
            media_type=media_type,
            cost=cost,
            left=credits.left,
            limit=credits.limit,
            wait_s=wait_s,
            refills_at=credits.refills_at,
        )
