"""A throw-away PostgreSQL cluster, made in a temporary directory, reached by a socket in it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.support.components import require

_START_DEADLINE_S = 30.0


@dataclass
class PostgresServer:
    """A running cluster in which everybody on this machine who can reach the socket is its owner."""

    directory: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://hindsight@/{database}?host={self.directory}"

    def fresh_database(self, template: str = "template1") -> str:
        """Make a database nobody has used; returns its name."""
        name = f"t{next(self._numbers)}"
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        with self._connect() as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.directory), user="hindsight", dbname="postgres", autocommit=True)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Skips when PostgreSQL is not installed."""
    initdb = require("PostgreSQL", "apt-get install postgresql", _newest_initdb())
    # Not below pytest's own temporary directory: a socket's path may have 107 bytes only.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        user = _somebody_else()
        if user is not None:
            os.chown(directory, *user)
        data = directory / "data"
        _run(user, str(initdb), "-D", str(data), "-U", "hindsight", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        with _process(user, initdb.with_name("postgres"), data) as process:
            server = PostgresServer(directory)
            _wait_until_it_answers(server, process)
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _process(user: tuple[int, int] | None, program: Path, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(data.parent),
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "40",
        "shared_buffers": "16MB",
    }
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (data.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(program), "-D", str(data), *arguments], stdout=log, stderr=log, **_as(user)
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)  # "fast": ends sessions, then itself
            process.wait(30)


def _wait_until_it_answers(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_DEADLINE_S
    while True:
        try:
            server._connect().close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((server.directory / "log").read_text(errors="replace")) from None
            time.sleep(0.02)


def _newest_initdb() -> Path | None:
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    on_path = shutil.which("initdb")
    return newest or (Path(on_path) if on_path else None)


def _somebody_else() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root; then it runs as Debian's own user for it, or as nobody."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return entry.pw_uid, entry.pw_gid


def _run(user: tuple[int, int] | None, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **_as(user))
    assert done.returncode == 0, done.stdout + done.stderr


def _as(user: tuple[int, int] | None) -> dict[str, Any]:
    if user is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": user[0], "group": user[1], "extra_groups": []}
