"""Files are written and removed durably, and never outside their clip's own directory."""

import os
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import Root, StoredPath
from backend.foundation.local_files import LocalFiles, PathRefused, sha256_of
from recorder.base.durable import write_durably


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    made = LocalFiles(tmp_path / "clips", tmp_path / "thumbnails", tmp_path / "quarantine")
    made.prepare()
    return made


def everything_under(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def test_a_thumbnail_replaces_the_one_before_all_at_once(files: LocalFiles) -> None:
    """The path stays, the content is the new one, nothing temporary stays behind."""
    clip_id = new_id()
    kept = files.put_thumbnail(clip_id, "current.jpg", b"approximate")
    assert files.put_thumbnail(clip_id, "current.jpg", b"exact") == kept
    assert kept.trouble is None
    assert files.thumbnail_path(kept.path).read_bytes() == b"exact"
    assert everything_under(files.thumbnails_dir) == [clip_id, f"{clip_id}/current.jpg"]


def test_start_up_removes_half_written_pictures_and_nothing_else(files: LocalFiles) -> None:
    """Only in the directories of clips: a stranger's .tmp is not ours to remove."""
    clip_id = new_id()
    files.put_thumbnail(clip_id, "middle.jpg", b"x")
    (files.thumbnails_dir / clip_id / "current.jpg.0a1b.tmp").touch()
    (files.thumbnails_dir / "holiday").mkdir()
    (files.thumbnails_dir / "holiday/photo.tmp").touch()
    files.prepare()
    assert everything_under(files.thumbnails_dir) == [
        clip_id,
        f"{clip_id}/middle.jpg",
        "holiday",
        "holiday/photo.tmp",
    ]


@pytest.mark.parametrize("kind", ["file", "directory", "nothing", "directory gone"])
def test_removal_removes_what_is_there_and_is_content_with_nothing(files: LocalFiles, kind: str) -> None:
    """A removal that a crash interrupted is simply done again."""
    clip_id, other = new_id(), new_id()
    files.put_thumbnail(clip_id, "current.jpg", b"x")
    files.put_thumbnail(other, "current.jpg", b"x")
    path = {
        "file": f"{clip_id}/current.jpg",
        "directory": clip_id,
        "nothing": f"{clip_id}/manual.png",
        "directory gone": new_id() + "/current.jpg",
    }[kind]
    files.remove(StoredPath(Root.THUMBNAILS, path))
    assert not (files.thumbnails_dir / path).exists()
    assert (files.thumbnails_dir / other / "current.jpg").exists()


@pytest.mark.parametrize(
    "path", ["", ".", "..", "/", "/etc", "clip.mp4", "{id}/../{id2}", "../{id}", "{id}/a\0b", "//{id}"]
)
def test_a_path_outside_a_clips_directory_is_refused(files: LocalFiles, path: str) -> None:
    """A damaged row must not make the daemon delete or serve anything else."""
    place = StoredPath(Root.CLIPS, path.format(id=new_id(), id2=new_id()))
    with pytest.raises(PathRefused):
        files.remove(place)
    with pytest.raises(PathRefused):
        files.clip_path(place.path)
    assert files.clips_dir.exists()


def test_removal_of_a_link_leaves_what_it_points_to(files: LocalFiles, tmp_path: Path) -> None:
    """Somebody linked a clip's directory to another disk, or to their home."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    clip_id = new_id()
    (files.clips_dir / clip_id).symlink_to(precious)
    with pytest.raises(OSError, match=rf"{clip_id} is a symbolic link, .* Remove the link by hand\."):
        files.remove(StoredPath(Root.CLIPS, clip_id))
    assert (precious / "file").exists()


def test_nothing_is_removed_or_written_in_a_folder_that_a_link_leads_to(
    files: LocalFiles, tmp_path: Path
) -> None:
    """A picture there is neither replaced nor deleted, and a leftover of a crash stays."""
    clip_id, precious = new_id(), tmp_path / "precious"
    precious.mkdir()
    for name in ("current.jpg", "own.tmp"):
        (precious / name).write_bytes(b"x")
    (files.thumbnails_dir / clip_id).symlink_to(precious)
    with pytest.raises(OSError, match="symbolic link"):
        files.put_thumbnail(clip_id, "current.jpg", b"y")
    with pytest.raises(OSError, match="is a symbolic link"):
        files.remove(StoredPath(Root.THUMBNAILS, f"{clip_id}/current.jpg"))
    files.prepare()
    assert {path.name: path.read_bytes() for path in precious.iterdir()} == {
        "current.jpg": b"x",
        "own.tmp": b"x",
    }


def test_the_folder_of_all_clips_is_no_link_but_the_folder_of_pictures_may_be_one(tmp_path: Path) -> None:
    """data_dir and thumbnails_dir are an operator's to link; the start refuses others."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "pictures").symlink_to(tmp_path / "disk")
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    data_dir = tmp_path / "data"
    files = LocalFiles(data_dir / "clips", tmp_path / "pictures", data_dir / "quarantine")
    assert files.prepare() is None
    assert files.read_thumbnail(files.put_thumbnail(new_id(), "current.jpg", b"x").path) == b"x"
    files.clips_dir.rename(tmp_path / "disk/elsewhere")
    files.clips_dir.symlink_to(tmp_path / "disk/elsewhere")
    with pytest.raises(OSError, match=r"clips is a symbolic link.*Mount the other disk"):
        files.prepare()


@pytest.mark.parametrize("path", ["{id}/a/b", "{id}/a/../b"])
def test_a_path_deeper_than_a_clips_directory_is_refused(files: LocalFiles, path: str) -> None:
    """No file of ours lies deeper, and the folders between would not be looked at for links."""
    with pytest.raises(PathRefused):
        files.clip_path(path.format(id=new_id()))


def test_quarantine_keeps_every_byte_though_names_repeat(files: LocalFiles) -> None:
    """Two strangers of one name, one after the other: both are kept."""
    for content in (b"first", b"second"):
        (files.clips_dir / "stranger").write_bytes(content)
        (stranger,) = files.strangers(Root.CLIPS, set())
        files.quarantine(stranger)
    assert {path.read_bytes() for path in files.quarantine_dir.iterdir()} == {b"first", b"second"}
    assert files.strangers(Root.CLIPS, set()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc"])
def test_only_what_lies_directly_in_a_root_is_quarantined(files: LocalFiles, name: str) -> None:
    """A name is a name, never a way."""
    with pytest.raises(PathRefused):
        files.quarantine(files.clips_dir / name)


def test_pictures_go_to_the_fallback_while_their_directory_refuses(tmp_path: Path) -> None:
    """Said once it happens; both places are looked in, swept and listed; where both refuse it is an error."""
    files = LocalFiles(tmp_path / "c", tmp_path / "t", tmp_path / "q", tmp_path / "f")
    (tmp_path / "t").touch()
    trouble = files.prepare()
    assert trouble is not None
    assert str(tmp_path / "f") in trouble
    clip_id = new_id()
    kept = files.put_thumbnail(clip_id, "current-1.jpg", b"one")
    assert kept.trouble is not None
    assert files.thumbnail_path(kept.path) == tmp_path / "f" / kept.path
    (tmp_path / "t").unlink()
    assert files.prepare() is None
    other = files.put_thumbnail(clip_id, "manual-2.png", b"two")
    assert (other.trouble, files.thumbnail_path(other.path)) == (None, tmp_path / "t" / other.path)
    assert {file.place.path for file in files.walk(Root.THUMBNAILS)} == {kept.path, other.path}
    (tmp_path / "f" / clip_id / "x.tmp").touch()
    files.prepare()
    assert everything_under(tmp_path / "f") == [clip_id, kept.path]
    files.remove(StoredPath(Root.THUMBNAILS, kept.path))
    files.remove(StoredPath(Root.THUMBNAILS, clip_id))
    assert (everything_under(tmp_path / "f"), everything_under(tmp_path / "t")) == ([], [])
    for name in "tf":
        (tmp_path / name).rmdir()
        (tmp_path / name).touch()
    with pytest.raises(OSError, match="directory"):
        files.put_thumbnail(clip_id, "middle-3.jpg", b"three")
    files.remove(StoredPath(Root.THUMBNAILS, clip_id))


def test_strangers_in_a_directory_that_a_person_named_are_only_those_named_like_clips(tmp_path: Path) -> None:
    """Somebody's holiday pictures in the same directory are nobody's business."""
    files = LocalFiles(tmp_path / "data/clips", tmp_path / "pictures", tmp_path / "data/quarantine")
    files.prepare()
    lost, known = new_id(), new_id()
    for name in (lost, known, "holiday"):
        (files.thumbnails_dir / name).mkdir()
    assert files.strangers(Root.THUMBNAILS, {known}) == [files.thumbnails_dir / lost]


def test_walking_lists_files_with_sizes_and_follows_no_link(files: LocalFiles, tmp_path: Path) -> None:
    """A link to a directory is listed as the one file it is."""
    clip_id = new_id()
    write_durably(files.clips_dir / clip_id / "clip.mp4", b"12345")
    (files.clips_dir / clip_id / "elsewhere").symlink_to(tmp_path)
    (files.clips_dir / "broken").symlink_to(tmp_path / "nowhere")
    found = {file.place.path: file.size_bytes for file in files.walk(Root.CLIPS)}
    assert set(found) == {"broken", f"{clip_id}/clip.mp4", f"{clip_id}/elsewhere"}
    assert found[f"{clip_id}/clip.mp4"] == 5


def test_free_space_and_hashes_are_those_of_the_system(files: LocalFiles, tmp_path: Path) -> None:
    """What an ordinary user may write, and the usual hash."""
    status = os.statvfs(tmp_path)
    assert abs(files.space_bytes()[0] - status.f_bavail * status.f_frsize) < 1 << 30
    write_durably(tmp_path / "x", b"abc")
    assert sha256_of(tmp_path / "x").startswith("ba7816bf8f01cfea")
