"""Makes text safe to leave the process: the one place that hides credentials and escapes control characters.

Of a camera's address only scheme and host are shown; the rest is `***`, because every camera has a place of
its own for the password: user information, path, query, fragment. `redact` finds addresses inside a text by
their shape, `shown` takes a whole address, `scrub` also hides the parts of an address that is known. Pure.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

HIDDEN = "***"
MOST_SAID = 500
"""Characters of an error text: what a camera or a client puts into it has no bound of its own."""

_ADDRESS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,30})://([^\s\"'<>]*)")
_ONE_SLASH = re.compile(r"\b(rtsps?|rtmps?|https?|ftp):/(?!/)[^\s\"'<>]+", re.IGNORECASE)
_WHOLE = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)", re.DOTALL)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|\w[\w.-]*)(?::\d{0,5})?")
_IP = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?")
_DOMAIN = re.compile(r"\w[\w-]*(?:\.[\w-]+)*\.[A-Za-z]{2,}(?::\d{1,5})?")
_DELIMITER = re.compile(r"[/?#\\\s]")
_SENTENCE_END = ".,;:!)"
_LOCAL = frozenset({"file", "sqlite"})
"""Schemes of files on this machine, whose paths an operator needs to see."""
_DATABASES = frozenset({"postgresql"})
"""Schemes whose path is the name of a database."""
_SCHEMES = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "ftp", "udp", "tcp", "rtp", "srt"})
_NOT_REMOTE = re.compile(r"\d{1,3}|/dev/[^?#@]*|file:.*|synthetic(?:\?[\w=&.-]*)?", re.DOTALL)

# Lengths are bounded, here and above, because strangers write some of these texts: no search is quadratic.
_HIDDEN_NAME = r"[\w.-]{0,40}(?:pas|pwd|token|key|secret|auth|signature|credential)[\w.-]{0,40}"
_SECRET_NAME = rf"(?:[\w.-]{{0,40}}(?:user|usr|login)[\w.-]{{0,40}}|{_HIDDEN_NAME})"
_SECRET_VALUE = re.compile(
    rf"((?:^|[?&#;/,_])(?:{_SECRET_NAME})=)(?!\*{{3}}[,.;:]?(?:\s|$))[^&\s\"'<>#]+", re.IGNORECASE
)
"""What is hidden already stays as it is, with the comma of the sentence after it."""
# Only looked for, not consumed: in `/user=a_password=b_channel=1` one field stands inside another's value.
_PASSWORD = re.compile(rf"(?:^|[?&#;/,_])(?={_HIDDEN_NAME}=)[\w.-]*=(?=([^&;/?#\s]+))", re.IGNORECASE)
_BEARER = re.compile(r"(bearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"(authorization:\s*(?:basic|digest)\s+)[^\r\n]+", re.IGNORECASE)
_SHORTEST_SCRUBBED = 3
"""Shorter secrets would blank out half of a sentence and reveal where they occur."""
_SHORTEST_TOKEN = 12
"""A user without a password is a token if it is as long as this, and else a name that other texts contain."""

# C0, DEL, C1, the line separators of Unicode, what changes the direction of writing, halves of pairs.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_NAMES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def shown(address: str) -> str:
    """Scheme and host of a camera's whole `address`. What can hold no account is shown as it is."""
    if _NOT_REMOTE.fullmatch(address):
        return address
    whole = _WHOLE.fullmatch(address)
    if whole is None:
        scheme = address.partition(":")[0].lower()
        return f"{scheme}:{HIDDEN}" if scheme in _SCHEMES else HIDDEN
    return f"{whole[1]}://{_place(whole[2], whole[1])}"


def redact(text: str) -> str:
    """`text` with every address reduced to scheme and host, and without values that are named as secrets."""
    text = _ADDRESS.sub(_reduced, text)
    text = _ONE_SLASH.sub(lambda found: f"{found[1]}:{HIDDEN}{_sentence_end(found[0])}", text)
    text = _SECRET_VALUE.sub(rf"\1{HIDDEN}", text)
    text = _AUTHORIZATION.sub(rf"\1{HIDDEN}", text)
    return _BEARER.sub(rf"\1{HIDDEN}", text)


