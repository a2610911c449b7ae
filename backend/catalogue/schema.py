"""Brings the tables to the version this program knows, by Alembic from inside the program.

Runs in the first transaction of `Database.open`: all of it or nothing, and one process at a time.
"""

from pathlib import Path

import sqlalchemy as sa

from backend.catalogue.errors import SchemaTooNew

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num"))
# Any number will do as long as it is ours and stays: "hindsight" on a telephone's keys.
_PG_LOCK = 446_374_448


def upgrade(connection: sa.Connection) -> None:
    """Migrate to the newest revision. Raises SchemaTooNew when the database is ahead of us."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PG_LOCK)))
    if not _is_newest(connection):
        _migrate(connection)


def newest_revision() -> str:
    """Revisions are numbers, and their files are named by them."""
    return max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*_*.py"))


def _is_newest(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table(_VERSION.name) and connection.scalars(
        sa.select(_VERSION.c.version_num)
    ).all() == [newest_revision()]


def _migrate(connection: sa.Connection) -> None:
    # Most starts have nothing to migrate and are spared 0.2 s of loading this.
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_heads()
    if not set(current) <= known:
        raise SchemaTooNew(
            f"The database has schema {', '.join(current)}, made by a newer Hindsight; this one knows up to "
            f"{script.get_current_head()}. Start the newer version again, or restore the backup from before "
            "the upgrade."
        )
    if current != tuple(script.get_heads()):
        command.upgrade(config, "head")
