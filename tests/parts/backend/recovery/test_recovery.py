"""Every state a power cut can leave, and what start-up makes of it."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import Clip, MediaType, NewClip
from backend.catalogue.lifecycle import Status
from backend.recovery.recovery import MATERIAL_GONE, Recovery, RecoveryReport
from recorder import Finisher, Transcoder
from recorder.bitstream.access_unit import AccessUnit
from recorder.recording.clip_files import ClipFiles
from recorder.recording.part_file import PartHeader, PartWriter
from tests.support.backend.foundations import foundation_of
from tests.support.backend.rows import HERE, NOON, Box, put
from tests.support.media import Camera, play, units_of

_EPOCH = datetime(1970, 1, 1)


@cache
def _units() -> list[AccessUnit]:
    return units_of(Camera(), 90)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


async def recover(box: Box) -> RecoveryReport:
    with ThreadPoolExecutor(1) as disk, ThreadPoolExecutor(1) as finishing:
        finisher = Finisher(finishing, Transcoder())
        return await Recovery(foundation_of(box, disk=disk, finisher=finisher)).run()


async def a_row(box: Box, clip_id: str, status: Status = Status.PENDING) -> Clip:
    row = NewClip(id=clip_id, recorder_id=HERE, camera="front", start_time=NOON, pressed_at=NOON)
    clip = await box.catalogue.insert_clip(row)
    if status in {Status.PROCESSING, Status.DRAFT}:
        clip = await box.catalogue.transition(clip_id, Status.PROCESSING)
    if status is Status.DRAFT:
        clip = await box.catalogue.transition(clip_id, status, fields={"path": f"{clip_id}/clip.mp4"})
    if status is Status.FAILED:
        clip = await box.catalogue.transition(clip_id, status, fields={"error": "x", "retryable": True})
    return clip


async def a_part(
    box: Box, clip_id: str, *, marker: bool = False, continued_from: str | None = None, frames: int = 90
) -> ClipFiles:
    """A part file as a killed recorder leaves it: from the tenth frame on, until stopped."""
    files = ClipFiles(box.files.clips_dir, clip_id)
    header = PartHeader(
        recording_id=clip_id,
        camera_id="front",
        recorder_id=HERE,
        epoch=_units()[0].epoch,
        base_ns=_units()[0].pts_ns,
        base_label_us=(NOON - _EPOCH) // timedelta(microseconds=1),
        start_ns=_units()[10].pts_ns,
        end_ns=None,
        pressed_ns=_units()[40].pts_ns,
        continued_from=continued_from,
        clock="synchronised",
    )

    def write() -> None:
        files.claim()
        writer = PartWriter(files.part, header)
        writer.append(_units()[:frames])
        writer.sync()
        writer.close()
        if not marker:
            files.acknowledge()

    await asyncio.to_thread(write)
    return files


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING])
async def test_a_recording_that_was_killed_becomes_a_draft(box: Box, status: Status) -> None:
    """From its part file, with exactly the frames that had arrived, and the part file goes."""
    clip_id = new_id()
    await a_row(box, clip_id, status)
    files = await a_part(box, clip_id)
    assert (await recover(box)).salvaged == [clip_id]
    clip = await box.catalogue.get_clip(clip_id)
    assert clip is not None
    assert (clip.status, clip.frame_count, clip.path) == (Status.DRAFT, 80, f"{clip_id}/clip.mp4")
    assert clip.start_time == NOON + timedelta(microseconds=333_333)
    assert play(files.clip).counters == tuple(range(10, 90))
    assert not files.part.exists()


async def test_a_torn_part_file_gives_what_was_written(box: Box) -> None:
    """The last record is incomplete: everything before it is shown."""
    clip_id = new_id()
    await a_row(box, clip_id)
    files = await a_part(box, clip_id)
    content = files.part.read_bytes()
    files.part.write_bytes(content[:-7])
    await recover(box)
    assert play(files.clip).counters == tuple(range(10, 89))


async def test_a_kill_between_rename_and_commit_is_finished_again(box: Box) -> None:
    """A finished file beside the part file, perhaps with a half-made one: the part file decides."""
    clip_id = new_id()
    await a_row(box, clip_id, Status.PROCESSING)
    files = await a_part(box, clip_id)
    put(files.clip, b"cut before the commit")
    put(files.temporary, b"half")
    assert (await recover(box)).salvaged == [clip_id]
    assert play(files.clip).counters == tuple(range(10, 90))
    assert not files.temporary.exists()


async def test_a_kill_after_the_commit_only_leaves_a_part_file_to_remove(box: Box) -> None:
    """The finished file is not touched."""
    clip_id = new_id()
    await a_row(box, clip_id, Status.DRAFT)
    files = await a_part(box, clip_id)
    put(files.clip, b"finished")
    report = await recover(box)
    assert report == RecoveryReport()
    assert (files.part.exists(), files.clip.read_bytes()) == (False, b"finished")


async def test_a_part_file_outlives_a_finished_file_that_is_missing(box: Box) -> None:
    """While the finished file cannot be seen, the part file is the only copy."""
    clip_id = new_id()
    await a_row(box, clip_id, Status.DRAFT)
    files = await a_part(box, clip_id)
    await recover(box)
    assert files.part.exists()


async def test_a_failed_recording_keeps_its_material_for_a_retry(box: Box) -> None:
    """Start-up does not try again by itself what failed before."""
    clip_id = new_id()
    await a_row(box, clip_id, Status.FAILED)
    files = await a_part(box, clip_id)
    assert await recover(box) == RecoveryReport()
    assert files.part.exists()


async def test_a_recording_without_files_fails_with_the_reason(box: Box) -> None:
    """Somebody removed them; the row says so and offers no retry."""
    empty, gone = new_id(), new_id()
    await a_row(box, empty)
    await a_row(box, gone)
    (box.files.clips_dir / empty).mkdir()
    assert set((await recover(box)).failed) == {empty, gone}
    for clip_id in (empty, gone):
        clip = await box.catalogue.get_clip(clip_id)
        assert clip is not None
        assert (clip.status, clip.error, clip.retryable) == (Status.FAILED, MATERIAL_GONE, False)


async def test_a_damaged_part_file_fails_and_is_kept(box: Box) -> None:
    """A person may want to look at it: nothing is deleted, and a retry is possible."""
    clip_id = new_id()
    await a_row(box, clip_id)
    part = box.files.clips_dir / clip_id / "recording.part"
    put(part, b"not a part file")
    assert (await recover(box)).failed == [clip_id]
    clip = await box.catalogue.get_clip(clip_id)
    assert clip is not None
    assert (clip.status, clip.retryable, part.exists()) == (Status.FAILED, True, True)


async def test_what_was_never_acknowledged_goes(box: Box) -> None:
    """Killed before the 201: a recording, a finished look-back, a snapshot, an empty directory."""
    recording, finished, empty, bare = new_id(), new_id(), new_id(), new_id()
    await a_part(box, recording, marker=True)
    put(box.files.clips_dir / finished / "clip.mp4", b"x")
    put(box.files.clips_dir / finished / "unacknowledged", b"")
    put(box.files.clips_dir / empty / "unacknowledged", b"")
    (box.files.clips_dir / bare).mkdir()  # killed between the directory and its marker
    assert set((await recover(box)).removed) == {recording, finished, empty, bare}
    assert list(box.files.clips_dir.iterdir()) == []
    assert (await box.catalogue.list_clips()).items == ()


async def test_a_marker_beside_a_row_is_only_a_marker(box: Box) -> None:
    """Killed between the commit and the marker's removal: the clip is somebody's."""
    clip_id = new_id()
    await a_row(box, clip_id)
    files = await a_part(box, clip_id, marker=True)
    assert (await recover(box)).salvaged == [clip_id]
    assert not files.marker.exists()


async def test_a_continuation_without_a_row_is_adopted(box: Box) -> None:
    """The first clip's 201 promised the rest too: rows are made, linked and finished."""
    first, second, third = new_id(), new_id(), new_id()
    await a_row(box, first)
    await a_part(box, first)
    await a_part(box, second, marker=True, continued_from=first)
    await a_part(box, third, marker=True, continued_from=second)
    report = await recover(box)
    assert (report.adopted, report.removed) == ([second, third], [])
    assert report.salvaged == [first, second, third]
    clips = [await box.catalogue.get_clip(clip_id) for clip_id in (first, second, third)]
    assert [clip and clip.status for clip in clips] == [Status.DRAFT] * 3
    assert [clip and clip.continued_by for clip in clips] == [second, third, None]
    assert [clip and clip.continued_from for clip in clips] == [None, first, second]


