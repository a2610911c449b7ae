"""What is done to a catalogue and its files while it may be killed, and what must hold whatever happened.

Each operation has a box made for it, the operation itself, and what the box may look like after a kill
anywhere in it and a start. Runs inside `tests/support/killed/trial.py`, one process per life.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backend.catalogue import Clip, ClipFields
from backend.catalogue.lifecycle import Status
from backend.clips.publishing import Publishing
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.wire.writers import WRITERS
from backend.recovery import fsck
from backend.recovery.recovery import Recovery
from backend.retention.garbage import GarbageSweep
from recorder import Finisher, Transcoder
from recorder.base.media_time import label_us
from recorder.recording.clip_files import ClipFiles
from recorder.recording.part_file import PartHeader, PartWriter
from tests.support.backend.foundations import foundation_of
from tests.support.backend.rows import HERE, NOON, Box
from tests.support.media import Camera, units_of

HOUR = timedelta(hours=1)
UNITS = units_of(Camera(), 12)


@dataclass
class Life:
    """One process's view of the box. `box.clock` stands still unless an operation moves it."""

    box: Box
    directory: Path

    @property
    def publishing(self) -> Publishing:
        return Publishing(
            self.box.catalogue, ClipEvents(EventLog("killed"), WRITERS.clip), HERE, self.box.clock.now
        )

    async def sweep(self) -> None:
        with ThreadPoolExecutor(1) as disk:
            await GarbageSweep(self.box.catalogue, self.box.files, HERE, disk, self.box.clock.now).run()

    async def start_up(self) -> None:
        """What the daemon does before it is ready, and what its first ticks do."""
        await asyncio.to_thread(self.box.files.prepare)
        with ThreadPoolExecutor(1) as disk, ThreadPoolExecutor(1) as finishing:
            finisher = Finisher(finishing, Transcoder())
            await Recovery(foundation_of(self.box, disk=disk, finisher=finisher)).run()
        await self.publishing.tick()
        await self.sweep()

    async def only_clip(self) -> Clip | None:
        found = (await self.box.catalogue.list_clips()).items
        return found[0] if found else None


