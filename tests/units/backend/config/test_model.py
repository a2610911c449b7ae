"""Configuration: every key, where values come from, and errors a person can act on."""

from pathlib import Path

import pytest

from backend.config.load import ConfigError, load
from backend.config.model import Config

ROOT = Path(__file__).resolve().parents[4]
CANARY = "canary-5f2b"


def _load(tmp_path: Path, text: str, **environ: str) -> Config:
    (tmp_path / "config.yaml").write_text(text)
    return load(None, environ, tmp_path)


def _complaint(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, **environ)
    return str(caught.value)


def test_without_any_configuration_the_synthetic_camera_stands_in(tmp_path: Path) -> None:
    """One command on a fresh box shows a picture."""
    config = load(None, {}, tmp_path)
    assert config.cameras == ()
    assert config.effective_cameras[0].id == "synthetic"
    assert config.data_dir == tmp_path / "data"


def test_quantities_are_read_as_people_write_them(tmp_path: Path) -> None:
    """Sizes and durations are parsed once, here."""
    text = """
    buffer: {max_bytes: 64MiB, total_bytes: 1GB}
    server: {session_lifetime: 2h}
    cameras: [{id: a, source: synthetic, open_timeout: 1500ms, buffer: {max_bytes: 1048576}}]
    """
    config = _load(tmp_path, text)
    assert (config.buffer.max_bytes, config.buffer.total_bytes) == (64 * 1024**2, 10**9)
    assert config.server.session_lifetime == 7200
    assert (config.cameras[0].open_timeout, config.cameras[0].buffer.max_bytes) == (1.5, 1024**2)


def test_two_cameras_with_one_id_are_refused(tmp_path: Path) -> None:
    """The id is the address."""
    assert "same id" in _complaint(tmp_path, "cameras: [{id: a, source: x}, {id: a, source: y}]")
