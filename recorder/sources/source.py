"""What every source is: something opened, read and closed by one capture thread.

Here: the protocol and the one place where addresses lose their credentials. Not here: how a URL
becomes a source (`open`), when to try again (`background_stream`).
"""

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import unquote, urlsplit

from recorder.bitstream.access_unit import SourceUnit
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio

REDACTED = "***"
_ACCOUNT_FIELDS = "user|username|login|password|passwd|pass|pwd|token|key|secret|auth"
# Some recorders want the account inside the path: /user=admin_password=tlJwpbo6_channel=1.sdp
_SECRET_IN_PATH = re.compile(rf"((?:^|[/_;&,-])(?:{_ACCOUNT_FIELDS})=)[^/_;&,?#]*", re.IGNORECASE)
_QUERY_VALUE = re.compile(r"=[^&;#]*")
# Replacing very short passwords would blank half of a sentence and give away their place in it.
_MIN_SCRUBBED = 3


SourceItem = SourceUnit | SourceAudio | SoundTrouble
"""What a source may read. Most know only pictures."""


class Source(Protocol):
    """Blocking, and used by one thread only. A source is opened once; a reconnect makes a new one."""

    @property
    def description(self) -> str:
        """The address as it may be shown: never holds credentials."""
        ...

    @property
    def damaged(self) -> int:
        """Packets that were empty or could not be understood since `open`."""
        ...

    def open(self) -> None:
        """Connect. Raises SourceLost when it fails now, SourceUnsupported when it cannot succeed."""
        ...

    def read(self) -> Sequence[SourceItem]:
        """The next units, perhaps none; blocks for the read timeout at most.

        Raises SourceLost when the connection ended or went silent. Returns an empty list at once
        when told to stop.
        """
        ...

    def close(self) -> None:
        """Let go of everything; allowed at any time, also twice."""
        ...


def redact(address: str) -> str:
    """`address` without user, password, or the value of anything in its query."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        head, mark, query = address.partition("?")
        return head + mark + (query if head == "synthetic" else _QUERY_VALUE.sub(f"={REDACTED}", query))
    authority, slash, path = _split_authority(rest)
    if "@" in authority:
        authority = f"{REDACTED}@{authority.rpartition('@')[2]}"
    path, mark, query = path.partition("?")
    path = _SECRET_IN_PATH.sub(rf"\1{REDACTED}", path)
    return f"{scheme}://{authority}{slash}{path}{mark}{_QUERY_VALUE.sub(f'={REDACTED}', query)}"


def scrub(text: str, address: str) -> str:
    """`text` with `address` and the credentials in it blanked: for messages made by libraries."""
    text = text.replace(address, redact(address))
    for secret in _secrets(address):
        text = text.replace(secret, REDACTED)
    return text


def _split_authority(rest: str) -> tuple[str, str, str]:
    # A password may hold an unescaped slash; the authority then ends at the first slash behind the @.
    at = rest.rfind("@")
    slash = rest.find("/", at + 1 if at >= 0 and ":" in rest[:at] else 0)
    return (rest, "", "") if slash < 0 else (rest[:slash], "/", rest[slash + 1 :])


def _secrets(address: str) -> list[str]:
    """Longest first, so that no secret is left standing beside a part of it."""
    rest = address.partition("://")[2]
    authority, _, _ = _split_authority(rest)
    account, _, _ = authority.rpartition("@")
    password = account.partition(":")[2]
    found = {account, password, unquote(password)}
    try:
        query = urlsplit(address).query
    except ValueError:
        query = ""
    found |= {value for _, _, value in (pair.partition("=") for pair in re.split("[&;]", query))}
    found |= {match.group().partition("=")[2] for match in _SECRET_IN_PATH.finditer(address)}
    return sorted((secret for secret in found if len(secret) >= _MIN_SCRUBBED), key=len, reverse=True)
