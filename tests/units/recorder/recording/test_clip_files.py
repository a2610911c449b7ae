"""The files of one recording: each step leaves a state that start-up knows."""

from pathlib import Path

import pytest

from recorder.recording.clip_files import ClipFiles


@pytest.fixture
def files(tmp_path: Path) -> ClipFiles:
    """A recording that has no file yet."""
    return ClipFiles(tmp_path, "some-id")


def names(files: ClipFiles) -> set[str]:
    return {path.name for path in files.directory.iterdir()}


def test_a_claim_marks_the_directory_before_anything_else_is_in_it(files: ClipFiles) -> None:
    """Until the row is committed the files are nobody's."""
    files.claim()
    assert names(files) == {"unacknowledged"}
    files.acknowledge()
    assert names(files) == set()
    files.acknowledge()


def test_a_claim_on_a_taken_id_fails_and_touches_nothing(files: ClipFiles) -> None:
    """An id that comes twice must never cost the first one its files."""
    files.claim()
    files.clip.write_bytes(b"the first clip")
    with pytest.raises(FileExistsError):
        files.claim()
    assert files.clip.read_bytes() == b"the first clip"


def test_publishing_gives_the_finished_file_its_name(files: ClipFiles) -> None:
    """The temporary name is gone, the part file stays until the row says so."""
    files.claim()
    files.part.write_bytes(b"part")
    files.temporary.write_bytes(b"clip")
    files.publish()
    assert names(files) == {"unacknowledged", "recording.part", "clip.mp4"}
    files.discard_part()
    assert names(files) == {"unacknowledged", "clip.mp4"}


def test_what_is_left_of_a_removal_cut_short_is_still_known_as_nobodys(
    files: ClipFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker goes last: a removal that stops at any file leaves one that start-up takes up again."""
    files.claim()
    files.part.write_bytes(b"part")
    files.clip.write_bytes(b"clip")
    unlink, left = Path.unlink, 0

    def stop_after_one(path: Path, missing_ok: bool = False) -> None:
        nonlocal left
        if left == 0:
            raise OSError("killed")
        left -= 1
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", stop_after_one)
    for step in range(3):
        left = min(step, 1)
        with pytest.raises(OSError, match="killed"):
            files.remove()
        assert files.marker.exists()
        assert files.is_unclaimed()
    left = 1
    files.remove()
    assert not files.directory.exists()


def test_a_directory_without_its_marker_yet_is_nobodys(files: ClipFiles) -> None:
    """The kill between the directory and the marker; files that nobody marked are somebody's."""
    files.directory.mkdir()
    assert files.is_unclaimed()
    files.clip.write_bytes(b"clip")
    assert not files.is_unclaimed()


def test_removing_takes_everything_and_may_be_repeated(files: ClipFiles) -> None:
    """What is gone already is as good as removed."""
    files.claim()
    files.part.write_bytes(b"part")
    files.remove()
    files.remove()
    assert not files.directory.exists()
