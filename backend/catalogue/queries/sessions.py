"""Statements about browser sessions. Each function runs inside the caller's transaction."""

from datetime import datetime

import sqlalchemy as sa

from backend.catalogue.model import sessions
from backend.catalogue.values import Session


def create(db: sa.Connection, session: Session) -> None:
    db.execute(
        sessions.insert().values(
            token_hash=session.token_hash,
            principal=session.principal,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
        )
    )


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
