"""A store's ETag is told beforehand, and one that is no checksum decides nothing."""

import hashlib
from pathlib import Path

from backend.storage.checksums import checksums_of


def test_an_object_in_one_part_has_the_md5_of_the_whole(tmp_path: Path) -> None:
    """And its composite form is that of a single part."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    sums = checksums_of(path)
    assert sums.md5 == hashlib.md5(b"0123456789", usedforsecurity=False).hexdigest()
    assert sums.sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert sums.size_bytes == 10


def test_an_object_in_parts_has_the_md5_of_their_md5s(tmp_path: Path) -> None:
    """As S3 makes it; parts of another size make another one."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    parts = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in (b"0123", b"4567", b"89"))
    composite = f"{hashlib.md5(parts, usedforsecurity=False).hexdigest()}-3"
    sums = checksums_of(path, part_bytes=4)
    assert sums.composite == composite
    assert sums.verdict(composite) is True
    assert sums.verdict(checksums_of(path, part_bytes=5).composite) is False


def test_an_etag_that_is_no_checksum_decides_nothing(tmp_path: Path) -> None:
    """Encrypted buckets and some gateways make up their own: then the object is read back."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    sums = checksums_of(path)
    assert sums.verdict("") is None
    assert sums.verdict("opaque-etag-of-a-gateway") is None
    assert sums.verdict("0" * 32) is False


def test_an_empty_file_has_checksums_too(tmp_path: Path) -> None:
    """A part file can be cut down to nothing by a crash; the sum must not fail."""
    path = tmp_path / "file"
    path.touch()
    assert checksums_of(path).verdict("d41d8cd98f00b204e9800998ecf8427e") is True
