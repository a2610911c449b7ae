"""How many clips were made, by quarters of an hour. Runs inside the caller's transaction.

A viewer's day begins at another hour than ours, in some places at a half or a quarter past: whoever
shows days adds quarters up.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from backend.catalogue.model import clips
from backend.catalogue.values import ClipTally, SampleFilter

QUARTER_S = 900


def by_quarter(db: sa.Connection, wanted: SampleFilter) -> list[ClipTally]:
    """Clips and snapshots by the quarter of an hour in which they began, oldest first; none left empty."""
    begun = clips.c.start_time
    if db.dialect.name == "sqlite":
        unix_s = sa.cast(sa.func.strftime("%s", begun), sa.Integer)
    else:
        unix_s = sa.cast(sa.func.floor(sa.func.extract("epoch", begun)), sa.BigInteger)
    at_s = (unix_s // QUARTER_S * QUARTER_S).label("at_s")
    size = sa.func.coalesce(sa.func.sum(clips.c.size_bytes), 0)
    select = sa.select(clips.c.camera, at_s, sa.func.count(), size)
    select = select.where(begun >= wanted.from_, begun < wanted.to)
    if wanted.camera is not None:
        select = select.where(clips.c.camera == wanted.camera)
    rows = db.execute(select.group_by(clips.c.camera, at_s).order_by(at_s, clips.c.camera))
    return [
        ClipTally(camera, datetime.fromtimestamp(at, UTC).replace(tzinfo=None), count, int(total))
        for camera, at, count, total in rows
    ]
