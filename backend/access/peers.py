"""What the network tells about a request: its peer, the host it asked for, the page it came from.

Pure functions over headers and addresses; no names are looked up.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web

from backend.access.proxies import PREFIX_HEADERS, parse_address

_FORWARDING_HEADERS = (
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "Via",
    *PREFIX_HEADERS,
)
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def own_names(hostname: str | None = None) -> frozenset[str]:
    """The names this box is known by without asking anybody: HOST, HOST.local, localhost."""
    name = (hostname or socket.gethostname()).lower().rstrip(".")
    short = name.partition(".")[0]
    return frozenset(
        {"localhost", name, short, f"{short}.local", f"{short}.lan", f"{short}.home.arpa"} - {""}
    )


def split_host(header: str) -> tuple[str, int | None]:
    """`Host` as lower-case name (IPv6 without brackets) and port. Raises ValueError."""
    # A zone (fe80::1%eth0) is known to one machine only; browsers send none, and after % any name may follow.
    if not header or any(c in header for c in "/@?# \\%") or not header.isascii():
        raise ValueError("not a host")
    parts = urlsplit(f"//{header}")
    if not parts.hostname:
        raise ValueError("not a host")
    return parts.hostname.rstrip("."), parts.port


def is_ip_literal(name: str) -> bool:
    """Whether `name` is an address: nobody can point one of those at us by DNS."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def is_loopback(name: str) -> bool:
    """Whether an address or host name is this machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = parse_address(name)
    return address is not None and address.is_loopback


class Hosts:
    """Which hosts may be asked for: IP literals, our own names and the configured ones."""

    def __init__(self, configured: Iterable[str], own: frozenset[str] | None = None) -> None:
        self._configured = frozenset(split_host(entry.lower()) for entry in configured)
        self._names = (own_names() if own is None else own) | {name for name, _ in self._configured}

    def allows(self, name: str) -> bool:
        """Whether a request for `name` is meant for us."""
        return is_ip_literal(name) or name in self._names or name.endswith(".localhost")

    def allows_origin(self, origin: str, host_header: str) -> bool:
        """Whether a page of `origin` may change something here: it is ours, or the configured proxy's."""
        try:
            parts = urlsplit(origin.lower())
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
            name = (parts.hostname or "").rstrip(".")
            asked_name, asked_port = split_host(host_header.lower())
        except ValueError:
            return False
        if not name or port is None:
            return False
        if (name, asked_port or _DEFAULT_PORTS[parts.scheme]) == (asked_name, port):
            return self.allows(name)
        return (name, port) in self._configured or (
            port == _DEFAULT_PORTS[parts.scheme] and (name, None) in self._configured
        )


def changes_something(request: web.Request) -> bool:
    """Whether the request could do harm when a foreign page sends it: a write, or a WebSocket."""
    # A request may have several `Connection` headers; what upgrades in the end also names a protocol.
    return request.method in _UNSAFE_METHODS or "Upgrade" in request.headers


def is_foreign_fetch(request: web.Request) -> bool:
    """Whether a browser says that a page of another origin makes this request."""
    return request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}


def is_forwarded(request: web.Request) -> bool:
    """Whether a proxy stands between us and the person."""
    return any(header in request.headers for header in _FORWARDING_HEADERS)


def page_scheme(request: web.Request) -> str:
    """`https` where the page is, or may be, a secure one; else `http`.

    A client that forges these headers only misses addresses that its own browser would have refused.
    """
    schemes = [*request.headers.getall("X-Forwarded-Proto", []), *request.headers.getall("Forwarded", [])]
    names = ("Origin", "Referer")
    schemes += [value.partition(":")[0] for name in names for value in request.headers.getall(name, [])]
    return "https" if request.secure or any("https" in value.lower() for value in schemes) else "http"


def is_trustworthy(request: web.Request) -> bool:
    """Whether browsers take the page for a secure context: over TLS, or from this very machine."""
    try:
        name, _ = split_host(request.headers.get("Host", ""))
    except ValueError:
        name = ""
    return page_scheme(request) == "https" or is_loopback(name)


def peer_of(request: web.Request) -> str:
    """The address at the other end of the connection; empty when there is none, as on a Unix socket."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if isinstance(peer, tuple) else ""
