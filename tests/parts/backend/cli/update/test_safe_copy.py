"""What comes back after a failed update is what was there before it, to the row and to the byte."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.cli.update.safe_copy import SafeCopy


@pytest.fixture
def live(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A catalogue that another connection has open, with its rows in the write-ahead log only."""
    (tmp_path / "clips").mkdir()
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE clips (id TEXT)")
        connection.execute("INSERT INTO clips VALUES ('before')")
        yield connection


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [str(row[0]) for row in connection.execute("SELECT id FROM clips ORDER BY id")]


def copy_of(folder: Path) -> SafeCopy:
    return SafeCopy(folder, folder / "clips")


def test_rows_that_are_only_in_the_log_are_copied(tmp_path: Path, live: sqlite3.Connection) -> None:
    """After kill -9 the newest rows are there and nowhere else; copying the file would lose them."""
    copy = copy_of(tmp_path)
    copy.make()
    assert rows(copy.catalogue) == ["before"]
    assert live.execute("SELECT id FROM clips").fetchall() == [("before",)]


def test_the_catalogue_comes_back_without_what_the_newer_version_wrote(
    tmp_path: Path, live: sqlite3.Connection
) -> None:
    """The newer log must go with its file: SQLite would replay it into the old one."""
    (tmp_path / "catalogue.sqlite").chmod(0o640)
    copy = copy_of(tmp_path)
    copy.make()
    live.execute("CREATE TABLE newer (id TEXT)")
    live.execute("INSERT INTO clips VALUES ('after')")
    assert (tmp_path / "catalogue.sqlite-wal").exists()
    copy.put_back()
    assert not (tmp_path / "catalogue.sqlite-wal").exists()
    assert rows(tmp_path / "catalogue.sqlite") == ["before"]
    assert (tmp_path / "catalogue.sqlite").stat().st_mode & 0o777 == 0o640
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    assert names == ["clips"]


def test_a_catalogue_that_was_not_there_goes_again(tmp_path: Path) -> None:
    """A first start on trial leaves nothing behind that an older version would refuse."""
    copy = copy_of(tmp_path)
    copy.make()
    (tmp_path / "catalogue.sqlite").write_bytes(b"newer")
    (tmp_path / "catalogue.sqlite-wal").write_bytes(b"newer")
    copy.put_back()
    assert [path.name for path in tmp_path.iterdir()] == ["before-update"]


def test_a_copy_that_was_not_finished_is_never_put_back(tmp_path: Path, live: sqlite3.Connection) -> None:
    """An interruption before or while copying leaves the catalogue as it is."""
    (tmp_path / "before-update").mkdir()
    (tmp_path / "before-update/catalogue.sqlite").write_bytes(b"of an update last year")
    copy_of(tmp_path).put_back()
    assert live.execute("SELECT id FROM clips").fetchall() == [("before",)]


def test_a_recording_under_way_comes_back_after_the_newer_version_finished_it(
    tmp_path: Path, live: sqlite3.Connection
) -> None:
    """The old row says that it is under way, so it needs the part file, which finishing removes."""
    part = tmp_path / "clips/one/recording.part"
    part.parent.mkdir()
    part.write_bytes(b"frames")
    kept = tmp_path / "clips/two/recording.part"
    kept.parent.mkdir()
    kept.write_bytes(b"others")
    copy = copy_of(tmp_path)
    copy.make()
    part.unlink()
    part.parent.rmdir()
    copy.put_back()
    assert (part.read_bytes(), kept.read_bytes()) == (b"frames", b"others")
    copy.forget()
    assert kept.stat().st_nlink == 1
    assert copy.catalogue.exists()


def test_a_catalogue_elsewhere_is_left_alone(tmp_path: Path) -> None:
    """PostgreSQL: the operator has the backup; recordings under way are still kept."""
    (tmp_path / "clips/one").mkdir(parents=True)
    (tmp_path / "clips/one/recording.part").write_bytes(b"frames")
    copy = SafeCopy(tmp_path, tmp_path / "clips", has_catalogue=False)
    copy.make()
    (tmp_path / "clips/one/recording.part").unlink()
    (tmp_path / "catalogue.sqlite").write_bytes(b"of last year")
    copy.put_back()
    assert (tmp_path / "clips/one/recording.part").read_bytes() == b"frames"
    assert (tmp_path / "catalogue.sqlite").read_bytes() == b"of last year"
    assert not copy.catalogue.exists()
