"""Builds Authorization headers: Basic (RFC 7617) and Digest (RFC 7616). Pure."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.request import parse_http_list


@dataclass(frozen=True, slots=True)
class Account:
    """The user name and password for a camera; hidden from `repr`."""

    user: str = field(repr=False)
    password: str = field(repr=False)


def authorization(
    challenges: Sequence[str], account: Account, method: str, target: str, nonce: str, count: int = 1
) -> str | None:
    """The Authorization header for the best of a camera's challenges; None if all are unsupported.

    Digest is preferred to Basic, which sends the password itself. `nonce` is the client nonce, unique for
    each request; `count` is how often the camera's nonce was used, this time included.
    """
    offered = [(scheme.lower(), rest) for scheme, _, rest in (c.strip().partition(" ") for c in challenges)]
    # A camera that offers several hashes sends a challenge for each, the one it prefers first.
    for scheme, rest in offered:
        fields = _fields(rest) if scheme == "digest" else {}
        if fields and (digest := _digest(fields, account, f"{method}:{target}", (nonce, count))) is not None:
            return digest
    if any(scheme == "basic" for scheme, _ in offered):
        return f"Basic {b64encode(f'{account.user}:{account.password}'.encode()).decode()}"
    return None


def is_stale(challenges: Sequence[str]) -> bool:
    """Whether the camera only wants a newer nonce: the password itself was right."""
    return any(_fields(c.strip().partition(" ")[2]).get("stale", "").lower() == "true" for c in challenges)


def _fields(challenge: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in parse_http_list(challenge))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _digest(fields: dict[str, str], account: Account, request: str, client: tuple[str, int]) -> str | None:
    algorithm = fields.get("algorithm", "MD5")
    digest = _hash(algorithm)
    if digest is None or "nonce" not in fields:
        return None
    nonce, count = client[0], f"{client[1]:08x}"
    realm, theirs = fields.get("realm", ""), fields["nonce"]
    secret = digest(f"{account.user}:{realm}:{account.password}")
    if algorithm.lower().endswith("-sess"):
        secret = digest(f"{secret}:{theirs}:{nonce}")
    parts = [f'username="{account.user}"', f'realm="{realm}"', f'nonce="{theirs}"']
    parts += [f'uri="{request.partition(":")[2]}"', f"algorithm={algorithm}"]
    if "auth" in [word.strip() for word in fields.get("qop", "").split(",")]:
        response = digest(f"{secret}:{theirs}:{count}:{nonce}:auth:{digest(request)}")
        parts += ["qop=auth", f"nc={count}", f'cnonce="{nonce}"']
    elif "qop" in fields:
        return None
    else:
        response = digest(f"{secret}:{theirs}:{digest(request)}")
    parts.append(f'response="{response}"')
    if "opaque" in fields:
        parts.append(f'opaque="{fields["opaque"]}"')
    return f"Digest {', '.join(parts)}"


def _hash(algorithm: str) -> Callable[[str], str] | None:
    match algorithm.lower().removesuffix("-sess"):
        case "md5":  # required by most cameras
            return lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        case "sha-256":
            return lambda text: hashlib.sha256(text.encode()).hexdigest()
        case _:
            return None
