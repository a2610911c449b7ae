"""What start-up makes of a box that died in the middle: every directory of ours, against its row.

The table in docs/design/recording.md is this file's specification. Runs before cameras start and
before the daemon reports ready, so nothing here races with a recording. Files nobody knows are moved
to quarantine, never deleted. Blocking work runs in executors; may take as long as cutting the clips. What
must be encoded is handed on: minutes of encoding must not keep the buffers from filling.
"""

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path

from backend.base.ids import is_id
from backend.catalogue import Clip, NewClip, Root
from backend.catalogue.lifecycle import FINISHED, UNFINISHED, Status
from backend.clips.rows import finished_fields, user_fields
from backend.foundation.foundation import Foundation
from backend.foundation.other_accounts import let_group_pass
from backend.pictures.picture_names import unclaimed
from recorder import ClipFiles, Codec, PartHeader, finish_part, header_label, read_part_header, upright_size
from recorder.base.errors import RecorderError
from recorder.base.own_files import is_own_file
from recorder.base.threads import in_thread
from recorder.base.values import ClockState

log = logging.getLogger(__name__)

MATERIAL_GONE = "The files of this recording are gone from the disk, so nothing can be finished."
_TOGETHER = 200
"""Rows whose pictures are looked at in one go: never all of them are in memory."""
ONLY_CLIP_LEFT = "The finished file is there but not the recording it was made of; look at the disk."


@dataclass(slots=True)
class RecoveryReport:
    """What was found and done, by clip id."""

    salvaged: list[str] = field(default_factory=list)
    to_transcode: list[Clip] = field(default_factory=list)
    """`processing` rows whose material is complete; the room of the clips finishes them."""
    failed: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)


async def recover(base: Foundation) -> RecoveryReport:
    """Set right what an earlier process left, and say in the log what that was."""
    report = await Recovery(base).run()
    log.info(
        "start-up: %d recordings finished, %d to encode, %d failed, %d adopted, %d removed, %d quarantined",
        len(report.salvaged),
        len(report.to_transcode),
        len(report.failed),
        len(report.adopted),
        len(report.removed),
        len(report.quarantined),
    )
    return report


