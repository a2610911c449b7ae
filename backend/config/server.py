"""Where the daemon listens, whom it lets in, and where people find it: the section `server`.

No message made here repeats a value. Immutable; no I/O.
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from backend.base.base_path import checked_base_path
from backend.config.values import Seconds, Section, matching

_HOST = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
HostName = Annotated[
    str,
    matching(
        rf"(?=.{{1,260}}$){_HOST}",
        "must be a name such as cam.example.org, without http:// or a path",
    ),
]
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<host>(?=.{{1,260}}$){_HOST})", re.ASCII)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
SELF = "'self'"
"""As policies of browsers name the page's own origin."""


class TlsConfig(Section):
    """HTTPS by the daemon itself: PEM files."""

    certificate: Path
    key: Path


class ServerConfig(Section):
    """Where the daemon listens and whom it lets in."""

    host: str = "0.0.0.0"  # noqa: S104  a camera box is reached from other machines; the access key guards it
    port: int = Field(default=8080, ge=0, le=65535)
    allowed_hosts: tuple[HostName, ...] = ()
    base_path: str = ""
    external_url: str | None = None
    frame_ancestors: tuple[str, ...] = Field(default=(), max_length=20)
    tls: TlsConfig | None = None
    trusted_proxies: tuple[str, ...] = Field(default=(), max_length=100)
    open_status: Literal["loopback", "none"] = "loopback"
    loopback_without_key: bool = False
    session_lifetime: Seconds = Field(default=30 * 86400.0, ge=60, le=366 * 86400)
    session_longest: Seconds = Field(default=180 * 86400.0, ge=60, le=400 * 86400)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for index, network in enumerate(networks):
            try:
                ip_network(network, strict=False)
            except ValueError:
                raise ValueError(
                    f"number {index + 1} must be an address or a network such as 127.0.0.1 or 172.16.0.0/12"
                ) from None
        return networks

    @field_validator("base_path")
    @classmethod
    def _base_path(cls, path: str) -> str:
        return checked_base_path(path)

    @field_validator("external_url")
    @classmethod
    def _external_url(cls, url: str | None) -> str | None:
        if url is None or not url:
            return None
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        origin = _origin_of(f"{scheme}://{host}")
        if origin is None:
            raise ValueError("must be an address such as https://cam.example.org/hindsight")
        try:
            return origin + checked_base_path(slash + path)
        except ValueError as error:
            raise ValueError(f"the path in it {error}") from None

    @field_validator("frame_ancestors")
    @classmethod
    def _frame_ancestors(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        kept = []
        for index, text in enumerate(origins):
            origin = SELF if text in {"self", SELF} else _origin_of(text.removesuffix("/"))
            if origin is None:
                raise ValueError(
                    f"number {index + 1} must be an origin such as http://homeassistant.local:8123, or self"
                )
            kept.append(origin)
        return tuple(dict.fromkeys(kept))

    @model_validator(mode="after")
    def _one_path(self) -> Self:
        if self.base_path and self.external_url and urlsplit(self.external_url).path != self.base_path:
            raise ValueError("external_url must end with base_path; without base_path, its own path counts")
        return self

    @property
    def base(self) -> str:
        """The path below which people reach this daemon, where no proxy names another one."""
        return self.base_path or urlsplit(self.external_url or "").path

    @property
    def scheme(self) -> str:
        """`https` where the daemon itself speaks TLS."""
        return "http" if self.tls is None else "https"


def _origin_of(text: str) -> str | None:
    """As browsers write an origin: lower case, without the port that its scheme implies. None: it is none."""
    found = _ORIGIN.fullmatch(text)
    try:
        if found is None or urlsplit(text).port == 0:
            return None
    except ValueError:  # no such port, or no IPv6 address
        return None
    scheme, host = found["scheme"], found["host"].lower()
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS[scheme])}"
