"""Browser sessions: a random token in a cookie, its hash in the catalogue.

A session lives `lifetime_s` from its last use, `longest_s` from its beginning, and only as long as the key
it was made with. Answers of the catalogue are remembered for a short time, so that a page full of pictures
asks it once; a session ended by another box of the same catalogue therefore lasts that much longer here.
Belongs to the event loop.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from backend.catalogue.values import Session

_REMEMBER_S = 3.0
_REMEMBERED = 256
_TOUCH_S = 600.0
_LONGEST_TOKEN = 128


class SessionStore(Protocol):
    """What of the catalogue sessions need."""

    async def create_session(
        self, token_hash: str, principal: str, expires_at: datetime, *, device: str, address: str
    ) -> Session:
        """Keep a new session."""

    async def sessions_of(self, principal: str) -> list[Session]:
        """Those that have not expired, the last used first."""

    async def find_session(self, token_hash: str) -> Session | None:
        """The session of that hash unless it has expired."""

    async def touch_session(self, token_hash: str, expires_at: datetime) -> None:
        """Note that it was used."""

    async def delete_session(self, token_hash: str) -> None:
        """Forget it."""


class Sessions:
    """Makes, finds and ends sessions. `now` gives naive UTC, `monotonic_s` seconds."""

    def __init__(
        self,
        store: SessionStore,
        *,
        lifetime_s: float,
        longest_s: float,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._lifetime = timedelta(seconds=lifetime_s)
        self._longest = timedelta(seconds=longest_s)
        self._now = now
        self._monotonic_s = monotonic_s
        self._remembered: OrderedDict[str, tuple[float, Session]] = OrderedDict()

    @property
    def longest_s(self) -> float:
        """How long a browser may keep the cookie."""
        return self._longest.total_seconds()

    async def begin(self, key_fingerprint: str, *, device: str, address: str) -> str:
        """A new session; returns the token for the cookie, which is kept nowhere else.

        `device`: its name for people; `address`: the client's.
        """
        token = secrets.token_urlsafe(32)
        await self._store.create_session(
            token_hash(token),
            _principal(key_fingerprint),
            self._now() + min(self._lifetime, self._longest),
            device=device,
            address=address,
        )
        return token

    async def find(self, token: str, key_fingerprint: str) -> Session | None:
        """The living session of the present key that the cookie's token belongs to."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        session = await self._find(token_hash(token))
        now = self._now()
        if session is None or not self._lives(session, key_fingerprint, now):
            return None
        if (now - session.last_used_at).total_seconds() > _TOUCH_S:
            expires_at = min(now + self._lifetime, session.created_at + self._longest)
            await self._store.touch_session(session.token_hash, expires_at)
            self._remembered.pop(session.token_hash, None)
        return session

    async def is_live(self, hashed: str, key_fingerprint: str) -> bool:
        """Whether the session with this hash of a token still lets its device in. Does not prolong it."""
        session = await self._find(hashed)
        return session is not None and self._lives(session, key_fingerprint, self._now())

    async def devices(self, key_fingerprint: str) -> list[Session]:
        """Every living session of the present key, the last used first."""
        return await self._store.sessions_of(_principal(key_fingerprint))

    async def end(self, hashed: str) -> None:
        """Sign out the session with this hash of a token; one that does not exist is no error."""
        self._remembered.pop(hashed, None)
        await self._store.delete_session(hashed)

    def _lives(self, session: Session, key_fingerprint: str, now: datetime) -> bool:
        return (
            session.principal == _principal(key_fingerprint)
            and session.expires_at > now
            and session.created_at + self._longest > now
        )

    async def _find(self, token_hash: str) -> Session | None:
        found = self._remembered.get(token_hash)
        if found is not None and self._monotonic_s() - found[0] < _REMEMBER_S:
            return found[1]
        session = await self._store.find_session(token_hash)
        self._remembered.pop(token_hash, None)
        if session is not None:
            self._remembered[token_hash] = (self._monotonic_s(), session)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return session


def _principal(key_fingerprint: str) -> str:
    return f"key:{key_fingerprint}"


def token_hash(token: str) -> str:
    """What is kept of a token: it finds the session and opens nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
