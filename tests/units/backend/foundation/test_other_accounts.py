"""A start closes what is ours to other accounts, whatever data_dir was before, and names what is not ours."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.base.ids import new_id
from backend.base.machine.file_modes import GROUP
from backend.config.model import CameraConfig, Config, StorageConfig
from backend.config.server import ServerConfig, TlsConfig
from backend.foundation import other_accounts
from backend.foundation.other_accounts import close, let_group_pass, openings

PASSWORD = "canary-77aa"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A data_dir as an older version left it, made by its owner with the usual umask."""
    data_dir = tmp_path / "data"
    for folder in ("clips/id", "runtime"):
        (data_dir / folder).mkdir(parents=True)
    for name in ("catalogue.sqlite", "catalogue.sqlite-wal", "clips/id/clip.mp4"):
        (data_dir / name).write_bytes(b"x")
        (data_dir / name).chmod(0o644)
    (tmp_path / "pictures").mkdir()
    for folder in ("", "clips", "clips/id", "runtime", "../pictures"):
        (data_dir / folder).chmod(0o755)
    camera = CameraConfig(id="front", source=SecretStr(f"rtsp://u:{PASSWORD}@camera/"))
    storage = StorageConfig(thumbnails_dir=tmp_path / "pictures")
    return Config(data_dir=data_dir, cameras=(camera,), storage=storage)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_what_is_ours_is_closed_once_and_nothing_else_is_touched(config: Config) -> None:
    """Below a closed folder nothing is looked at. What a crash left half written is no other's file."""
    (config.data_dir / "recorder_id.0a1b.tmp").touch()
    closed, left = close(openings(config, None))
    data_dir = config.data_dir
    assert left == []
    assert {one.path.name for one in closed} == {
        "data",
        "clips",
        "runtime",
        "catalogue.sqlite",
        "catalogue.sqlite-wal",
        "pictures",
    }
    assert {mode(one.path) for one in closed} == {0o700, 0o600}
    assert mode(data_dir / "clips/id") == 0o755
    assert openings(config, None) == []


def test_a_folder_that_holds_more_than_ours_stays_open_and_ours_in_it_are_closed(config: Config) -> None:
    """`data_dir: /srv`, of a daemon that runs as root: other programs would no longer reach their files."""
    data_dir = config.data_dir
    (data_dir / "holiday").mkdir(mode=0o755)
    _, left = close(openings(config, None))
    assert left == []
    assert [mode(data_dir / name) for name in ("", "holiday", "clips")] == [0o755, 0o755, 0o700]


def test_a_folder_of_pictures_with_its_own_name_in_data_dir_is_ours(config: Config) -> None:
    """It is closed, and no reason to take data_dir for a shared folder."""
    storage = StorageConfig(thumbnails_dir=config.data_dir / "pictures/small")
    config = config.model_copy(update={"storage": storage})
    config.thumbnails_dir.mkdir(parents=True)
    config.thumbnails_dir.chmod(0o755)
    close(openings(config, None))
    assert (mode(config.data_dir), mode(config.thumbnails_dir)) == (0o700, 0o700)


@pytest.mark.parametrize("sign", ["another's file", "sticky"])
def test_a_shared_folder_of_pictures_is_told(config: Config, sign: str) -> None:
    """To close /tmp would break the whole machine; the pictures in it are what the operator hears of."""
    pictures = config.thumbnails_dir
    (pictures / new_id()).mkdir()
    if sign == "sticky":
        pictures.chmod(0o1777)
    else:
        (pictures / "holiday.jpg").touch()
    before = mode(pictures)
    _, left = close(openings(config, None))
    assert ([one.path for one in left], mode(pictures)) == ([pictures], before)
    assert left[0].sentence.endswith("configure a folder of its own.")


def test_a_look_changes_nothing(config: Config) -> None:
    """`config check` says what a start would close."""
    assert any(one.path == config.data_dir for one in openings(config, None))
    assert mode(config.data_dir) == 0o755


def test_data_dir_may_be_a_link_and_a_link_below_it_leads_nowhere(config: Config, tmp_path: Path) -> None:
    """What another program keeps behind a link of ours keeps its permissions."""
    (tmp_path / "precious").mkdir(mode=0o755)
    (config.data_dir / "quarantine").symlink_to(tmp_path / "precious")
    (tmp_path / "link").symlink_to(config.data_dir)
    close(openings(config.model_copy(update={"data_dir": tmp_path / "link"}), None))
    assert mode(config.data_dir) == 0o700
    assert mode(tmp_path / "precious") == 0o755


def test_what_belongs_to_another_account_is_told(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume that the container engine made, for one."""
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    closed, left = close(openings(config, None))
    assert closed == []
    assert config.data_dir in {one.path for one in left}
    assert mode(config.data_dir) == 0o755


def test_a_file_system_that_keeps_no_permissions_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT takes every chmod and stays as it was mounted."""
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    closed, left = close(openings(config, None))
    assert closed == []
    assert "data can be read by other accounts" in left[0].sentence


def test_the_group_hindsight_may_pass_to_runtime_and_read_where_the_daemon_listens(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding that is no news; everything else is closed to it."""
    monkeypatch.setattr(other_accounts, "_group_name", lambda _: GROUP)
    data_dir = config.data_dir
    (data_dir / "daemon.lock").touch(0o600)
    closed, _ = close(openings(config, None))
    modes = {
        name: mode(data_dir / name) for name in ("", "runtime", "clips", "daemon.lock", "catalogue.sqlite")
    }
    assert modes == {
        "": 0o710,
        "runtime": 0o710,
        "clips": 0o700,
        "daemon.lock": 0o640,
        "catalogue.sqlite": 0o600,
    }
    assert "daemon.lock" not in {one.path.name for one in closed}
    fresh = data_dir / "fresh"
    fresh.mkdir()
    let_group_pass(fresh)
    assert mode(fresh) == 0o710


def test_a_new_folder_is_closed_to_every_other_group(config: Config) -> None:
    """`runtime` is made at every start."""
    let_group_pass(config.data_dir / "runtime")
    assert mode(config.data_dir / "runtime") == 0o700


def test_the_files_of_an_operator_that_hold_secrets_are_told_and_not_changed(
    config: Config, tmp_path: Path
) -> None:
    """Configuration with a password in it, a camera's own file, the key of the certificate."""
    file, source, key = tmp_path / "config.yaml", tmp_path / "source", tmp_path / "key.pem"
    for path in (file, source, key):
        path.write_text(f"source: rtsp://u:{PASSWORD}@camera/")
        path.chmod(0o644)
    camera = config.cameras[0].model_copy(update={"source_file": source})
    server = ServerConfig(tls=TlsConfig(certificate=tmp_path / "cert.pem", key=key))
    config = config.model_copy(update={"cameras": (camera,), "server": server})
    _, left = close(openings(config, file))
    assert {one.path for one in left} == {file, source, key}
    assert all(f"chmod 600 {one.path}" in one.sentence for one in left)
    assert {mode(one.path) for one in left} == {0o644}


def test_a_configuration_without_passwords_may_be_read_by_all(config: Config, tmp_path: Path) -> None:
    """Passwords that come from the environment or from files of their own are not in it."""
    file = tmp_path / "config.yaml"
    file.write_text("cameras: []")
    file.chmod(0o644)
    assert file not in {one.path for one in openings(config, file)}
    assert openings(config, tmp_path / "absent.yaml") == openings(config, None)
