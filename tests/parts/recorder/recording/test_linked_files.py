"""Every reader of a recording's files refuses a link to a file that it could read perfectly well."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.base.errors import DecodeFailed, FinishFailed
from recorder.base.own_files import NotOurFile
from recorder.mp4.finished_file import FinishedFile
from recorder.mp4.muxer import write_mp4
from recorder.recording.clip_files import ClipFiles
from recorder.recording.part_file import PartReader, PartTail, PartWriter
from recorder.recording.timelapse_part import link_timelapse_part, read_timelapse_part
from recorder.stills.decoder import frame_extent, frame_from_file
from recorder.stills.thumbnail import card_from_jpeg, jpeg
from tests.support.media import Camera, units_of
from tests.support.part_files import some_units, written


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, a part file and a picture, each intact."""
    directory = tmp_path_factory.mktemp("originals")
    units = units_of(Camera(), 30)
    write_mp4(directory / "clip.mp4", units, units[0].pts_ns, units[-1].pts_ns)
    with written(directory / "recording.part", some_units(5)):
        pass
    picture = frame_from_file(directory / "clip.mp4", 0.0)[0]
    (directory / "picture.jpg").write_bytes(jpeg(picture))
    return directory


READERS: dict[str, tuple[str, Callable[[Path], object], type[Exception]]] = {
    "part": ("recording.part", PartReader, NotOurFile),
    "growing part": (
        "recording.part",
        lambda path: PartTail(path, follow=False, idle=lambda: None),
        NotOurFile,
    ),
    "part continued": ("recording.part", lambda path: PartWriter.reopen(path).close(), NotOurFile),
    "clip": ("clip.mp4", lambda path: FinishedFile(path).__exit__(None, None, None), NotOurFile),
    "frame": ("clip.mp4", lambda path: frame_from_file(path, 0.0), DecodeFailed),
    "extent of a frame": ("clip.mp4", lambda path: frame_extent(path, 0.0), DecodeFailed),
    "snapshot": ("picture.jpg", card_from_jpeg, DecodeFailed),
}


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("reader", READERS)
def test_a_link_is_refused_where_the_file_itself_is_read(
    originals: Path, tmp_path: Path, reader: str, folder: bool
) -> None:
    """In place of the file, or of the folder that holds it."""
    name, read, error = READERS[reader]
    read(originals / name)
    if folder:
        (tmp_path / "id").symlink_to(originals)
    else:
        (tmp_path / "id").mkdir()
        (tmp_path / "id" / name).symlink_to(originals / name)
    with pytest.raises(error):
        read(tmp_path / "id" / name)


def test_no_clip_is_written_through_a_link(tmp_path: Path) -> None:
    """A link under the name of the unfinished clip would let it overwrite any file of the account."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"x")
    out = tmp_path / "clip.mp4.tmp"
    out.symlink_to(precious)
    units = units_of(Camera(), 30)
    with pytest.raises(FinishFailed):
        write_mp4(out, units, units[0].pts_ns, units[-1].pts_ns)
    assert precious.read_bytes() == b"x"


def test_a_linked_timelapse_has_no_pictures(originals: Path, tmp_path: Path) -> None:
    """It is neither read nor made the part of a clip."""
    path = tmp_path / "timelapses/run.part"
    path.parent.mkdir()
    path.symlink_to(originals / "recording.part")
    assert read_timelapse_part(path) is None
    files = ClipFiles(tmp_path / "clips", "id")
    link_timelapse_part(path, files)
    with pytest.raises(NotOurFile):
        PartReader(files.part)