async def test_a_continuation_of_a_deleted_clip_goes_with_it(box: Box) -> None:
    """Nobody is left to whom it was promised."""
    clip_id = new_id()
    await a_part(box, clip_id, marker=True, continued_from=new_id())
    assert (await recover(box)).removed == [clip_id]


async def test_strangers_are_moved_and_never_deleted(box: Box) -> None:
    """Files and folders nobody knows keep their bytes, also when the name was quarantined before."""
    lost = new_id()
    put(box.files.clips_dir / lost / "clip.mp4", b"whose?")
    put(box.files.clips_dir / "holiday.mp4", b"mine")
    put(box.files.quarantine_dir / "holiday.mp4", b"earlier")
    report = await recover(box)
    assert set(report.quarantined) == {lost, "holiday.mp4"}
    assert (box.files.quarantine_dir / lost / "clip.mp4").read_bytes() == b"whose?"
    kept = {path.read_bytes() for path in box.files.quarantine_dir.glob("holiday.mp4*")}
    assert kept == {b"mine", b"earlier"}


async def test_pictures_nobody_was_told_of_go_and_strangers_among_them_move(box: Box) -> None:
    """A kill between file and row leaves the first; another box's clip on a shared disk is no stranger."""
    clip = await box.finished_clip()
    lost, foreign = new_id(), new_id()
    await box.catalogue.insert_clip(
        NewClip(id=foreign, recorder_id=new_id(), camera="back", start_time=NOON, pressed_at=NOON)
    )
    for owner in (lost, foreign):
        put(box.files.thumbnails_dir / owner / "current-00000000.jpg", b"whose?")
    for name in ("middle-0a1b2c3d.jpg", "manual-0a1b2c3d.png", "notes.txt"):
        put(box.files.thumbnails_dir / clip.id / name, b"x")
    report = await recover(box)
    assert report.quarantined == [lost]
    assert (box.files.quarantine_dir / lost / "current-00000000.jpg").read_bytes() == b"whose?"
    assert {path.name for path in box.files.thumbnails_dir.iterdir()} == {clip.id, foreign}
    left = {path.name for path in (box.files.thumbnails_dir / clip.id).iterdir()}
    assert left == {"middle.jpg", "notes.txt"}


