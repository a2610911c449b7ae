"""What a store's ETag must be when it holds a file's content. Reads the file once; blocking.

S3 answers the MD5 of a small object and `md5(md5 of each part)-N` for one that came in parts; rclone
answers the MD5 of the whole. Not every ETag is a checksum (encrypted buckets): then it says nothing.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from recorder.base.own_files import open_own

PART_BYTES = 8 * 1024 * 1024
"""Fixed, so that the ETag of an object in parts can be told beforehand."""

_COULD_BE = re.compile(r"[0-9a-f]{32}(?:-[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Checksums:
    """One file's. MD5 is the store's choice, not ours: it guards against accidents, SHA-256 is kept too."""

    size_bytes: int
    md5: str
    composite: str
    sha256: str

    def verdict(self, etag: str) -> bool | None:
        """Whether an object with this ETag is this file; None: the ETag does not say."""
        if etag in {self.md5, self.composite}:
            return True
        return None if not _COULD_BE.fullmatch(etag) else False


def checksums_of(path: Path, part_bytes: int = PART_BYTES) -> Checksums:
    """Everything a store might answer for this file, in one pass and the memory of one part."""
    whole, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    parts: list[bytes] = []
    size_bytes = 0
    with open_own(path) as file:
        while piece := file.read(part_bytes):
            whole.update(piece)
            sha256.update(piece)
            parts.append(hashlib.md5(piece, usedforsecurity=False).digest())
            size_bytes += len(piece)
    together = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
    return Checksums(size_bytes, whole.hexdigest(), f"{together}-{len(parts)}", sha256.hexdigest())
