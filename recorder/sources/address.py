"""Takes the address of a network camera apart: where to connect, what to request, with which account. Pure.

Not here: showing an address (`recorder.base.redaction`), connecting (`connection`).
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from recorder.base.errors import SourceUnsupported
from recorder.base.redaction import shown
from recorder.sources.auth import Account

_PARTS = re.compile(
    r"([a-z]+)://(?:([^/?#]*)@)?(\[[0-9a-f:.]+(?:%[\w.-]+)?\]|[^\s/?#:@\[\]]+)(?::(\d*))?([/?#].*)?", re.I
)
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """Where one camera is. The target may hold a password as well, so it is hidden from `repr`."""

    scheme: str
    host: str
    """Without brackets."""
    port: int
    target: str = field(repr=False)
    """Path, query and fragment as they are written; empty if there are none."""
    account: Account | None = None

    @property
    def is_encrypted(self) -> bool:
        return self.scheme in ("rtsps", "https")

    @property
    def place(self) -> tuple[str, str, int]:
        """What must be equal for two addresses to lead to the same server."""
        return self.scheme, self.host.lower().rstrip("."), self.port

    @property
    def uri(self) -> str:
        """The address for a request: without the account, in ASCII."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{quote(self.target, safe=_PRINTABLE)}"


def camera_address(address: str) -> CameraAddress:
    """The parts of `address`. Raises SourceUnsupported with a cure that repeats nothing but the host."""
    found = _PARTS.fullmatch(address)
    scheme = "" if found is None else found[1].lower()
    if found is None or scheme not in _PORTS or not 0 < (port := int(found[4] or _PORTS[scheme])) < 65536:
        msg = (
            f"{shown(address)} is no address: it is written as a scheme such as rtsp:// and then "
            "user:password@host:port/path, and / ? # @ inside a password as %2F %3F %23 %40."
        )
        raise SourceUnsupported(msg)
    account = None
    if found[2] is not None:
        user, _, password = found[2].partition(":")
        account = Account(unquote(user), unquote(password))
    return CameraAddress(scheme, found[3].strip("[]"), port, found[5] or "", account)
