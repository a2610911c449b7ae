"""Brings the tables to the version this program knows, by Alembic from inside the program.

Runs in the first transaction of `Database.open`: all of it or nothing, and one process at a time.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from backend.catalogue.errors import SchemaTooNew

# Any number will do as long as it is ours and stays: "hindsight" on a telephone's keys.
_PG_LOCK = 446_374_448


def upgrade(connection: sa.Connection) -> None:
    """Migrate to the newest revision. Raises SchemaTooNew when the database is ahead of us."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PG_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
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
