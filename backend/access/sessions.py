"""Browser sessions: a random token in a cookie, its hash in the catalogue.

A session lives `lifetime_s` from its last use and only as long as the key it was made with. Answers
of the catalogue are remembered for a short time, so that a page full of pictures asks it once.
Belongs to the event loop.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from backend.catalogue.values import Session

COOKIE = "hindsight_session"
_REMEMBER_S = 30.0
_REMEMBERED = 256
_TOUCH_S = 600.0
_LONGEST_TOKEN = 128


class SessionStore(Protocol):
    """What of the catalogue sessions need."""

    async def create_session(self, token_hash: str, principal: str, expires_at: datetime) -> Session:
        """Keep a new session."""

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
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._lifetime = timedelta(seconds=lifetime_s)
        self._now = now
        self._monotonic_s = monotonic_s
        self._remembered: OrderedDict[str, tuple[float, Session]] = OrderedDict()

    @property
    def lifetime_s(self) -> float:
        """How long a session outlives its last use."""
        return self._lifetime.total_seconds()

    async def begin(self, key_fingerprint: str) -> str:
        """A new session; returns the token for the cookie, which is kept nowhere else."""
        token = secrets.token_urlsafe(32)
        await self._store.create_session(
            token_hash(token), f"key:{key_fingerprint}", self._now() + self._lifetime
        )
        return token

    async def is_valid(self, token: str, key_fingerprint: str) -> bool:
        """Whether the cookie's token belongs to a living session of the present key."""
        if not token or len(token) > _LONGEST_TOKEN:
            return False
        session = await self._find(token_hash(token))
        now = self._now()
        if session is None or session.principal != f"key:{key_fingerprint}" or session.expires_at <= now:
            return False
        if (now - session.last_used_at).total_seconds() > _TOUCH_S:
            await self._store.touch_session(session.token_hash, now + self._lifetime)
            self._remembered.pop(session.token_hash, None)
        return True

    async def end(self, token: str) -> None:
        """Log out; a token nobody knows is no error."""
        hashed = token_hash(token)
        self._remembered.pop(hashed, None)
        await self._store.delete_session(hashed)

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


def token_hash(token: str) -> str:
    """What is kept of a token: it finds the session and opens nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
