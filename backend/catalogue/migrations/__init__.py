"""Alembic revisions of the catalogue, run by `backend.catalogue.schema` when the daemon starts."""
