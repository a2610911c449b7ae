"""The version that the program names."""

import runpy
from importlib import metadata
from pathlib import Path

import pytest

import backend


def test_a_folder_of_sources_without_an_installation_still_names_a_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copied onto a box, it runs and says that it does not know."""

    def is_missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", is_missing)
    assert runpy.run_path(str(Path(backend.__file__)))["__version__"] == "0+unknown"
