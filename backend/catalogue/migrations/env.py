"""Run by Alembic, on the connection (and inside the transaction) that `schema` hands over."""

from alembic import context

from backend.catalogue.model import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
