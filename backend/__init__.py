"""The daemon: many recorders, one catalogue, one store, one HTTP API."""

from importlib import metadata

try:
    __version__ = metadata.version("hindsight-recorder")
except metadata.PackageNotFoundError:
    __version__ = "0+unknown"
