"""Statements about what recordings cost. Each function runs inside the caller's transaction."""

from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.errors import CreditsSpent
from backend.catalogue.lifecycle import FINISHED
from backend.catalogue.model import charges, clips
from backend.catalogue.values import Charge, MediaType, Recorded

NEWEST = 20
"""Clips that an estimate is made of: what the camera shows and how it is set changes."""


def charge(db: sa.Connection, clip_id: str, recorder_id: str, wanted: Charge) -> None:
    """Take the cost of a clip. Raises CreditsSpent when there is not enough left."""
    if db.dialect.name == "postgresql":
        # SQLite has the whole database to itself by now; here two presses must not both see the last credits.
        db.execute(sa.text("LOCK TABLE charges IN SHARE ROW EXCLUSIVE MODE"))
    already = spent(db, recorder_id, wanted.period_start)
    if already + wanted.cost > wanted.limit:
        raise CreditsSpent(already, wanted.limit)
    db.execute(
        charges.insert().values(
            clip_id=clip_id,
            recorder_id=recorder_id,
            period_start=wanted.period_start,
            cost=wanted.cost,
            refunded=False,
        )
    )


def spent(db: sa.Connection, recorder_id: str, period_start: datetime) -> int:
    total = sa.select(sa.func.coalesce(sa.func.sum(charges.c.cost), 0)).where(
        charges.c.recorder_id == recorder_id,
        charges.c.period_start == period_start,
        charges.c.refunded.is_(False),
    )
    return int(db.execute(total).scalar_one())


def set_refunded(db: sa.Connection, clip_id: str, *, refunded: bool) -> None:
    """Give the cost back, or take it again for a clip that is tried once more."""
    db.execute(charges.update().where(charges.c.clip_id == clip_id).values(refunded=refunded))


def expire(db: sa.Connection, recorder_id: str, before: datetime) -> int:
    old = charges.delete().where(charges.c.recorder_id == recorder_id, charges.c.period_start < before)
    return db.execute(old).rowcount


def recorded(db: sa.Connection, recorder_id: str, camera: str) -> Recorded:
    """Sums over the newest finished clips and snapshots of a camera."""
    _, video_bytes, video_s = _newest(db, recorder_id, camera, MediaType.VIDEO)
    images, image_bytes, _ = _newest(db, recorder_id, camera, MediaType.IMAGE)
    return Recorded(video_bytes, video_s, images, image_bytes)


def _newest(db: sa.Connection, recorder_id: str, camera: str, kind: MediaType) -> tuple[int, int, float]:
    newest = (
        sa.select(clips.c.size_bytes, clips.c.duration_s)
        .where(
            clips.c.camera == camera,
            clips.c.recorder_id == recorder_id,
            clips.c.media_type == kind.value,
            clips.c.status.in_([status.value for status in FINISHED]),
        )
        .order_by(clips.c.number.desc())
        .limit(NEWEST)
        .subquery()
    )
    total = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(newest.c.size_bytes), 0),
        sa.func.coalesce(sa.func.sum(newest.c.duration_s), 0.0),
    ).select_from(newest)
    count, size_bytes, seconds = db.execute(total).one()
    return count, int(size_bytes), float(seconds)