def scrub(text: str, address: str) -> str:
    """`text` with `address` and its credentials hidden, for messages of libraries."""
    text = text.replace(address, shown(address))
    account = _account(address.partition("://")[2])
    values = {pair.partition("=")[2] for pair in re.split(r"[&;?#]", address.partition("?")[2])}
    for secret in longest_first(secrets_in(address) | values | {account}):
        text = text.replace(secret, HIDDEN)
    return redact(text)


def longest_first(secrets: Iterable[str], shortest: int = _SHORTEST_SCRUBBED) -> list[str]:
    """The secrets worth replacing, each longer one first, in every spelling a library may use."""
    spellings = {s for secret in secrets for s in (secret, quote(secret, safe=""), unquote(secret))}
    return sorted((s for s in spellings if len(s) >= shortest), key=len, reverse=True)


def secrets_in(address: str) -> set[str]:
    """The literals of `address` that must show nowhere: its account's password, values named as secrets."""
    if _NOT_REMOTE.fullmatch(address):
        return set()
    whole = _WHOLE.fullmatch(address)
    if whole is None:
        return {address}
    account = _account(whole[2])
    _, colon, password = account.partition(":")
    found = {password} if colon else {account} if len(account) >= _SHORTEST_TOKEN else set()
    for match in _PASSWORD.finditer(whole[2]):
        # Some cameras end a value of their path with an underscore, and passwords may contain one.
        found |= {match[1], match[1].partition("_")[0]}
    return {secret for secret in found if secret}


def one_line(text: str, most: int = MOST_SAID) -> str:
    """`text` with control characters escaped, as one line of at most some `most` characters."""
    cut = len(text) - most
    if cut > 0:
        text = text[:most]
    text = _CONTROL.sub(_escaped, text)
    return f"{text}… ({cut} more)" if cut > 0 else text


def _reduced(found: "re.Match[str]") -> str:
    scheme, rest = found[1], found[2]
    tail = _sentence_end(rest)
    if rest == tail or _family(scheme) in _LOCAL:
        return found[0]
    return f"{scheme}://{_place(rest.removesuffix(tail), scheme)}{tail}"


def _sentence_end(text: str) -> str:
    return text[len(text.rstrip(_SENTENCE_END)) :]


def _family(scheme: str) -> str:
    return scheme.lower().partition("+")[0]


def _place(rest: str, scheme: str) -> str:
    """The host of `rest`, an address behind its `://`, with `***` for whatever stands around it."""
    delimiter = _DELIMITER.search(rest)
    authority = rest if delimiter is None else rest[: delimiter.start()]
    tail = rest[len(authority) :]
    if "@" in tail and not re.fullmatch(r"\w[\w.-]*", authority):
        host = _host_of_ambiguous(authority, tail)
        return HIDDEN if host is None else f"{HIDDEN}@{host}/{HIDDEN}"
    account, at, host = authority.rpartition("@")
    if not _HOST.fullmatch(host):
        return HIDDEN
    if _family(scheme) in _DATABASES:
        path, mark, _ = tail.partition("?")
        tail = f"{path}{mark}{HIDDEN if mark else ''}"
    elif tail not in ("", "/"):
        tail = f"/{HIDDEN}"
    return f"{HIDDEN if account else ''}{at}{host}{tail}"


def _host_of_ambiguous(authority: str, tail: str) -> str | None:
    """The host if an @ follows a delimiter: `user:pa/ss@host` or `host:1/x@y`. None if it may be either."""
    first, last = authority.rpartition("@")[2], _DELIMITER.split(tail.rpartition("@")[2])[0]
    for candidate in (first, last):
        if _IP.fullmatch(candidate):
            return candidate
    # Only a port that is no number proves that the password goes on behind the delimiter.
    return last if not _HOST.fullmatch(authority) and _DOMAIN.fullmatch(last) else None


def _account(rest: str) -> str:
    """The longest that can be the account in `rest`, an address behind its `://`; empty if there is none."""
    account = rest.rpartition("@")[0]
    delimiter = _DELIMITER.search(account)
    if delimiter is None or ":" in account[: delimiter.start()]:
        return account  # a password may contain an unescaped delimiter
    return account[: delimiter.start()].rpartition("@")[0]


def _escaped(found: "re.Match[str]") -> str:
    character = found[0]
    code = ord(character)
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
