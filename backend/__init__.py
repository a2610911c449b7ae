"""The daemon: many recorders, one catalogue, one store, one HTTP API."""
