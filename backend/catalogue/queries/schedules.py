"""Statements about schedules and their runs. Each function runs inside the caller's transaction."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from backend.catalogue.errors import ScheduleUnknown
from backend.catalogue.model import schedule_runs as runs
from backend.catalogue.model import schedules
from backend.catalogue.schedule_values import (
    OPEN,
    MissedRuns,
    NewRun,
    Origin,
    Run,
    RunFields,
    RunState,
    Schedule,
    ScheduleKind,
    ScheduleSpec,
)

_OPEN = sorted(state.value for state in OPEN)
KEEP_RUNS = 200
"""Of one schedule, beside those that are open."""


def insert(db: sa.Connection, schedule: Schedule) -> Schedule:
    values = asdict(schedule) | {"origin": schedule.origin.value, "spec": _spec_json(schedule.spec)}
    db.execute(schedules.insert().values(values))
    return schedule


def get(db: sa.Connection, schedule_id: str) -> Schedule | None:
    row = db.execute(sa.select(schedules).where(schedules.c.id == schedule_id)).mappings().one_or_none()
    return None if row is None else _schedule(row)


def every(db: sa.Connection, recorder_id: str | None) -> list[Schedule]:
    """Of one recorder or (None) of all, oldest first."""
    select = sa.select(schedules).order_by(schedules.c.created_at, schedules.c.id)
    if recorder_id is not None:
        select = select.where(schedules.c.recorder_id == recorder_id)
    return [_schedule(row) for row in db.execute(select).mappings()]


def change(db: sa.Connection, schedule_id: str, spec: ScheduleSpec, now: datetime) -> Schedule:
    """The new spec counts from the next look on, also for a time that is under way."""
    _locked(db, schedule_id)
    changed = {"spec": _spec_json(spec), "updated_at": now, "seen_until": None}
    db.execute(
        schedules.update()
        .where(schedules.c.id == schedule_id)
        .values(**changed, version=schedules.c.version + 1)
    )
    return _locked(db, schedule_id)


def seen(db: sa.Connection, schedule: Schedule, until: datetime, era: int) -> bool:
    """Note how far a schedule was looked at; False when it was changed or deleted meanwhile."""
    same = (schedules.c.id == schedule.id) & (schedules.c.version == schedule.version)
    furthest = until if schedule.furthest is None else max(until, schedule.furthest)
    noted = {"seen_until": until, "era": era, "furthest": furthest}
    done = db.execute(schedules.update().where(same).values(noted))
    return done.rowcount == 1


def delete(db: sa.Connection, schedule_id: str, now: datetime) -> Schedule:
    """Remove a schedule and its history. Recordings under way go on; timelapses end now."""
    schedule = _locked(db, schedule_id)
    mine = runs.c.schedule_id == schedule_id
    db.execute(runs.delete().where(mine, runs.c.state.not_in([RunState.RUNNING, RunState.JOINING])))
    _cut_short(db, schedule_id, now)
    db.execute(schedules.delete().where(schedules.c.id == schedule_id))
    return schedule


def disable_runs(db: sa.Connection, schedule_id: str, now: datetime, reason: str) -> None:
    """What waits is missed; timelapses end now."""
    waiting = (runs.c.schedule_id == schedule_id) & (runs.c.state == RunState.WAITING.value)
    db.execute(
        runs.update()
        .where(waiting)
        .values(state=RunState.MISSED.value, missed=1, reason=reason, ended_at=now)
    )
    _cut_short(db, schedule_id, now)


def _cut_short(db: sa.Connection, schedule_id: str, now: datetime) -> None:
    running = (runs.c.schedule_id == schedule_id) & (runs.c.state == RunState.RUNNING.value)
    timelapse = running & (runs.c.kind == ScheduleKind.TIMELAPSE.value) & (runs.c.ends_at > now)
    db.execute(runs.update().where(timelapse).values(ends_at=now))


def insert_run(db: sa.Connection, run: NewRun) -> Run | None:
    """None when this time has its run already: the row is the claim."""
    values = {
        "id": run.id,
        "schedule_id": run.schedule_id,
        "recorder_id": run.recorder_id,
        "era": run.era,
        "kind": run.spec.kind.value,
        "spec": _spec_json(run.spec),
        "due_at": run.due_at,
        "ends_at": run.ends_at,
        "state": RunState.WAITING.value,
        "missed": 0,
        "last_due_at": run.due_at,
        "clips": [],
        "pictures": 0,
    }
    dialect = sqlite if db.dialect.name == "sqlite" else postgresql
    claim = dialect.insert(runs).values(values)
    claim = claim.on_conflict_do_nothing(index_elements=["schedule_id", "era", "due_at"])
    claimed = db.execute(claim.returning(runs.c.id)).scalar_one_or_none()
    return None if claimed is None else _run_of(db, run.id)


def note_missed(db: sa.Connection, run: NewRun, missed: MissedRuns, now: datetime) -> Run | None:
    """Times without a run; those that follow others missed for the same reason join their row."""
    newest = (
        db.execute(
            sa.select(runs)
            .where(runs.c.schedule_id == run.schedule_id)
            .order_by(runs.c.number.desc())
            .limit(1)
        )
        .mappings()
        .one_or_none()
    )
    if (
        newest is not None
        and newest["state"] == RunState.MISSED
        and newest["reason"] == missed.reason
        and newest["era"] == run.era
        and newest["last_due_at"] < missed.first
    ):
        grown = {
            "missed": newest["missed"] + missed.count,
            "last_due_at": missed.last,
            "ends_at": missed.ends_at,
            "ended_at": now,
        }
        db.execute(runs.update().where(runs.c.number == newest["number"]).values(grown))
        return _run_of(db, newest["id"])
    made = insert_run(db, run)
    if made is None:
        return None
    fields = {"missed": missed.count, "last_due_at": missed.last, "reason": missed.reason, "ended_at": now}
    return update_run(db, run.id, fields | {"state": RunState.MISSED})


def forget_missed_after(db: sa.Connection, schedule_id: str, era: int, moment: datetime) -> None:
    """The clock was set back: what lies in the future again was not missed."""
    later = (runs.c.schedule_id == schedule_id) & (runs.c.era == era) & (runs.c.due_at > moment)
    db.execute(runs.delete().where(later, runs.c.state == RunState.MISSED.value))


def update_run(db: sa.Connection, run_id: str, changed: RunFields) -> Run | None:
    """None when it is gone."""
    values: dict[str, Any] = {
        name: str(value) if isinstance(value, str) else list(value) if isinstance(value, tuple) else value
        for name, value in changed.items()
    }
    db.execute(runs.update().where(runs.c.id == run_id).values(values))
    return _run_of(db, run_id)


def miss_run(db: sa.Connection, run: Run, reason: str, now: datetime) -> Run | None:
    """A run that waited in vain; it joins the row before it if that was missed for the same reason."""
    db.execute(runs.delete().where(runs.c.id == run.id))
    again = NewRun(
        id=run.id,
        schedule_id=run.schedule_id,
        recorder_id=run.recorder_id,
        era=run.era,
        spec=run.spec,
        due_at=run.due_at,
        ends_at=run.ends_at,
    )
    return note_missed(db, again, MissedRuns(run.due_at, run.due_at, run.ends_at, 1, reason), now)


def open_runs(db: sa.Connection, recorder_id: str) -> list[Run]:
    select = sa.select(runs).where(runs.c.recorder_id == recorder_id, runs.c.state.in_(_OPEN))
    return [_run(row) for row in db.execute(select.order_by(runs.c.number)).mappings()]


def runs_of(db: sa.Connection, schedule_id: str, limit: int) -> list[Run]:
    """Newest first, in the order they were made: clocks may be set."""
    select = sa.select(runs).where(runs.c.schedule_id == schedule_id)
    return [_run(row) for row in db.execute(select.order_by(runs.c.number.desc()).limit(limit)).mappings()]


def latest_runs(db: sa.Connection, schedule_ids: list[str]) -> dict[str, Run]:
    """The newest run of each schedule that has one."""
    newest = (
        sa.select(sa.func.max(runs.c.number))
        .where(runs.c.schedule_id.in_(schedule_ids))
        .group_by(runs.c.schedule_id)
    )
    found = [_run(row) for row in db.execute(sa.select(runs).where(runs.c.number.in_(newest))).mappings()]
    return {run.schedule_id: run for run in found}


def prune_runs(db: sa.Connection, recorder_id: str) -> int:
    """Keep the newest of each schedule; closed ones of schedules that are gone go too."""
    closed = (runs.c.recorder_id == recorder_id) & runs.c.state.not_in(_OPEN)
    gone = closed & runs.c.schedule_id.not_in(sa.select(schedules.c.id))
    removed = db.execute(runs.delete().where(gone)).rowcount
    crowded = (
        sa.select(runs.c.schedule_id)
        .where(closed)
        .group_by(runs.c.schedule_id)
        .having(sa.func.count() > KEEP_RUNS)
    )
    for (schedule_id,) in db.execute(crowded).all():
        mine = closed & (runs.c.schedule_id == schedule_id)
        oldest_kept = db.execute(
            sa.select(runs.c.number).where(mine).order_by(runs.c.number.desc()).offset(KEEP_RUNS - 1).limit(1)
        ).scalar_one()
        removed += db.execute(runs.delete().where(mine, runs.c.number < oldest_kept)).rowcount
    return removed


def _locked(db: sa.Connection, schedule_id: str) -> Schedule:
    select = sa.select(schedules).where(schedules.c.id == schedule_id).with_for_update()
    row = db.execute(select).mappings().one_or_none()
    if row is None:
        raise ScheduleUnknown(schedule_id)
    return _schedule(row)


def _run_of(db: sa.Connection, run_id: str) -> Run | None:
    row = db.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one_or_none()
    return None if row is None else _run(row)


def _schedule(row: Mapping[Any, Any]) -> Schedule:
    return Schedule(**{**row, "origin": Origin(row["origin"]), "spec": _spec(row["spec"])})


def _run(row: Mapping[Any, Any]) -> Run:
    values = {name: value for name, value in row.items() if name != "kind"}
    values |= {"state": RunState(row["state"]), "spec": _spec(row["spec"]), "clips": tuple(row["clips"])}
    return Run(**values)


def _spec_json(spec: ScheduleSpec) -> dict[str, Any]:
    return asdict(spec) | {"kind": spec.kind.value}


def _spec(stored: Mapping[str, Any]) -> ScheduleSpec:
    return ScheduleSpec(**{**stored, "kind": ScheduleKind(stored["kind"])})
