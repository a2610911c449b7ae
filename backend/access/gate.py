"""The gate in front of every request: is it meant for us, does it come from our page, who sends it.

Sets PRINCIPAL on the request; what the principal may do is decided per route (`authorise`). A network
position proves nothing: a proxy, a tunnel or another user of this machine has the same one.
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web

from backend.access.access_key import AccessKey
from backend.access.attempts import Attempts
from backend.access.cookies import COOKIE, Cookie, name_to_take, offered
from backend.access.local_peers import LocalOwners, local_peer
from backend.access.peers import (
    Hosts,
    changes_something,
    is_foreign_fetch,
    is_forwarded,
    is_loopback,
    is_trustworthy,
    page_scheme,
    peer_of,
    split_host,
)
from backend.access.principals import ANONYMOUS, Principal, PrincipalKind
from backend.access.proxies import PREFIX_HEADERS, Proxies
from backend.access.sessions import Sessions
from backend.access.setup_codes import Invitation, SetupCodes
from backend.access.streams import OpenStreams
from backend.catalogue.values import Session
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

FOLLOW_KEY_S = 1.0
"""How old a look at the key's file may be when a request is judged by it."""
SWEEP_S = 1.0
"""How often open streams are held against their sessions."""
_REFRESH_PATIENCE_S = 0.5

