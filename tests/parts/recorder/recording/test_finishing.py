"""One way to finish a part file, whatever the camera sent; the clip is durable or there is none."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from recorder.base.errors import FinishFailed, PartFileDamaged
from recorder.bitstream.access_unit import AccessUnit
from recorder.recording.clip_files import ClipFiles
from recorder.recording.finishing import Finisher, part_codec, publish_cut, read_part_header
from recorder.recording.part_file import PartWriter
from recorder.recording.transcoder import Transcoder
from tests.support.foreign import BASE_LABEL_US, START_NS, header_of, jpeg_units, time_of
from tests.support.media import Camera, play, units_of

pytestmark = pytest.mark.blocking

BASE = datetime(1970, 1, 1) + timedelta(microseconds=BASE_LABEL_US)


@pytest.fixture
async def finisher() -> AsyncIterator[Finisher]:
    transcoder = Transcoder(at_once=1)
    transcoder.start()
    with ThreadPoolExecutor(1) as threads:
        yield Finisher(threads, transcoder)
        await transcoder.close()


def recorded(clips_dir: Path, units: list[AccessUnit], rotation_deg: int = 0) -> ClipFiles:
    """The files of a recording of counters 10 ≤ n < 40, complete."""
    files = ClipFiles(clips_dir, "clip")
    files.directory.mkdir()
    writer = PartWriter(files.part, header_of(units[0], (time_of(10), time_of(40)), rotation_deg))
    writer.append(units)
    writer.seal()
    writer.close()
    return files


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
async def test_the_clip_is_the_span_with_the_labels_of_the_part_file(
    finisher: Finisher, tmp_path: Path, codec: str
) -> None:
    """Remuxed or transcoded, nobody can tell from what is said of it."""
    units = units_of(Camera(), 60, start_ns=START_NS) if codec == "h264" else jpeg_units(range(60))
    files = recorded(tmp_path, units)
    clip = await finisher.finish(files, lambda share: None)
    assert clip.path == files.clip
    assert play(clip.path).counters == tuple(range(10, 40))
    assert abs(clip.start_time - BASE - timedelta(seconds=10 / 30)) < timedelta(microseconds=2)
    assert (clip.frame_count, clip.duration_s, clip.video_codec) == (30, 1.0, "h264")
    assert clip.size_bytes == files.clip.stat().st_size
    assert sorted(path.name for path in files.directory.iterdir()) == ["clip.mp4", "recording.part"]


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
async def test_a_turned_camera_makes_upright_clips(finisher: Finisher, tmp_path: Path, codec: str) -> None:
    """Its size is the one that people see; the part file remembers the turn."""
    units = units_of(Camera(), 60, start_ns=START_NS) if codec == "h264" else jpeg_units(range(60))
    size = (units[0].epoch.height, units[0].epoch.width)
    clip = await finisher.finish(recorded(tmp_path, units, 90), lambda share: None)
    assert (clip.width, clip.height) == size


async def test_a_wait_that_is_given_up_ends_the_transcode(finisher: Finisher, tmp_path: Path) -> None:
    """The daemon stops: no process goes on, and no place stays taken."""
    files = recorded(tmp_path, jpeg_units(range(200), (1280, 720)))
    work = asyncio.get_running_loop().create_task(finisher.finish(files, lambda share: None))
    async with asyncio.timeout(30):
        while not finisher.transcoder.running:
            await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert finisher.transcoder.running == 0
    assert not files.clip.exists()
    assert files.part.exists()


async def test_a_clip_that_cannot_get_its_name_is_a_failure_in_words(
    finisher: Finisher, tmp_path: Path
) -> None:
    """The disk turned read-only after the transcode."""
    files = recorded(tmp_path, jpeg_units(range(60)))
    work = finisher.transcoder.begin("clip", (files.part, files.temporary), print, follow=False)
    cut = await work.result()
    files.temporary.unlink()
    with pytest.raises(FinishFailed, match="could not be written"):
        publish_cut(files, cut)


async def test_what_is_no_part_file_is_told_so(finisher: Finisher, tmp_path: Path) -> None:
    """Retry on a damaged disk gives a reason, not a crash."""
    files = ClipFiles(tmp_path, "clip")
    files.directory.mkdir()
    files.part.write_bytes(b"nothing of ours")
    with pytest.raises(PartFileDamaged):
        await finisher.finish(files, lambda share: None)
    assert read_part_header(files) is None
    with pytest.raises(PartFileDamaged):
        part_codec(files)
