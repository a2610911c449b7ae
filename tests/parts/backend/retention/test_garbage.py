"""Files of deleted clips go, whatever happens on the way."""

import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from backend.catalogue import Root
from backend.retention.garbage import BACKOFF, GarbageSweep
from tests.support.backend.rows import HERE, Box


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


def sweep_of(box: Box) -> GarbageSweep:
    return GarbageSweep(box.catalogue, box.files, HERE, ThreadPoolExecutor(1), box.clock.now)


async def test_the_files_of_a_deleted_clip_go_and_no_others(box: Box) -> None:
    """Its clip, its pictures, its garbage row; the neighbour keeps everything."""
    gone, kept = await box.finished_clip(), await box.finished_clip()
    await box.catalogue.delete_clip(gone.id)
    sweep = sweep_of(box)
    assert await sweep.run() == 1
    assert await sweep.run() == 0
    assert {path.name for path in box.files.clips_dir.iterdir()} == {kept.id}
    assert {path.name for path in box.files.thumbnails_dir.iterdir()} == {kept.id}
    assert await box.catalogue.garbage_of_recorder(HERE) == []
    assert sweep.counters.deleted == 1


async def test_a_sweep_cut_short_after_the_files_went_is_done_again(box: Box) -> None:
    """The crash between the last removal and the row's: the second time there is nothing to remove."""
    clip = await box.finished_clip()
    await box.catalogue.delete_clip(clip.id)
    for root in Root:
        shutil.rmtree(box.files.root(root) / clip.id)
    assert await sweep_of(box).run() == 1


async def test_what_cannot_be_removed_is_tried_later_and_stops_nobody(box: Box, tmp_path: Path) -> None:
    """A link where the directory was: counted, told, put off; the other clip's files go all the same."""
    stuck, easy = await box.finished_clip(), await box.finished_clip()
    shutil.rmtree(box.files.clips_dir / stuck.id)
    (box.files.clips_dir / stuck.id).symlink_to(tmp_path)
    for clip in (stuck, easy):
        await box.catalogue.delete_clip(clip.id)
    sweep = sweep_of(box)
    assert await sweep.run() == 1
    assert (sweep.counters.deleted, sweep.counters.failures) == (1, 1)
    (waiting,) = await box.catalogue.garbage_of_recorder(HERE)
    assert (waiting.clip_id, waiting.attempts) == (stuck.id, 1)
    assert waiting.last_error is not None
    (box.files.clips_dir / stuck.id).unlink()
    assert await sweep.run() == 0
    box.clock.time += timedelta(seconds=BACKOFF.wait_s(0))
    assert await sweep.run() == 1


def test_waiting_grows_and_is_capped() -> None:
    """Also after so many attempts that doubling would leave the range of floats."""
    waits = [BACKOFF.wait_s(attempts) for attempts in (0, 1, 2, 10, 10_000)]
    assert waits == sorted(waits)
    assert waits[-1] == BACKOFF.longest_s
