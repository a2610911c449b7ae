"""Statements about samples. Each function runs inside the caller's transaction.

Every number of a sample adds up, so writing a minute twice (a restart within it), making hours of
minutes and reading in steps are all the same sum.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from backend.catalogue.model import samples
from backend.catalogue.values import Sample, SampleFilter

MINUTE_S = 60
HOUR_S = 3600
_STATES = ("live_s", "connecting_s", "stalled_s", "reconnecting_s", "stopped_s")
_COUNTS = ("frames", "drops", "bytes", "clips_removed", "bytes_removed")
_SUMS = (*_COUNTS, "filled_s", *_STATES)
_WHOLE = frozenset(_COUNTS)


def add(db: sa.Connection, sample: Sample) -> None:
    """Add a sample to its minute."""
    row = {name: getattr(sample, name) for name in _SUMS}
    row |= {"recorder_id": sample.recorder_id, "camera": sample.camera}
    row |= {"resolution_s": MINUTE_S, "at_s": _unix(sample.at) // MINUTE_S * MINUTE_S}
    _merge(db, _insert(db).values(row))


def thin(db: sa.Connection, recorder_id: str, before: datetime) -> int:
    """Make hours of this recorder's minutes that lie before `before`; how many minutes went in."""
    limit_s = _unix(before) // HOUR_S * HOUR_S
    old = (
        samples.c.recorder_id == recorder_id,
        samples.c.resolution_s == MINUTE_S,
        samples.c.at_s < limit_s,
    )
    hour = (samples.c.at_s // HOUR_S * HOUR_S).label("at_s")
    resolution = sa.literal(HOUR_S).label("resolution_s")
    hours = sa.select(samples.c.recorder_id, samples.c.camera, resolution, hour, *_sums()).where(*old)
    hours = hours.group_by(samples.c.recorder_id, samples.c.camera, hour)
    _merge(db, _insert(db).from_select([column.name for column in hours.selected_columns], hours))
    return db.execute(samples.delete().where(*old)).rowcount


def read(db: sa.Connection, wanted: SampleFilter) -> list[Sample]:
    """Sums per camera and step, oldest first. Hours that are thinned already stay whole."""
    step_s = max(wanted.step_s, MINUTE_S)
    step = (samples.c.at_s // step_s * step_s).label("at_s")
    select = sa.select(samples.c.recorder_id, samples.c.camera, step, *_sums()).where(
        samples.c.at_s >= _unix(wanted.from_), samples.c.at_s < _unix(wanted.to)
    )
    if wanted.camera is not None:
        select = select.where(samples.c.camera == wanted.camera)
    select = select.group_by(samples.c.recorder_id, samples.c.camera, step)
    return [_sample(row) for row in db.execute(select.order_by(step, samples.c.camera)).mappings()]


_Insert = sqlite.Insert | postgresql.Insert


def _insert(db: sa.Connection) -> _Insert:
    return sqlite.insert(samples) if db.dialect.name == "sqlite" else postgresql.insert(samples)


def _merge(db: sa.Connection, insert: _Insert) -> None:
    added = {name: samples.c[name] + insert.excluded[name] for name in _SUMS}
    db.execute(insert.on_conflict_do_update(index_elements=list(samples.primary_key), set_=added))


def _sums() -> list[sa.ColumnElement[object]]:
    return [sa.func.sum(samples.c[name]).label(name) for name in _SUMS]


def _sample(row: sa.RowMapping) -> Sample:
    # PostgreSQL sums whole numbers to decimals.
    numbers: dict[str, Any] = {name: int(row[name]) if name in _WHOLE else float(row[name]) for name in _SUMS}
    at = datetime.fromtimestamp(row["at_s"], UTC).replace(tzinfo=None)
    return Sample(recorder_id=row["recorder_id"], camera=row["camera"], at=at, **numbers)


def _unix(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() // 1)