Operation = Callable[[Life, Clip], Awaitable[object]]
Holds = Callable[[Life], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Case:
    """`prepare` before, `operation` under the knife, `holds` after the start that follows."""

    prepare: Callable[[Life], Awaitable[object]]
    operation: Operation
    holds: Holds


async def _finished(life: Life) -> Clip:
    return await life.box.finished_clip(b"picture" * 1000)


async def _promised(life: Life) -> Clip:
    """Due by the time the operation begins."""
    clip = await _finished(life)
    life.box.clock.time = NOON - HOUR
    return await life.publishing.publish(clip.id, caption="promised", at=NOON - timedelta(seconds=1))


async def _published(life: Life) -> Clip:
    return await life.publishing.publish((await _finished(life)).id)


async def _deleted(life: Life) -> Clip:
    clip = await _published(life)
    await life.box.catalogue.like(clip.id, "visitor")
    return clip


async def _failed(life: Life) -> Clip:
    """A recording whose finishing failed and whose part file is kept."""
    clip = await life.box.running_clip()
    files = ClipFiles(life.box.files.clips_dir, clip.id)
    files.part.unlink()
    await asyncio.to_thread(write_part, files)
    fields: ClipFields = {"error": "The disk was full.", "retryable": True}
    await life.box.catalogue.transition(clip.id, Status.PROCESSING)
    return await life.box.catalogue.transition(clip.id, Status.FAILED, fields=fields)


def write_part(files: ClipFiles) -> None:
    """A whole recording into the directory that was claimed for it. Blocks."""
    first = UNITS[0]
    header = PartHeader(
        files.recording_id,
        "front",
        HERE,
        first.epoch,
        first.pts_ns,
        label_us(NOON),
        first.pts_ns,
        None,
        first.pts_ns,
    )
    writer = PartWriter(files.part, header)
    writer.append(UNITS)
    writer.sync()
    writer.close()


async def _retry(life: Life, clip: Clip) -> None:
    """As Retry does: the row first, then the file, which start-up makes in the same way."""
    await life.box.catalogue.transition(clip.id, Status.PROCESSING, fields={"error": None, "progress": 0.0})
    await life.start_up()


async def _delete(life: Life, clip: Clip) -> None:
    await life.box.catalogue.delete_clip(clip.id)
    await life.sweep()


async def _is(life: Life, *wanted: tuple[Status, str]) -> bool:
    clip = await life.only_clip()
    in_feed = [found.id for found in (await life.box.catalogue.feed()).items]
    return (
        clip is not None
        and (clip.status, clip.caption) in wanted
        and in_feed == ([clip.id] if clip.status is Status.PUBLISHED else [])
        and (clip.published_at is not None) == (clip.status is Status.PUBLISHED)
    )


async def _gone_or_whole(life: Life) -> bool:
    clip = await life.only_clip()
    if clip is not None:
        return await _is(life, (Status.PUBLISHED, "")) and clip.likes == 1
    return not any(life.box.files.clips_dir.iterdir()) and not any(life.box.files.thumbnails_dir.iterdir())


async def _promise_or_none(life: Life) -> bool:
    found = await life.only_clip()
    if found is None or not await _is(life, (Status.DRAFT, ""), (Status.DRAFT, "soon")):
        return False
    promised = found.publish_at is not None
    life.box.clock.time = NOON + 2 * HOUR
    await life.publishing.tick()
    after = Status.PUBLISHED if promised else Status.DRAFT
    return promised == (found.caption == "soon") and await _is(life, (after, found.caption))


async def _liked_once(life: Life) -> bool:
    found = await life.only_clip()
    return found is not None and found.likes == int(await life.box.catalogue.is_liked(found.id, "visitor"))


async def _failed_or_draft(life: Life) -> bool:
    found = await life.only_clip()
    if found is None:
        return False
    part = ClipFiles(life.box.files.clips_dir, found.id).part.exists()
    if found.status is Status.FAILED:
        return found.retryable and part
    return found.status is Status.DRAFT and found.frame_count == len(UNITS) and not part


CASES: dict[str, Case] = {
    "publish": Case(
        _finished,
        lambda life, clip: life.publishing.publish(clip.id, caption="now"),
        lambda life: _is(life, (Status.DRAFT, ""), (Status.PUBLISHED, "now")),
    ),
    "promise": Case(
        _finished,
        lambda life, clip: life.publishing.publish(clip.id, caption="soon", at=NOON + HOUR),
        _promise_or_none,
    ),
    "keep a promise": Case(
        _promised,
        lambda life, clip: life.publishing.tick(),
        # Due when it was killed, so it is out after the start, whatever the kill cut.
        lambda life: _is(life, (Status.PUBLISHED, "promised")),
    ),
    "unpublish": Case(
        _published,
        lambda life, clip: life.publishing.unpublish(clip.id),
        lambda life: _is(life, (Status.DRAFT, ""), (Status.PUBLISHED, "")),
    ),
    "like": Case(_published, lambda life, clip: life.publishing.like(clip.id, "visitor"), _liked_once),
    "delete": Case(_deleted, _delete, _gone_or_whole),
    "retry": Case(_failed, _retry, _failed_or_draft),
}


async def alive(directory: Path, work: Callable[[Life], Awaitable[object]], at: datetime = NOON) -> None:
    """One process's life on the box in `directory`."""
    async with Box.opened(directory) as box:
        box.clock.time = at
        await work(Life(box, directory))


async def agreement(life: Life) -> list[str]:
    """What fsck finds, every byte read, and what start-up had to set aside because nobody knew it."""
    report = await fsck.check(life.box.catalogue, life.box.files, HERE, fsck.Level.HASH, settle_s=0)
    # A probe of whether a directory can be written (a dot and .tmp) is nobody's and may be cut too.
    strangers = [path.name for path in life.box.files.quarantine_dir.iterdir() if path.suffix != ".tmp"]
    return [finding.sentence for finding in report.findings] + strangers
