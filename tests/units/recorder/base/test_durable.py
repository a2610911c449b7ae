"""Whole files are replaced at once or not at all."""

from pathlib import Path

import pytest

from recorder.base.durable import copy_durably, write_durably


def names_under(top: Path) -> list[str]:
    return sorted(path.relative_to(top).as_posix() for path in top.rglob("*"))


def test_a_write_replaces_the_whole_file_and_makes_its_directory(tmp_path: Path) -> None:
    """Nothing temporary stays behind."""
    path = tmp_path / "new/file"
    write_durably(path, b"a longer first content")
    write_durably(path, b"second")
    assert path.read_bytes() == b"second"
    assert names_under(tmp_path) == ["new", "new/file"]


def test_a_write_that_fails_leaves_the_old_content_and_no_rest(tmp_path: Path) -> None:
    """The rename cannot happen (a directory is in the way): what was there is there."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_durably(tmp_path / "taken", b"new")
    assert names_under(tmp_path) == ["taken"]


def test_a_copy_is_the_whole_file(tmp_path: Path) -> None:
    """Also one that is longer than a piece."""
    data = bytes(range(256)) * 5000
    (tmp_path / "source").write_bytes(data)
    copy_durably(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
