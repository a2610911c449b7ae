"""The cookie of a session, among those of others on the same host. Pure.

Browsers keep cookies by host, name and path, and not by port. Below a path, ours is valid for that path only.
Two daemons at the root of one host share its name, so one that finds the other's cookie there takes a name of
its own and leaves that one alone.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

COOKIE = "hindsight_session"
_MOST_TOKENS = 4
"""So many are looked up for one request: a longer path's, the root's, and a neighbour's or two."""
_LONGEST_CHARACTERS = 8192


@dataclass(frozen=True, slots=True)
class Cookie:
    """One that may be of this daemon."""

    name: str
    token: str


def own_name(fingerprint: str) -> str:
    """The name that is taken where a neighbour has `COOKIE`."""
    return f"{COOKIE}_{hashlib.sha256(b'cookie:' + fingerprint.encode()).hexdigest()[:8]}"


def offered(headers: Sequence[str], fingerprint: str) -> list[Cookie]:
    """Those that may be ours, of each name that of the longest path first. `headers`: every `Cookie`."""
    names = (own_name(fingerprint), COOKIE)
    found = {cookie: names.index(cookie.name) for cookie in _cookies(headers) if cookie.name in names}
    return sorted(found, key=found.__getitem__)[:_MOST_TOKENS]


def name_to_take(offered: Sequence[Cookie], ours: Sequence[Cookie], fingerprint: str) -> str:
    """The name for a new session's cookie. `ours`: those of `offered` that belong to our sessions."""
    is_free = not any(cookie.name == COOKIE for cookie in offered)
    is_ours = any(cookie.name == COOKIE for cookie in ours)
    return COOKIE if is_free or is_ours else own_name(fingerprint)


def _cookies(headers: Sequence[str]) -> Iterator[Cookie]:
    for part in "; ".join(headers)[:_LONGEST_CHARACTERS].split(";"):
        name, _, value = part.partition("=")
        yield Cookie(name.strip(), value.strip().strip('"'))
