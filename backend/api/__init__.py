"""The HTTP API: one file per subject, each exposing `ROUTES`."""
