"""The catalogue's door to schedules and their runs: every method is one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.database import Database
from backend.catalogue.queries import schedules as queries
from backend.catalogue.schedule_values import (
    MissedRuns,
    NewRun,
    Run,
    RunFields,
    Schedule,
    ScheduleSpec,
)


class ScheduleRows:
    """Schedules and what became of them. Every method may raise CatalogueUnavailable."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def insert(self, schedule: Schedule) -> Schedule:
        return await self._database.write(lambda db: queries.insert(db, schedule))

    async def get(self, schedule_id: str) -> Schedule | None:
        return await self._database.read(lambda db: queries.get(db, schedule_id))

    async def every(self, recorder_id: str | None = None) -> list[Schedule]:
        """Of one recorder or (None) of all, oldest first."""
        return await self._database.read(lambda db: queries.every(db, recorder_id))

    async def change(self, schedule_id: str, spec: ScheduleSpec) -> Schedule:
        """Replace what a person asked for. Raises ScheduleUnknown."""
        return await self._database.write(lambda db: queries.change(db, schedule_id, spec, self._now()))

    async def delete(self, schedule_id: str, now: datetime) -> Schedule:
        """Remove it and its history; what runs is brought to its end. Raises ScheduleUnknown."""
        return await self._database.write(lambda db: queries.delete(db, schedule_id, now))

    async def disable_runs(self, schedule_id: str, now: datetime, reason: str) -> None:
        """What waits is missed, timelapses end now, recordings go on."""
        await self._database.write(lambda db: queries.disable_runs(db, schedule_id, now, reason))

    async def note(
        self, schedule: Schedule, seen: tuple[datetime, int], due: Sequence[NewRun], missed: "NoteMissed"
    ) -> list[Run]:
        """What a look at a schedule found, in one transaction: how far it looked (`seen`: until, era), what
        is due, what was missed. The runs that are new; none when the schedule was changed meanwhile.
        """
        return await self._database.write(lambda db: _note(db, schedule, seen, due, missed, self._now()))

    async def update_run(self, run_id: str, fields: RunFields) -> Run | None:
        """Set fields of a run; None when it is gone."""
        return await self._database.write(lambda db: queries.update_run(db, run_id, fields))

    async def miss_run(self, run: Run, reason: str, now: datetime) -> Run | None:
        """It waited in vain."""
        return await self._database.write(lambda db: queries.miss_run(db, run, reason, now))

    async def open_runs(self, recorder_id: str) -> list[Run]:
        """What is still to be done, oldest first."""
        return await self._database.read(lambda db: queries.open_runs(db, recorder_id))

    async def runs(self, schedule_id: str, limit: int = 50) -> list[Run]:
        """What became of a schedule, newest first."""
        return await self._database.read(lambda db: queries.runs_of(db, schedule_id, limit))

    async def latest_runs(self, schedule_ids: Sequence[str]) -> dict[str, Run]:
        """The newest run of each schedule that has one."""
        return await self._database.read(lambda db: queries.latest_runs(db, [*schedule_ids]))

    async def prune_runs(self, recorder_id: str) -> int:
        """Keep the newest KEEP_RUNS of each schedule of this recorder."""
        return await self._database.write(lambda db: queries.prune_runs(db, recorder_id))


NoteMissed = tuple[NewRun, MissedRuns] | datetime | None
"""What was missed; or the moment the clock was set back to, after which nothing was missed yet."""


def _note(
    db: sa.Connection,
    schedule: Schedule,
    seen: tuple[datetime, int],
    due: Sequence[NewRun],
    missed: NoteMissed,
    now: datetime,
) -> list[Run]:
    if not queries.seen(db, schedule, *seen):
        return []
    made: list[Run | None] = []
    if isinstance(missed, datetime):
        queries.forget_missed_after(db, schedule.id, schedule.era, missed)
    elif missed is not None:
        made.append(queries.note_missed(db, *missed, now))
    made += [queries.insert_run(db, run) for run in due]
    return [run for run in made if run is not None]
