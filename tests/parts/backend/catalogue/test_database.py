"""What only SQLite needs: several processes that open a new file at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from backend.catalogue.database import _sqlite_engine

ROUNDS = 40
TOGETHER = 4


def test_none_of_several_that_open_a_new_file_together_is_refused(tmp_path: Path) -> None:
    """SQLite has no patience of its own with the switch to a write-ahead log: one in eleven was refused."""
    at_once = threading.Barrier(TOGETHER)

    def mode(engine: sa.Engine) -> str:
        at_once.wait(timeout=30)
        with engine.connect() as connection:
            return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())

    with ThreadPoolExecutor(TOGETHER) as threads:
        for number in range(ROUNDS):
            url = sa.make_url(f"sqlite:///{tmp_path}/{number}.db")
            engines = [_sqlite_engine(url, 1, read_only=False) for _ in range(TOGETHER)]
            assert set(threads.map(mode, engines)) == {"wal"}
            for engine in engines:
                engine.dispose()
