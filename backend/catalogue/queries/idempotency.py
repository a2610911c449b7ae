"""Statements about Idempotency-Keys. Each function runs inside the caller's transaction."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from backend.catalogue.model import idempotency
from backend.catalogue.values import Reservation, ReservationKey, ReservationState


def reserve(
    db: sa.Connection, key: ReservationKey, request_hash: str, subject: str | None, now: datetime
) -> Reservation:
    """Take the key if it is free; otherwise tell what became of the request that took it."""
    dialect = sqlite if db.dialect.name == "sqlite" else postgresql
    taken = dialect.insert(idempotency).on_conflict_do_nothing()
    new = taken.values(
        principal=key.principal, key=key.key, request_hash=request_hash, subject=subject, created_at=now
    )
    if db.execute(new.returning(idempotency.c.key)).first() is not None:
        return Reservation(ReservationState.NEW, subject)
    row = db.execute(sa.select(idempotency).where(_is(key))).one_or_none()
    if row is None:
        # Released between the two statements (PostgreSQL): its sender is about to try again.
        return Reservation(ReservationState.UNDER_WAY)
    if row.request_hash != request_hash:
        return Reservation(ReservationState.DIFFERENT, row.subject)
    state = ReservationState.UNDER_WAY if row.status is None else ReservationState.DONE
    return Reservation(state, row.subject, row.status, row.body)


def complete(db: sa.Connection, key: ReservationKey, status: int, body: str) -> None:
    db.execute(idempotency.update().where(_is(key)).values(status=status, body=body))


def release(db: sa.Connection, key: ReservationKey) -> None:
    db.execute(idempotency.delete().where(_is(key), idempotency.c.status.is_(None)))


def expire(db: sa.Connection, before: datetime) -> int:
    return db.execute(idempotency.delete().where(idempotency.c.created_at < before)).rowcount


def _is(key: ReservationKey) -> sa.ColumnElement[bool]:
    return sa.and_(idempotency.c.principal == key.principal, idempotency.c.key == key.key)
