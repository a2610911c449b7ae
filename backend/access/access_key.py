"""The access key: one secret in one file of `data_dir`, readable by its owner only.

A running daemon notices a new key by the file itself (`refresh`), so `hindsight key new` needs no
connection to it. Sessions are bound to the fingerprint of the key they were made with: a new key
ends them all. `load`, `replace` and `refresh` touch the disk and belong in a thread.
"""

import contextlib
import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path

from recorder.base.durable import sync_directory

_log = logging.getLogger(__name__)

FILE_NAME = "access_key"
_KEY_BYTES = 32
_LONGEST_KEY = 512


class AccessKey:
    """The key of one `data_dir`. `load` first."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._key = ""
        self._seen: tuple[int, int, int] | None = None

    @property
    def path(self) -> Path:
        """Where the key lies."""
        return self._path

    @property
    def value(self) -> str:
        """The key itself, for `key show` and for our own commands."""
        return self._key

    @property
    def fingerprint(self) -> str:
        """Tells keys apart without telling the key."""
        return hashlib.sha256(b"fingerprint:" + self._key.encode()).hexdigest()[:32]

    def load(self, *, create: bool = True) -> bool:
        """Read the key, making one when there is none; True when it was made now. Raises OSError."""
        made = create and not self._path.exists()
        if made:
            self.replace()
        self._read()
        return made

    def replace(self) -> None:
        """Write a new key durably in place of the old one; every session ends with the old key."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{FILE_NAME}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        sync_directory(self._path.parent)
        self._read()

    def matches(self, offered: str) -> bool:
        """Whether `offered` is the key, in constant time."""
        return bool(self._key) and hmac.compare_digest(_digest(offered), _digest(self._key))

    def refresh(self) -> None:
        """Take up a key that was replaced under us; a file that vanished leaves the key as it is."""
        with contextlib.suppress(OSError):
            if self._identity() != self._seen:
                self._read()

    def _read(self) -> None:
        status = self._path.stat()
        if status.st_mode & 0o077:
            _log.warning("%s was readable by others; its permissions are 0600 again", self._path)
            self._path.chmod(0o600)
        self._seen = self._identity()
        with self._path.open() as file:
            key = file.read(_LONGEST_KEY).strip()
        if len(key) < 16:
            raise OSError(f"{self._path} holds no usable key; `hindsight key new` makes one")
        self._key = key

    def _identity(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
