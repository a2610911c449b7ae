"""How many clips were made, hour by hour. Runs inside the caller's transaction, on a catalogue thread.

Hours, because a viewer's day begins at another hour than ours: whoever shows days adds hours up.
"""

from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.model import clips
from backend.catalogue.values import ClipTally, SampleFilter

_HOUR = "%Y-%m-%d %H"


def by_hour(db: sa.Connection, wanted: SampleFilter) -> list[ClipTally]:
    """Clips and snapshots by the hour (UTC) in which they began, oldest first; empty hours are left out."""
    begun = clips.c.start_time
    if db.dialect.name == "sqlite":
        hour = sa.func.strftime(_HOUR, begun, type_=sa.Text)
    else:
        hour = sa.func.to_char(begun, "YYYY-MM-DD HH24", type_=sa.Text)
    size = sa.func.coalesce(sa.func.sum(clips.c.size_bytes), 0)
    select = sa.select(clips.c.camera, hour, sa.func.count(), size).where(
        begun >= wanted.from_, begun < wanted.to
    )
    if wanted.camera is not None:
        select = select.where(clips.c.camera == wanted.camera)
    rows = db.execute(select.group_by(clips.c.camera, hour).order_by(hour, clips.c.camera))
    return [
        ClipTally(camera, datetime.strptime(at, _HOUR), count, int(total))
        for camera, at, count, total in rows
    ]
