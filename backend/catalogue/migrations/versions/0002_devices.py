"""Sessions name their device and address, and what their likes count by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("device", sa.String(length=100), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("visitor", sa.String(length=64), nullable=False, server_default=""))
    # The likes of those who are signed in were counted by their sessions.
    op.execute("UPDATE sessions SET visitor = token_hash")
