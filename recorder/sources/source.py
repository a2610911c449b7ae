"""The protocol of a source, which one capture thread opens, reads and closes.

Here: the protocol, and removing credentials from addresses and messages. Not here: choosing a source for a
URL (`open`), reconnecting (`background_stream`).
"""

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import unquote, urlsplit

from recorder.bitstream.access_unit import SourceUnit
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio

REDACTED = "***"
_ACCOUNT_FIELDS = "user|username|login|password|passwd|pass|pwd|token|key|secret|auth"
# Some recorders expect the account inside the path: /user=admin_password=tlJwpbo6_channel=1.sdp
_SECRET_IN_PATH = re.compile(rf"((?:^|[/_;&,-])(?:{_ACCOUNT_FIELDS})=)[^/_;&,?#]*", re.IGNORECASE)
_QUERY_VALUE = re.compile(r"=[^&;#]*")
# Replacing very short passwords would blank half of a sentence and reveal where they occur.
_MIN_SCRUBBED = 3


SourceItem = SourceUnit | SourceAudio | SoundTrouble
"""An item read from a source. Most sources have only pictures."""


class Source(Protocol):
    """One connection to a camera. Blocking, one thread. It is opened once; a reconnect creates a new one."""

    @property
    def description(self) -> str:
        """The address without credentials, safe to show."""
        ...

    @property
    def damaged(self) -> int:
        """Empty or unreadable packets since `open`."""
        ...

    def open(self) -> None:
        """Connect. Raises SourceLost if it fails now, SourceUnsupported if retrying cannot help."""
        ...

    def read(self) -> Sequence[SourceItem]:
        """The next items, possibly none; blocks for at most the read timeout.

        Raises SourceLost if the connection ended or went silent. Returns an empty list at once after
        `stop` is set.
        """
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...


def redact(address: str) -> str:
    """`address` without user, password and query values."""
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
    """`text` with `address` and its credentials redacted, for messages of libraries."""
    text = text.replace(address, redact(address))
    for secret in _secrets(address):
        text = text.replace(secret, REDACTED)
    return text


def _split_authority(rest: str) -> tuple[str, str, str]:
    # A password may contain an unescaped slash; the authority then ends at the first slash after the @.
    at = rest.rfind("@")
    slash = rest.find("/", at + 1 if at >= 0 and ":" in rest[:at] else 0)
    return (rest, "", "") if slash < 0 else (rest[:slash], "/", rest[slash + 1 :])


def _secrets(address: str) -> list[str]:
    """The credentials in `address`, longest first, so that replacing a part never splits a longer one."""
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
