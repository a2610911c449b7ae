"""One suite per protocol, run against every real implementation."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend.catalogue import Catalogue
from tests.support.postgres import PostgresServer, running_postgres


class SteppedClock:
    """A wall clock that only moves when a test says so."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, 0, 0, 123456)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> datetime:
        self.time += timedelta(**by)
        return self.time


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """The name of a database that has the tables, to be copied."""
    name = postgres.fresh_database()

    async def migrate() -> None:
        catalogue = Catalogue(postgres.url(name))
        await catalogue.open()
        await catalogue.close()

    asyncio.run(migrate())
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/catalogue.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.fresh_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database for this test alone; on PostgreSQL the tables are there already."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/catalogue.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.fresh_database(request.getfixturevalue("migrated"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
async def catalogue(url: str, clock: SteppedClock) -> AsyncIterator[Catalogue]:
    opened = Catalogue(url, now=clock)
    await opened.open()
    yield opened
    await opened.close()
