"""Statements about browser sessions. Each function runs inside the caller's transaction."""

from dataclasses import asdict, replace
from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.model import sessions
from backend.catalogue.values import Session


def create(db: sa.Connection, session: Session, most: int) -> Session:
    """Keep it as one of the principal's `most` newest; its visitor is the one known at that address."""
    theirs = sessions.c.principal == session.principal
    known = sa.select(sessions.c.visitor).where(theirs, sessions.c.address == session.address)
    visitor = db.execute(known.order_by(sessions.c.created_at.desc()).limit(1)).scalar_one_or_none()
    session = replace(session, visitor=visitor or session.token_hash)
    db.execute(sessions.insert().values(**asdict(session)))
    others = sa.select(sessions.c.token_hash).where(theirs, sessions.c.token_hash != session.token_hash)
    surplus = db.execute(others.order_by(sessions.c.last_used_at.desc()).offset(most - 1)).scalars().all()
    db.execute(sessions.delete().where(sessions.c.token_hash.in_(surplus)))
    return session


def all_of(db: sa.Connection, principal: str, now: datetime) -> list[Session]:
    """Those that live, the last used first."""
    live = sa.select(sessions).where(sessions.c.principal == principal, sessions.c.expires_at > now)
    return [Session(**row) for row in db.execute(live.order_by(sessions.c.last_used_at.desc())).mappings()]


def find(db: sa.Connection, token_hash: str, now: datetime) -> Session | None:
    select = sa.select(sessions).where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
    row = db.execute(select).mappings().one_or_none()
    return None if row is None else Session(**row)


def touch(db: sa.Connection, token_hash: str, now: datetime, expires_at: datetime) -> None:
    used = sessions.update().where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
    db.execute(used.values(last_used_at=now, expires_at=expires_at))


def delete(db: sa.Connection, token_hash: str) -> None:
    db.execute(sessions.delete().where(sessions.c.token_hash == token_hash))


def delete_all(db: sa.Connection, principal: str) -> int:
    return db.execute(sessions.delete().where(sessions.c.principal == principal)).rowcount


def expire(db: sa.Connection, now: datetime) -> int:
    return db.execute(sessions.delete().where(sessions.c.expires_at <= now)).rowcount