async def test_what_waits_for_deletion_is_no_stranger(box: Box) -> None:
    """A deleted clip's files belong to the garbage table until they are gone."""
    clip_id = new_id()
    await a_row(box, clip_id)
    await a_part(box, clip_id)
    await box.catalogue.delete_clip(clip_id)
    assert await recover(box) == RecoveryReport()
    assert (box.files.clips_dir / clip_id).exists()


async def test_a_snapshot_is_left_alone_and_run_time_files_go(box: Box) -> None:
    """Nothing to finish in an image; replays of the last run are nobody's."""
    row = NewClip(
        id=new_id(),
        recorder_id=HERE,
        camera="front",
        media_type=MediaType.IMAGE,
        status=Status.DRAFT,
        start_time=NOON,
        pressed_at=NOON,
        path="x",
    )
    await box.catalogue.insert_clip(row)
    put(box.files.clips_dir / row.id / "snapshot.jpg", b"x")
    replay = box.files.clips_dir.parent / "runtime" / "replay.mp4"
    put(replay, b"x")
    assert await recover(box) == RecoveryReport()
    assert (replay.exists(), (box.files.clips_dir / row.id / "snapshot.jpg").exists()) == (False, True)


async def test_starting_twice_changes_nothing_more(box: Box) -> None:
    """Recovery is killed itself sometimes; what it did stands."""
    clip_id = new_id()
    await a_row(box, clip_id)
    await a_part(box, clip_id)
    await recover(box)
    before = await box.catalogue.get_clip(clip_id)
    assert await recover(box) == RecoveryReport()
    assert await box.catalogue.get_clip(clip_id) == before


@pytest.mark.parametrize("folder", [True, False])
async def test_no_clip_is_cut_from_what_a_link_leads_to(box: Box, tmp_path: Path, folder: bool) -> None:
    """Another program's part file plays as well as ours. It and its folder are left alone."""
    clip_id = new_id()
    await a_row(box, clip_id)
    files = await a_part(box, clip_id)
    linked = files.directory if folder else files.part
    elsewhere = tmp_path / "elsewhere"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    report = await recover(box)
    assert (report.salvaged, report.failed) == ([], [clip_id])
    clip = await box.catalogue.get_clip(clip_id)
    assert clip is not None
    assert (clip.error, clip.retryable) == (MATERIAL_GONE, False)
    assert elsewhere.exists()
    assert not files.clip.exists()


async def test_a_link_that_no_row_knows_is_moved_and_what_it_leads_to_stays(box: Box, tmp_path: Path) -> None:
    """Even if the folder there looks as one does that a killed recorder left behind."""
    precious = tmp_path / "precious"
    put(precious / "unacknowledged", b"")
    put(precious / "photo.jpg", b"x")
    name = new_id()
    (box.files.clips_dir / name).symlink_to(precious)
    report = await recover(box)
    assert (report.quarantined, report.removed) == ([name], [])
    assert (box.files.quarantine_dir / name).is_symlink()
    assert (precious / "photo.jpg").read_bytes() == b"x"


async def test_a_link_in_place_of_runtime_is_replaced_and_nothing_behind_it_is_removed(
    box: Box, tmp_path: Path
) -> None:
    """The start empties runtime, but not another folder under its name."""
    put(tmp_path / "precious/photo.jpg", b"x")
    runtime = box.files.clips_dir.parent / "runtime"
    runtime.symlink_to(tmp_path / "precious")
    await recover(box)
    assert runtime.is_dir()
    assert not runtime.is_symlink()
    assert (tmp_path / "precious/photo.jpg").exists()
