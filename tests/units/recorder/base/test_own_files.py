"""What was put in place of our files is never opened, whichever way it leads out of our directories."""

import os
import stat
from pathlib import Path

import pytest

from recorder.base.own_files import NotOurFile, open_own, own_descriptor, stat_own

SECRET = b"the secret of another program"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A directory with a clip, and a secret beside the directory."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/clip.mp4").write_bytes(SECRET)
    (tmp_path / "clips/id").mkdir(parents=True)
    (tmp_path / "clips/id/clip.mp4").write_bytes(b"ours")
    return tmp_path / "clips"


def planted(top: Path, kind: str) -> Path:
    path, secret = top / "other/clip.mp4", top.parent / "elsewhere/clip.mp4"
    if kind == "a link in place of the folder":
        path.parent.symlink_to(secret.parent)
        return path
    path.parent.mkdir()
    match kind:
        case "a link in place of the file":
            path.symlink_to(secret)
        case "a link to our own clip":
            path.symlink_to(top / "id/clip.mp4")
        case "a link to nothing":
            path.symlink_to(top / "nothing")
        case "a pipe":
            os.mkfifo(path)
        case "a socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "a folder":
            path.mkdir()
    return path


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
@pytest.mark.parametrize(
    "kind",
    [
        "a link in place of the folder",
        "a link in place of the file",
        "a link to our own clip",
        "a link to nothing",
        "a pipe",
        "a socket",
        "a folder",
    ],
)
def test_what_is_planted_counts_as_missing_and_is_not_opened(top: Path, kind: str, flags: int) -> None:
    """For reading and for writing; a pipe that no program serves does not hold the thread."""
    path = planted(top, kind)
    with pytest.raises(NotOurFile) as refused:
        own_descriptor(path, flags)
    with pytest.raises(NotOurFile):
        stat_own(path)
    assert isinstance(refused.value, FileNotFoundError)
    assert refused.value.filename == str(path)
    assert (top.parent / "elsewhere/clip.mp4").read_bytes() == SECRET


def test_our_files_are_opened_also_when_the_top_is_reached_by_a_link(top: Path, tmp_path: Path) -> None:
    """data_dir and thumbnails_dir may be links: an operator chose them."""
    (tmp_path / "data").symlink_to(top)
    path = tmp_path / "data/id/clip.mp4"
    with open_own(path) as file:
        assert file.read() == b"ours"
    assert stat_own(path).st_size == 4
    with open_own(path, os.O_RDWR) as file:
        file.write(b"new!")
    assert path.read_bytes() == b"new!"


@pytest.mark.parametrize("path", ["id/nothing", "nothing/clip.mp4", "id/clip.mp4/clip.mp4"])
def test_what_is_simply_not_there_is_no_plant(top: Path, path: str) -> None:
    """A deleted clip is not reported as an attack, and the error names the whole path."""
    with pytest.raises((FileNotFoundError, NotADirectoryError)) as missing:
        open_own(top / path)
    assert not isinstance(missing.value, NotOurFile)
    assert str(missing.value.filename).startswith(str(top))
