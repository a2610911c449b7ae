"""The migrations make exactly the tables the program thinks it has."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from backend.catalogue import Catalogue, SchemaTooNew, schema
from backend.catalogue.model import metadata
from backend.catalogue.search import OWN_OBJECTS


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def ours(_object: Any, name: str | None, *_: Any) -> bool:
    return name is None or not name.startswith(OWN_OBJECTS)


async def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_model(empty_url: str) -> None:
    """Alembic's own comparison finds nothing to add, to drop or to change."""
    catalogue = Catalogue(empty_url)
    await catalogue.open()
    await catalogue.close()
    with connected(empty_url) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_revision_is_the_one_that_alembic_would_go_to() -> None:
    """What a start compares with, without loading Alembic."""
    script = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert script.get_heads() == [schema.newest_revision()]


async def test_opening_a_migrated_database_changes_nothing(empty_url: str) -> None:
    """A restart migrates nothing and keeps what is there."""
    for expected in (None, "kept"):
        catalogue = Catalogue(empty_url)
        await catalogue.open()
        assert await catalogue.note("probe") == expected
        await catalogue.set_notes({"probe": "kept"})
        await catalogue.close()


async def test_a_schema_from_the_future_is_refused_with_a_sentence(empty_url: str) -> None:
    """An older program would misread newer tables, so it says who made them and what to do."""
    catalogue = Catalogue(empty_url)
    await catalogue.open()
    await catalogue.close()
    with connected(empty_url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        SchemaTooNew, match=r"schema 9999, made by a newer Hindsight; this one knows up to \d+"
    ):
        await catalogue.open()
    with connected(empty_url) as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    empty_url: str,
) -> None:
    """A stranger's table stands in the way of the last statements: none of ours may remain."""
    with connected(empty_url) as connection:
        connection.execute(sa.text("CREATE TABLE sessions (stranger int)"))
    with pytest.raises(Exception, match="sessions"):
        await Catalogue(empty_url).open()
    with connected(empty_url) as connection:
        assert sa.inspect(connection).get_table_names() == ["sessions"]


def _as_the_first_version_left_it(url: str) -> None:
    with connected(url) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO sessions (token_hash, principal, created_at, last_used_at, expires_at) "
                "VALUES ('aa', 'key:f', '2026-01-01', '2026-01-01', '2126-01-01')"
            )
        )


async def test_a_session_of_an_earlier_version_stays_signed_in_with_its_likes(empty_url: str) -> None:
    """An update signs nobody out, and nobody likes twice who liked before it."""
    await asyncio.to_thread(_as_the_first_version_left_it, empty_url)
    catalogue = Catalogue(empty_url)
    await catalogue.open()
    try:
        found = await catalogue.find_session("aa")
        assert found is not None
        assert (found.visitor, found.device, found.address) == ("aa", "", "")
    finally:
        await catalogue.close()
