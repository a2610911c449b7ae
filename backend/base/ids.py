"""Identities: ids of rows, which order by the time they were made, and the id of this recorder.

Not here: tokens and keys (they are secrets; ids are not).
"""

import os
import re
import secrets
from pathlib import Path

import uuid_utils

from recorder.base.durable import sync_directory

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class RecorderIdDamaged(Exception):
    """The file that names this recorder holds something else. The operator restores it."""


def new_id() -> str:
    """A UUIDv7 in canonical lower-case text; ids made one after the other by one process ascend."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Whether `text` is an id in the one form we write: so never a path, a wildcard or another spelling."""
    return _ID.fullmatch(text) is not None


def recorder_id(data_dir: Path) -> str:
    """The id of the recorder whose data lives in `data_dir`; made, durably, the first time. Blocking.

    Rows and files in a shared catalogue are told apart by it, so losing it orphans them: a damaged
    file raises RecorderIdDamaged instead of being replaced.
    """
    path = data_dir / "recorder_id"
    try:
        return _read(path)
    except FileNotFoundError:
        _make(path)
        return _read(path)


def _read(path: Path) -> str:
    text = path.read_text("utf-8", errors="replace").strip()
    if not is_id(text):
        raise RecorderIdDamaged(
            f"{path} does not hold a recorder's id. Restore it from a backup; if there is none and this "
            "is the only recorder on its database, copy the id from the column clips.recorder_id."
        )
    return text


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, f"{new_id()}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # link and not rename: of two that start at once, the first one's id stands.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    sync_directory(path.parent)
