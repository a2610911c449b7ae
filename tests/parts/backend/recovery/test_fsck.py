"""Catalogue and disk agree, or fsck says where they do not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import Clip, PreviewInfo, PreviewSource
from backend.catalogue.lifecycle import Status
from backend.recovery.fsck import FindingKind, FsckReport, Level, check
from recorder.recording.clip_files import MARKER_NAME, PART_NAME
from tests.support.backend.rows import HERE, Box, put


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


async def fsck(box: Box, level: Level = Level.HASH) -> FsckReport:
    return await check(box.catalogue, box.files, HERE, level, settle_s=0.0)


async def failed_clip(box: Box, *, retryable: bool) -> Clip:
    clip = await box.running_clip()
    return await box.catalogue.transition(clip.id, Status.FAILED, fields={"retryable": retryable})


async def test_a_box_in_order_has_no_findings(box: Box) -> None:
    """Finished, published, running, failed with its material, and deleted but not yet swept."""
    await box.finished_clip()
    published = await box.finished_clip()
    await box.catalogue.transition(published.id, Status.PUBLISHED)
    await box.running_clip()
    await failed_clip(box, retryable=True)
    deleted = await box.finished_clip()
    await box.catalogue.delete_clip(deleted.id)
    report = await fsck(box)
    assert report.ok, report.findings
    assert (report.clips, report.files) == (4, 8)


async def test_a_missing_file_is_found_at_every_level(box: Box) -> None:
    """Whether of a finished clip, of a running one or of one that can be retried."""
    finished, running = await box.finished_clip(), await box.running_clip()
    retryable, hopeless = await failed_clip(box, retryable=True), await failed_clip(box, retryable=False)
    assert finished.path is not None
    box.files.clips_dir.joinpath(finished.path).unlink()
    for clip in (running, retryable, hopeless):
        box.files.clips_dir.joinpath(f"{clip.id}/{PART_NAME}").unlink()
    for level in Level:
        findings = (await fsck(box, level)).findings
        assert {(f.kind, f.clip_id) for f in findings} == {
            (FindingKind.MISSING, clip.id) for clip in (finished, running, retryable)
        }


async def test_a_changed_size_is_found_from_size_on(box: Box) -> None:
    """Presence alone does not look."""
    clip = await box.finished_clip()
    put(box.files.clips_dir / f"{clip.id}/clip.mp4", b"cut")
    assert (await fsck(box, Level.PRESENCE)).ok
    for level in (Level.SIZE, Level.HASH):
        (finding,) = (await fsck(box, level)).findings
        assert finding.kind is FindingKind.SIZE_DIFFERS
        assert "has 3 bytes, the catalogue says 15" in finding.sentence


async def test_a_flipped_bit_is_found_by_hash_only(box: Box) -> None:
    """Same size, other content."""
    clip = await box.finished_clip(b"AAAA")
    await box.finished_clip(b"AAAA")
    put(box.files.clips_dir / f"{clip.id}/clip.mp4", b"AABA")
    assert (await fsck(box, Level.SIZE)).ok
    (finding,) = (await fsck(box)).findings
    assert (finding.kind, finding.clip_id) == (FindingKind.CONTENT_DIFFERS, clip.id)


async def test_a_link_is_no_clip_even_if_it_is_as_long(box: Box, tmp_path: Path) -> None:
    """The clip it leads to would have the right hash; it is not followed."""
    target = tmp_path / "elsewhere.mp4"
    content = b"A" * len(str(target))  # a link is as long as its target's name
    clip = await box.finished_clip(content)
    target.write_bytes(content)
    path = box.files.clips_dir / f"{clip.id}/clip.mp4"
    path.unlink()
    path.symlink_to(target)
    (finding,) = (await fsck(box)).findings
    assert (finding.kind, finding.clip_id) == (FindingKind.UNREADABLE, clip.id)
    assert "lies a link" in finding.sentence


async def test_files_that_nobody_knows_are_found(box: Box) -> None:
    """A directory without a row, a stranger's file, a stranger among a clip's files, orphaned pictures."""
    clip = await box.finished_clip()
    orphan = new_id()
    put(box.files.clips_dir / orphan / "clip.mp4", b"x")
    put(box.files.clips_dir / "README.txt", b"x")
    put(box.files.clips_dir / clip.id / "clip (copy).mp4", b"x")
    put(box.files.thumbnails_dir / orphan / "current.jpg", b"x")
    put(box.files.thumbnails_dir / clip.id / "middle.jpg.1234.tmp", b"x")
    findings = (await fsck(box)).findings
    assert {finding.kind for finding in findings} == {FindingKind.UNKNOWN_FILE}
    assert {finding.path for finding in findings} == {
        f"{orphan}/clip.mp4",
        "README.txt",
        f"{clip.id}/clip (copy).mp4",
        f"{orphan}/current.jpg",
        f"{clip.id}/middle.jpg.1234.tmp",
    }


async def test_what_a_finished_clip_should_have_left_behind_is_found(box: Box) -> None:
    """The part file and the marker are for clips under way."""
    clip = await box.finished_clip()
    for name in (PART_NAME, MARKER_NAME):
        put(box.files.clips_dir / f"{clip.id}/{name}", b"")
    findings = (await fsck(box)).findings
    assert [finding.kind for finding in findings] == [FindingKind.LEFT_OVER] * 2


async def test_a_missing_picture_and_an_incomplete_row_are_found(box: Box) -> None:
    """What the page would show as a placeholder, and a finished clip nobody could verify."""
    clip = await box.finished_clip()
    lost = PreviewInfo(f"{clip.id}/manual.png", 1280, 720)
    await box.catalogue.set_preview(clip.id, PreviewSource.MANUAL, lost)
    await box.catalogue.update_clip(clip.id, {"sha256": None})
    findings = (await fsck(box)).findings
    assert {(finding.kind, finding.path) for finding in findings} == {
        (FindingKind.MISSING, lost.path),
        (FindingKind.ROW_INCOMPLETE, None),
    }


async def test_another_recorders_clips_are_not_this_boxs_business(box: Box) -> None:
    """On a shared database their files lie on another disk."""
    await box.finished_clip()
    report = await check(box.catalogue, box.files, new_id(), settle_s=0.0)
    assert report.clips == 0
    assert {finding.kind for finding in report.findings} == {FindingKind.UNKNOWN_FILE}
