"""The connection to SQLite or PostgreSQL and the threads that use it.

SQLAlchemy runs synchronously in threads of our own; the event loop only awaits. SQLite has one
writer thread, whose transactions begin IMMEDIATE (a deferred one that reads and then writes fails at
once when another process wrote meanwhile), and a few readers on snapshots of their own. PostgreSQL
sorts writers out by row locks, so there the same two pools only bound how much runs at once.

A caller that is cancelled stops waiting; the transaction it began still ends, one way or the other.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from backend.catalogue.errors import BadText, CatalogueUnavailable
from recorder.base.threads import in_thread

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

_READERS = 3
_PG_WRITERS = 3
_BUSY_TIMEOUT_MS = 10_000
_LOG_TRIES = 10
_PG_READING = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}


class Database:
    """Two engines (reading, writing) and their threads. `open` before use, `close` after."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        if self._url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError("the database must be sqlite:///… or postgresql+psycopg://…")
        if self._url.drivername == "postgresql":
            self._url = self._url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._writer: sa.Engine | None = None
        self._reader: sa.Engine | None = None
        self._write_threads: ThreadPoolExecutor | None = None
        self._read_threads: ThreadPoolExecutor | None = None
        self._writes = 0

    @property
    def writes(self) -> int | None:
        """Grows after each transaction that may have written; None where other processes write, too.

        A daemon holds the lock of its `data_dir`, so nobody else writes to its SQLite file.
        """
        return self._writes if self.is_sqlite else None

    async def open(self, prepare: Work[None]) -> None:
        """Connect, and run `prepare` (the migrations) in a first transaction."""
        writers = 1 if self.is_sqlite else _PG_WRITERS
        self._write_threads = ThreadPoolExecutor(writers, thread_name_prefix="catalogue-write")
        self._read_threads = ThreadPoolExecutor(_READERS, thread_name_prefix="catalogue-read")
        try:
            await asyncio.to_thread(self._make_engines, writers)
            await self.write(prepare)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let what is under way end, then let go of every connection and thread. May be called twice."""
        for threads in (self._write_threads, self._read_threads):
            if threads is not None:
                await asyncio.to_thread(threads.shutdown, wait=True)
        for engine in (self._writer, self._reader):
            if engine is not None:
                # Closing the last connection checkpoints the WAL: disk work.
                await asyncio.to_thread(engine.dispose)
        self._writer = self._reader = self._write_threads = self._read_threads = None

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction, committed when it returns and rolled back when it raises."""
        return await self._run(self._write_threads, self._writer, work, self._in_counted_transaction)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one snapshot that cannot write."""
        return await self._run(self._read_threads, self._reader, work, _in_transaction)

    async def _run(
        self,
        threads: ThreadPoolExecutor | None,
        engine: sa.Engine | None,
        work: Work[T],
        run: Callable[[sa.Engine, Work[T]], T],
    ) -> T:
        if threads is None or engine is None:
            raise CatalogueUnavailable("The catalogue is closed.")
        return await in_thread(threads, partial(run, engine, work))

    def _in_counted_transaction(self, engine: sa.Engine, work: Work[T]) -> T:
        try:
            return _in_transaction(engine, work)
        finally:
            # Here and not in the waiting task, which may be cancelled while this goes on. Only SQLite's
            # count is used, and its writer is one thread.
            self._writes += 1

    def _make_engines(self, writers: int) -> None:
        if self.is_sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._engine(writers, read_only=False)
        self._reader = self._engine(_READERS, read_only=True)

    def _engine(self, size: int, *, read_only: bool) -> sa.Engine:
        if self.is_sqlite:
            return _sqlite_engine(self._url, size, read_only=read_only)
        try:
            import psycopg  # noqa: F401  its absence is an operator's matter, not a trace
        except ImportError as error:
            raise CatalogueUnavailable(
                "PostgreSQL needs its driver: pip install 'hindsight-recorder[postgres]'."
            ) from error
        # A dead server is noticed when a connection is taken from the pool, not in the middle of work.
        return sa.create_engine(
            self._url,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "options": "-c timezone=UTC -c lock_timeout=10s"},
            # By default each statement of a transaction would see a snapshot of its own.
            execution_options=_PG_READING if read_only else {},
        )


def _in_transaction(engine: sa.Engine, work: Work[T]) -> T:
    try:
        with engine.begin() as connection:
            return work(connection)
    except UnicodeEncodeError as error:
        raise BadText("The text holds half a character (a lone surrogate).") from error
    except DBAPIError as error:
        raise _foreseen(error) from error


def _foreseen(error: DBAPIError) -> Exception:
    """What a failing database becomes; a broken statement is our bug and passes as it is."""
    reason = str(error.orig).strip().split("\n")[0].rstrip(".")
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated:
        return CatalogueUnavailable(f"The database cannot do that now: {reason}.")
    if isinstance(error, sa.exc.DataError):
        return BadText(f"The database cannot keep that: {reason}.")
    return error


def _keep_a_log(cursor: sqlite3.Cursor) -> None:
    """Switch the file to a write-ahead log, also while another process does the same.

    SQLite does not wait its busy timeout for this one lock: of several that open a new file together some are
    refused at once (3.40: 83 of 900 connections). A refused one waits for its turn to write, which does
    honour the timeout, and then finds the log there.

    Raises:
        sqlite3.OperationalError: another process kept the file locked for the whole timeout.
    """
    for _ in range(_LOG_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("ROLLBACK")
    cursor.execute("PRAGMA journal_mode=WAL")


def _sqlite_engine(url: sa.URL, size: int, *, read_only: bool) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000},
    )
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # Python's sqlite3 would begin transactions of its own, and deferred ones.
        connection.isolation_level = None
        cursor = connection.cursor()
        _keep_a_log(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin_transaction(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
