"""Our one statement in a bucket's policy: anyone may read below public/. All others are an operator's. Pure.

Not here: requests (`s3_buckets`). A policy that we do not understand is never changed.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from backend.catalogue.values import PUBLIC_PREFIX
from backend.storage.s3_settings import S3Place

_SID = "HindsightPublicClips"
_VERSION = "2012-10-17"

Statement = dict[str, Any]


class PolicyNotUnderstood(Exception):
    """What the store calls the bucket's policy is none."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """The policy to be set. `text` None: it goes, because our statement was its only one."""

    text: str | None


def sid_of(place: S3Place) -> str:
    """The name by which a later start finds the statement again. Letters and digits: AWS takes no others.

    One for each prefix: recorders that share a bucket must not replace each other's statement.
    """
    return _SID + (hashlib.blake2b(place.prefix.encode(), digest_size=4).hexdigest() if place.prefix else "")


def public_statement(place: S3Place) -> Statement:
    """Anyone may read published clips, and list nothing."""
    return {
        "Sid": sid_of(place),
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{place.bucket}/{place.prefix}{PUBLIC_PREFIX}*"],
    }


def change_for(policy: str | None, place: S3Place, *, public: bool) -> PolicyChange | None:
    """What makes `policy` (None: there is none) hold our statement, or hold it no longer; None: it does.

    Raises PolicyNotUnderstood.
    """
    sid = sid_of(place)
    document = {"Version": _VERSION} if policy is None else _document(policy)
    before = _statements(document)
    others = [one for one in before if one.get("Sid") != sid]
    if public:
        ours = public_statement(place)
        # Earlier versions set the same statement without its name.
        others = [one for one in others if _normal({**one, "Sid": sid}) != ours or one.get("Sid")]
        if len(others) == len(before) - 1 and ours in map(_normal, before):
            return None
        return _with(document, [*others, ours])
    if len(others) == len(before):
        return None
    return _with(document, others) if others else PolicyChange(None)


def _with(document: dict[str, Any], statements: list[Statement]) -> PolicyChange:
    return PolicyChange(json.dumps(document | {"Statement": statements}))


def _document(policy: str) -> dict[str, Any]:
    try:
        document = json.loads(policy)
    except ValueError as error:
        raise PolicyNotUnderstood("it is not JSON") from error
    if not isinstance(document, dict):
        raise PolicyNotUnderstood("it is not an object")
    return document


def _statements(document: dict[str, Any]) -> list[Statement]:
    """A single statement may stand without its list."""
    found = document.get("Statement", [])
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        raise PolicyNotUnderstood("its Statement is not a list of objects")
    return statements


def _normal(statement: Statement) -> Statement:
    """The way we write it: stores answer one value for a list of one, and * for {"AWS": "*"}."""
    normal = dict(statement)
    if normal.get("Principal") == "*":
        normal["Principal"] = {"AWS": "*"}
    if isinstance(principal := normal.get("Principal"), dict):
        normal["Principal"] = {kind: _list(who) for kind, who in principal.items()}
    return normal | {name: _list(normal.get(name)) for name in ("Action", "Resource")}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
