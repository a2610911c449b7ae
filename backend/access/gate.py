"""The gate in front of every request: is it meant for us, does it come from our page, who sends it.

Sets PRINCIPAL on the request; what the principal may do is decided per route (`authorise`).
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable

from aiohttp import web

from backend.access.access_key import AccessKey
from backend.access.attempts import Attempts
from backend.access.peers import Hosts, changes_something, is_forwarded, is_loopback, peer_of, split_host
from backend.access.principals import ANONYMOUS, Principal, PrincipalKind
from backend.access.sessions import COOKIE, Sessions, token_hash
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

FOLLOW_KEY_S = 1.0
"""How old a look at the key's file may be when a request is judged by it."""
_REFRESH_PATIENCE_S = 0.5

_KEY = Principal(PrincipalKind.KEY)
_LOOPBACK = Principal(PrincipalKind.LOOPBACK)


class Access:
    """Knows the key, the sessions and the hosts of this daemon."""

    def __init__(
        self,
        key: AccessKey,
        sessions: Sessions,
        hosts: Hosts,
        *,
        loopback_without_key: bool,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = key
        self.sessions = sessions
        self.attempts = Attempts()
        self._hosts = hosts
        self._loopback_without_key = loopback_without_key
        self._monotonic_s = monotonic_s
        self._refreshed_s = monotonic_s()
        self._refresh: asyncio.Future[None] | None = None

    def check_host(self, request: web.Request) -> str:
        """The host name asked for; refused when it is not ours (a foreign name pointed at our address)."""
        given = request.headers.getall("Host", [])
        try:
            name, _ = split_host(given[0].lower()) if len(given) == 1 else ("", None)
        except ValueError:
            name = ""
        if not self._hosts.allows(name):
            raise Refused(Kind.HOST_UNKNOWN)
        return name

    def check_origin(self, request: web.Request) -> None:
        """Refuse what a foreign page sends."""
        if not changes_something(request):
            return
        origin = request.headers.get("Origin")
        if origin is None:
            foreign = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
        else:
            foreign = not self._hosts.allows_origin(origin, request.headers.get("Host", ""))
        if foreign:
            raise Refused(Kind.ORIGIN_FOREIGN)

    async def identify(self, request: web.Request, host: str) -> Principal:
        """Who sends the request. A wrong key is an error even where none would be needed."""
        offered, token = _offered_key(request), request.cookies.get(COOKIE)
        if offered is not None or token:
            await self._follow_key()
        if offered is not None:
            await self.check_key(request, offered)
            return _KEY
        if token and await self.sessions.is_valid(token, self.key.fingerprint):
            return Principal(PrincipalKind.SESSION, session=token_hash(token))
        if self._loopback_without_key and is_loopback(host) and is_loopback(peer_of(request)):
            return ANONYMOUS if is_forwarded(request) else _LOOPBACK
        return ANONYMOUS

    async def check_key(self, request: web.Request, offered: str) -> None:
        """Return when `offered` is the key; count it and refuse otherwise."""
        if not self.key.matches(offered):
            await asyncio.to_thread(self.key.refresh)  # it may be the new one, a moment old
        if self.key.matches(offered):
            return
        if self.attempts.fail(peer_of(request), self._monotonic_s()):
            raise Refused(Kind.TOO_MANY_WRONG_KEYS, retry_after_s=30)
        raise Refused(Kind.ACCESS_KEY_WRONG)

    async def _follow_key(self) -> None:
        """Take up a key that was replaced a second ago or more; a disk that hangs holds up one request.

        Called per request, not every second: most boxes are left alone all day.
        """
        now_s = self._monotonic_s()
        if now_s - self._refreshed_s < FOLLOW_KEY_S or (
            self._refresh is not None and not self._refresh.done()
        ):
            return
        self._refreshed_s = now_s
        self._refresh = asyncio.get_running_loop().run_in_executor(None, self.key.refresh)
        await asyncio.wait({self._refresh}, timeout=_REFRESH_PATIENCE_S)


def _offered_key(request: web.Request) -> str | None:
    """The key in `Authorization`: Bearer, or the password of Basic for players that know only that."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            try:
                return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
            except (binascii.Error, ValueError):
                return ""
        case _:
            return None
