"""A box whose daemon is killed at every step of a sweep, one life per step: for test_retention_kills.py.

    python -m tests.support.backend.retention_life DIRECTORY

Each life works on a copy of the same box, in a child of this process that has no thread when it forks.
Every change of the catalogue, every file removed and every piece of news is a step, with a moment before
and one after; the child kills itself at one of them. The next life starts as the daemon does, and what
it finds is printed, one line of JSON per step.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from backend.catalogue import Catalogue, Clip, RetentionRow, Root, StoredPath
from backend.catalogue.retention_rows import RetentionRows
from backend.config.model import Config
from backend.config.retention import RetentionConfig
from backend.foundation.local_files import LocalFiles
from backend.recovery.fsck import Level, check
from backend.recovery.recovery import Recovery
from backend.retention.disk_room import DiskRoom
from backend.retention.garbage import GarbageSweep
from backend.retention.sweep import Retention
from recorder import Finisher, Transcoder
from recorder.base.clock import LabelLine
from tests.support.backend.foundations import a_foundation, foundation_of
from tests.support.backend.rows import HERE, Box
from tests.support.fakes import SimulatedClock

RULES = {"rules": [{"max_clips": 2}], "reserve": {"bytes": 0, "clips": 0}, "hold_above": 1}
CLIPS, KEPT = 5, 0
"""How many clips there are, and which one is a favourite."""


class Steps:
    """Counts moments and ends the process at the fatal one."""

    fatal, count = 0, 0

    @classmethod
    def here(cls) -> None:
        cls.count += 1
        if cls.count == cls.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class SteppedRows(RetentionRows):
    async def delete(self, chosen: Sequence[RetentionRow]) -> list[Clip]:
        Steps.here()
        gone = await super().delete(chosen)
        Steps.here()
        return gone


class SteppedCatalogue(Catalogue):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.retention = SteppedRows(self._database, self._now)

    async def set_notes(self, notes: Mapping[str, str]) -> None:
        Steps.here()
        await super().set_notes(notes)
        Steps.here()

    async def garbage_done(self, garbage_id: int) -> None:
        Steps.here()
        await super().garbage_done(garbage_id)
        Steps.here()


class SteppedFiles(LocalFiles):
    def remove(self, place: StoredPath) -> None:
        directory = self.path_of(place)
        for file in sorted(directory.iterdir()) if directory.is_dir() else ():
            Steps.here()
            file.unlink()
        Steps.here()
        super().remove(place)
        Steps.here()


def main(directory: Path) -> None:
    """Make the box, then live through one death per step."""
    original = directory / "original"
    original.mkdir()
    step = 0
    ids = in_child(lambda: prepare(original), original / "ids")
    while True:
        step += 1
        box = directory / f"life-{step}"
        shutil.copytree(original, box)
        killed = not in_child(lambda box=box, step=step: live(box, step), box / "lived")  # type: ignore[misc]
        found = in_child(lambda box=box: live_again(box), box / "found")  # type: ignore[misc]
        print(json.dumps({"step": step, "killed": killed, "made": ids, "found": found}), flush=True)
        if not killed:
            return


def in_child(life: Callable[[], Coroutine[Any, Any, Any]], answer: Path) -> Any:
    """What `life` returned in a process of its own; None when that was killed."""
    child = os.fork()  # noqa: TID251  this process starts no thread and makes no async loop of its own
    if child == 0:
        code = 1
        try:
            answer.write_text(json.dumps(asyncio.run(life())))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None
    assert status == 0, "a life ended with an error"
    return json.loads(answer.read_text())


async def prepare(directory: Path) -> list[str]:
    async with Box.opened(directory) as box:
        clips = [await box.finished_clip() for _ in range(CLIPS)]
        await box.catalogue.update_clip(clips[KEPT].id, {"keep": True})
        return [clip.id for clip in clips]


async def live(directory: Path, fatal: int) -> bool:
    """Sweep, and die at the fatal step; True: there is no such step."""
    Steps.fatal = fatal
    catalogue = SteppedCatalogue(f"sqlite:///{directory}/catalogue.db")
    await catalogue.open()
    files = SteppedFiles(directory / "clips", directory / "thumbnails", directory / "quarantine")
    with ThreadPoolExecutor(1) as disk:
        await retention_of(catalogue, files, disk).sweep()
    await catalogue.close()
    return True


async def live_again(directory: Path) -> dict[str, Any]:
    """Start as the daemon does, sweep as it goes on doing, and look whether catalogue and disk agree."""
    async with Box.opened(directory) as box:
        with ThreadPoolExecutor(1) as disk:
            finisher = Finisher(disk, Transcoder())
            await Recovery(foundation_of(box, disk=disk, finisher=finisher)).run()
            await GarbageSweep(box.catalogue, box.files, HERE, disk).run()
            before = await check(box.catalogue, box.files, HERE, Level.HASH)
            await retention_of(box.catalogue, box.files, disk).sweep()
        report = await check(box.catalogue, box.files, HERE, Level.HASH)
        return {
            "findings": [finding.sentence for finding in (*before.findings, *report.findings)],
            "clips": [clip.id for clip in await box.catalogue.clips_of_recorder(HERE)],
            "folders": sorted(path.name for root in Root for path in box.files.root(root).iterdir()),
            "quarantined": [path.name for path in box.files.quarantine_dir.iterdir()],
            "garbage": len(await box.catalogue.garbage_of_recorder(HERE)),
        }


def retention_of(catalogue: Catalogue, files: LocalFiles, disk: ThreadPoolExecutor) -> Retention:
    base = a_foundation(
        files.clips_dir.parent,
        Config(retention=RetentionConfig.model_validate(RULES)),
        catalogue=catalogue,
        files=files,
        labels=LabelLine(SimulatedClock()),
        disk=disk,
    )
    room = DiskRoom(base, lambda: (), lambda clip_id, camera: None)
    garbage = GarbageSweep(catalogue, files, HERE, disk)
    return Retention(base, room, garbage, lambda clip: Steps.here(), None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