_LOCAL = Principal(PrincipalKind.LOCAL)
_LOOPBACK = Principal(PrincipalKind.LOOPBACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """What the configuration says about callers without a key or session."""

    proxies: Proxies = field(default_factory=Proxies)
    local_owners: LocalOwners = field(default_factory=LocalOwners)
    loopback_without_key: bool = False
    open_status: Literal["loopback", "none"] = "loopback"
    base_path: str = ""
    """Below which path people reach the daemon, where no proxy names another one."""
    external_url: str | None = None


@dataclass(frozen=True, slots=True)
class SentSession:
    """A living session, and the cookie by which a request has it."""

    cookie: Cookie
    session: Session


class Access:
    """Knows the key, the sessions, the setup codes and the hosts of this daemon."""

    def __init__(
        self,
        key: AccessKey,
        sessions: Sessions,
        hosts: Hosts,
        rules: AccessRules = AccessRules(),
        *,
        streams: OpenStreams | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = key
        self.sessions = sessions
        self.codes = SetupCodes()
        self.streams = OpenStreams() if streams is None else streams
        self.attempts = Attempts()
        self.rules = rules
        self._hosts = hosts
        self._monotonic_s = monotonic_s
        self._refreshed_s = monotonic_s()
        self._refresh: asyncio.Future[None] | None = None

    def check_host(self, request: web.Request) -> str:
        """The host name asked for; refused when it is not ours (a foreign name pointed at our address)."""
        if local_peer(request) is not None:
            return ""  # no name leads to a Unix socket
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
        origins = request.headers.getall("Origin", [])
        if not origins:
            foreign = is_foreign_fetch(request)
        else:
            host = request.headers.get("Host", "")
            foreign = not all(self._hosts.allows_origin(origin, host) for origin in origins)
        if foreign:
            raise Refused(Kind.ORIGIN_FOREIGN)

    async def identify(self, request: web.Request, host: str) -> Principal:
        """Who sends the request. A wrong key is an error even where none would be needed."""
        key = _offered_key(request)
        if key is not None or any(COOKIE in header for header in _cookie_headers(request)):
            await self._follow_key()
        if key is not None:
            await self.check_key(request, key)
            return Principal(PrincipalKind.KEY, credential=self.key.fingerprint)
        if sessions := await self.sessions_of(request):
            session = sessions[0].session
            return Principal(
                PrincipalKind.SESSION,
                session=session.token_hash,
                credential=self.key.fingerprint,
                device=session.visitor,
            )
        peer = local_peer(request)
        if peer is not None:
            return _LOCAL if self.rules.local_owners.include(peer) else ANONYMOUS
        if self.rules.loopback_without_key and self._is_from_loopback(request, host):
            return _LOOPBACK
        return ANONYMOUS

    async def sessions_of(self, request: web.Request) -> list[SentSession]:
        """The living sessions whose cookies come with the request."""
        fingerprint, found = self.key.fingerprint, []
        for cookie in offered(_cookie_headers(request), fingerprint):
            if (session := await self.sessions.find(cookie.token, fingerprint)) is not None:
                found.append(SentSession(cookie, session))
        return found

    async def cookie_name(self, request: web.Request) -> str:
        """The name for the cookie of a new session, so that it replaces no other daemon's cookie."""
        cookies = offered(_cookie_headers(request), self.key.fingerprint)
        ours = [sent.cookie for sent in await self.sessions_of(request)]
        return name_to_take(cookies, ours, self.key.fingerprint)

    def base_path_of(self, request: web.Request) -> str:
        """The path below which this client reaches us. Raises ValueError: a trusted proxy says nonsense."""
        prefixes = [request.headers.getall(name, []) for name in PREFIX_HEADERS]
        named = self.rules.proxies.base_path_of(peer_of(request), prefixes)
        return self.rules.base_path if named is None else named

    def page_scheme(self, request: web.Request) -> str:
        """`https` where the page is, or may be, a secure one; else `http`."""
        return "https" if self.is_external_https(request) else page_scheme(request)

    def is_trustworthy(self, request: web.Request) -> bool:
        """Whether browsers take the page for a secure context: over TLS, or from this very machine."""
        return self.is_external_https(request) or is_trustworthy(request)

    def is_external_https(self, request: web.Request) -> bool:
        """Whether the request came by `server.external_url`, and that is encrypted."""
        url = urlsplit(self.rules.external_url or "")
        host = request.headers.get("Host", "").lower()
        return url.scheme == "https" and host in {url.netloc, f"{url.netloc}:443"}

    def may_read_status(self, request: web.Request) -> bool:
        """Whether a caller without authority may read the two status endpoints: programs on this machine."""
        if self.rules.open_status != "loopback" or local_peer(request) is not None:
            return False
        host, _ = split_host(request.headers["Host"].lower())
        return self._is_from_loopback(request, host) and not is_foreign_fetch(request)

    def client_of(self, request: web.Request) -> str:
        """The client's address, behind trusted proxies too; empty on a Unix socket."""
        return self.rules.proxies.client_of(peer_of(request), request.headers.getall("X-Forwarded-For", []))

    async def check_key(self, request: web.Request, offered: str) -> None:
        """Return when `offered` is the key; count it and refuse otherwise."""
        if not self.key.matches(offered):
            await asyncio.to_thread(self.key.refresh)  # it may be the new one, a moment old
        if self.key.matches(offered):
            return
        self._count_failure(request, "wrong access key")
        raise Refused(Kind.ACCESS_KEY_WRONG)

    async def end_session(self, hashed: str) -> None:
        """Sign out the session with this hash of a token, its open streams included."""
        await self.sessions.end(hashed)
        self.streams.end_session(hashed)

    async def end_stale_streams(self) -> None:
        """End what is open of sessions that are over and of a key that was replaced; for a job.

        Sign-out ends its streams by itself. This finds what ended without a request: by time, by a new key,
        on another box of a shared catalogue.
        """
        if self.streams.is_empty:
            return
        await self._follow_key()
        fingerprint = self.key.fingerprint
        self.streams.end_where(lambda principal: principal.credential not in {"", fingerprint})
        for session in self.streams.sessions():
            if not await self.sessions.is_live(session, fingerprint):
                self.streams.end_session(session)

    def invite(self) -> tuple[Invitation, float]:
        """A new invitation, and for how many seconds it works."""
        now_s = self._monotonic_s()
        invitation = self.codes.make(now_s)
        return invitation, invitation.expires_s - now_s

    def is_invited(self, invitation_id: str) -> bool:
        """Whether that invitation still works."""
        return self.codes.is_open(invitation_id, self._monotonic_s())

    def redeem_code(self, request: web.Request, offered: str) -> None:
        """Return when `offered` is an open invitation, which is used up; count it and refuse otherwise."""
        if self.codes.redeem(offered, self._monotonic_s()):
            return
        self._count_failure(request, "wrong setup code")
        raise Refused(Kind.SETUP_CODE_WRONG)

    def _count_failure(self, request: web.Request, reason: str) -> None:
        if self.attempts.fail(self.client_of(request), self._monotonic_s(), reason):
            raise Refused(Kind.TOO_MANY_WRONG_KEYS, retry_after_s=30)

    def _is_from_loopback(self, request: web.Request, host: str) -> bool:
        return is_loopback(host) and is_loopback(peer_of(request)) and not is_forwarded(request)

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


def refuse_foreign_reads(request: web.Request, principal: Principal) -> None:
    """Refuse what a foreign page makes a browser read with an authority that the page does not have.

    It could not see the answer, but it could use up replays, live views and the camera's patience.
    """
    if principal.is_ambient and is_foreign_fetch(request):
        raise Refused(Kind.ORIGIN_FOREIGN)


def _cookie_headers(request: web.Request) -> list[str]:
    return request.headers.getall("Cookie", [])


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
