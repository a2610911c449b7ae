"""The access key: one file, private, followed while it changes."""

from pathlib import Path

import pytest

from backend.access.access_key import AccessKey


def test_the_key_is_made_once_kept_and_private(tmp_path: Path) -> None:
    """0600 from the first byte, and put right when somebody opened it."""
    assert AccessKey(tmp_path).load() is True
    key = AccessKey(tmp_path)
    key.path.chmod(0o644)
    assert key.load() is False
    assert key.path.stat().st_mode & 0o777 == 0o600
    assert key.matches(key.value)
    assert not key.matches("")
    assert not key.matches(key.value + "x")
    assert not key.matches("\udcff")
    assert [p.name for p in tmp_path.iterdir()] == ["access_key"]


def test_an_empty_key_file_lets_nobody_in(tmp_path: Path) -> None:
    """An empty key would match an empty password."""
    (tmp_path / "access_key").write_text("\n")
    key = AccessKey(tmp_path)
    with pytest.raises(OSError, match="key new"):
        key.load()
    assert not key.matches("")


def test_a_key_file_that_vanishes_or_breaks_leaves_the_running_key(tmp_path: Path) -> None:
    """A slip on the disk neither locks everybody out nor opens the door."""
    key = AccessKey(tmp_path)
    key.load()
    value = key.value
    key.path.write_text("short")
    key.refresh()
    assert key.value == value
    key.path.unlink()
    key.refresh()
    assert key.value == value
