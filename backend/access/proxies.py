"""Which client a request comes from: the peer, or what a trusted proxy says about it.

Pure functions over addresses and headers. Only `X-Forwarded-For` says who the client is: nginx, Caddy,
HAProxy and Traefik append to it, while a client's own `Forwarded` passes through most of them untouched.
`X-Ingress-Path` (Home Assistant) or `X-Forwarded-Prefix` says below which path the client sees us: one that a
client makes up, and a proxy lets through, changes that client's own answers only, which nothing caches.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from backend.base.base_path import checked_base_path

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
PREFIX_HEADERS = ("X-Ingress-Path", "X-Forwarded-Prefix")


class Proxies:
    """The networks of `server.trusted_proxies`."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Raises ValueError for what is no network, such as `10.0.0.0/8` or `127.0.0.1`."""
        self._networks: tuple[_Network, ...] = tuple(
            ipaddress.ip_network(network, strict=False) for network in networks
        )

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of the proxies."""
        parsed = parse_address(address)
        return parsed is not None and any(
            parsed.version == network.version and parsed in network for network in self._networks
        )

    def base_path_of(self, peer: str, prefixes: Sequence[Sequence[str]]) -> str | None:
        """The path that a trusted proxy took off the request's; None: it says nothing. Raises ValueError.

        `prefixes`: the values of each of `PREFIX_HEADERS`; the first that is sent counts.
        """
        sent = next(filter(None, prefixes), None)
        if sent is None or not self.trusts(peer):
            return None
        if len(sent) > 1:
            raise ValueError("must be sent once")
        return checked_base_path(sent[0])

    def client_of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """The client's address: the last hop that is not a trusted proxy. `peer` unless that one is trusted.

        `forwarded_for`: every `X-Forwarded-For` header of the request, in order. What a client wrote into it
        stands left of what the proxies append, and is not reached.
        """
        if not self.trusts(peer):
            return peer
        hops = [hop.strip() for header in forwarded_for for hop in header.split(",")]
        client = peer
        for hop in reversed(hops):
            parsed = parse_address(_without_port(hop))
            if parsed is None:
                break
            client = str(parsed)
            if not self.trusts(client):
                break
        return client


def parse_address(text: str) -> _Address | None:
    """The address, IPv4 out of its IPv6 form and without a zone; None for anything else."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def network_of(address: str) -> str:
    """Who is counted as one: an IPv4 address, an IPv6 /64, which one machine has to itself."""
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def _without_port(hop: str) -> str:
    """Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