class Recovery:
    """One start-up."""

    def __init__(self, base: Foundation) -> None:
        self._catalogue = base.catalogue
        self._recorder_id = base.recorder_id
        self._local = base.files
        self._runtime_dir = base.runtime_dir
        self._disk = base.disk
        self._finishing = base.finisher.threads
        self.report = RecoveryReport()

    async def run(self) -> RecoveryReport:
        """Set right everything of this recorder. Raises OSError when the directories cannot be used."""
        await in_thread(self._disk, self._tidy)
        garbage = {item.clip_id for item in await self._catalogue.garbage_of_recorder(self._recorder_id)}
        names, linked = await in_thread(self._disk, self._folders)
        mine = await self._rows(frozenset(names) - linked)
        await self._strangers([name for name in names if name not in mine and name not in garbage], mine)
        await self._strange_pictures(mine | garbage)
        return self.report

    def _folders(self) -> tuple[list[str], frozenset[str]]:
        """What lies among the clips, and which of it is a link: that leads to nothing of ours."""
        with os.scandir(self._local.clips_dir) as entries:
            found = [(entry.name, entry.is_symlink()) for entry in entries]
        return sorted(name for name, _ in found), frozenset(name for name, is_link in found if is_link)

    async def _rows(self, names: frozenset[str]) -> set[str]:
        """Every clip of this recorder against the directories `names`; returns their ids."""
        mine: set[str] = set()
        together: list[Clip] = []
        async for row in self._catalogue.walk_clips(self._recorder_id):
            mine.add(row.id)
            if row.id in names:
                await self._known(row)
            elif row.status in UNFINISHED:
                await self._fail(row, MATERIAL_GONE, retryable=False)
            together.append(row)
            if len(together) >= _TOGETHER:
                await in_thread(self._disk, partial(self._remove_unclaimed, tuple(together)))
                together.clear()
        await in_thread(self._disk, partial(self._remove_unclaimed, tuple(together)))
        return mine

    async def _strange_pictures(self, known: set[str]) -> None:
        files = self._local
        for stranger in await in_thread(self._disk, lambda: files.strangers(Root.THUMBNAILS, known)):
            # Boxes may share the directory, and then it may be another box's.
            if not is_id(stranger.name) or await self._catalogue.get_clip(stranger.name) is None:
                await in_thread(self._disk, partial(self._quarantine, stranger))

    def _remove_unclaimed(self, rows: Iterable[Clip]) -> None:
        tops = self._local.roots(Root.THUMBNAILS)
        for row, top in product(rows, tops):
            # A picture that stays costs a little space; it is no reason not to start.
            with suppress(OSError):
                if (top / row.id).is_symlink():
                    continue
                names = [path.name for path in (top / row.id).iterdir()]
                for name in unclaimed(row, names):
                    (top / row.id / name).unlink()

    def _tidy(self) -> None:
        self._local.clips_dir.mkdir(parents=True, exist_ok=True)
        if self._runtime_dir.is_symlink():
            self._runtime_dir.unlink()  # what it leads to is not ours to empty
        shutil.rmtree(self._runtime_dir, ignore_errors=True)
        self._runtime_dir.mkdir(parents=True)
        let_group_pass(self._runtime_dir)
        for path in self._local.clips_dir.glob("*/*.tmp"):
            if is_id(path.parent.name) and not path.parent.is_symlink():
                path.unlink()

    async def _known(self, row: Clip) -> None:
        files = self._files(row.id)
        await in_thread(self._disk, files.acknowledge)
        if row.status in FINISHED:
            clip = None if row.path is None else self._local.clips_dir / row.path
            if clip is not None and await in_thread(self._disk, partial(is_own_file, clip)):
                await in_thread(self._disk, files.discard_part)
        elif row.status in UNFINISHED:
            await self._finish(row, files)

    async def _finish(self, row: Clip, files: ClipFiles) -> None:
        """From the part file; it is there until the row says draft, whatever else is."""
        if not await in_thread(self._disk, partial(is_own_file, files.part)):
            only_clip = await in_thread(self._disk, partial(is_own_file, files.clip))
            await self._fail(row, ONLY_CLIP_LEFT if only_clip else MATERIAL_GONE, retryable=False)
            return
        if row.status is Status.PENDING:
            row = await self._catalogue.transition(row.id, Status.PROCESSING)
        header = await in_thread(self._disk, partial(read_part_header, files))
        if header is not None and header.epoch.codec is not Codec.H264:
            self.report.to_transcode.append(row)
            return
        try:
            clip = await in_thread(self._finishing, partial(finish_part, files))
        except (RecorderError, OSError) as error:
            await self._fail(row, str(error), retryable=True)
            return
        fields = finished_fields(clip, row.pressed_at, row.id)
        await self._catalogue.transition(row.id, Status.DRAFT, fields=fields)
        await in_thread(self._disk, files.discard_part)
        self.report.salvaged.append(row.id)

    async def _fail(self, row: Clip, reason: str, *, retryable: bool) -> None:
        await self._catalogue.transition(
            row.id, Status.FAILED, fields={"error": reason, "retryable": retryable}
        )
        self.report.failed.append(row.id)
        log.warning("clip %s could not be salvaged: %s", row.id, reason)

    async def _strangers(self, names: list[str], mine: set[str]) -> None:
        """Directories without a row: unacknowledged ones go, continuations are adopted, the rest moves."""
        orphans: dict[str, PartHeader | None] = {}
        for name in names:
            files = self._files(name)
            if is_id(name) and await in_thread(self._disk, files.is_unclaimed):
                orphans[name] = await in_thread(self._disk, partial(read_part_header, files))
            else:
                await in_thread(self._disk, partial(self._quarantine, self._local.clips_dir / name))
        # Ids ascend with time, so a continuation of a continuation comes after the one it continues.
        for name in sorted(orphans):
            header = orphans[name]
            before = header.continued_from if header is not None else None
            earlier = await self._catalogue.get_clip(before) if before in mine and before else None
            if header is None or earlier is None:
                await in_thread(self._disk, self._files(name).remove)
                self.report.removed.append(name)
            else:
                await self._adopt(name, header, earlier)
                mine.add(name)

    async def _adopt(self, clip_id: str, header: PartHeader, earlier: Clip) -> None:
        """The 201 of the first clip promised this one too."""
        label = header_label(header)
        width, height = upright_size(header.epoch.width, header.epoch.height, header.rotation_deg)
        new = NewClip(
            id=clip_id,
            recorder_id=self._recorder_id,
            camera=header.camera_id,
            start_time=label(header.start_ns),
            pressed_at=label(header.pressed_ns),
            planned_end=None if header.end_ns is None else label(header.end_ns),
            clock=ClockState(header.clock) if header.clock else ClockState.UNSYNCHRONISED,
            width=width,
            height=height,
            video_codec=header.epoch.codec.value,
            **user_fields(earlier),
        )
        _, row = await self._catalogue.insert_continuation(earlier.id, new)
        self.report.adopted.append(clip_id)
        await self._known(row)

    def _quarantine(self, stranger: Path) -> None:
        try:
            target = self._local.quarantine(stranger)
        except OSError as error:
            # A mount point's lost+found, another owner's folder: not ours, and no reason not to start.
            log.warning("%s is not in the catalogue and cannot be moved: %s", stranger, error.strerror)
            return
        self.report.quarantined.append(stranger.name)
        log.warning("%s is not in the catalogue; moved to %s", stranger, target)

    def _files(self, clip_id: str) -> ClipFiles:
        return ClipFiles(self._local.clips_dir, clip_id)
