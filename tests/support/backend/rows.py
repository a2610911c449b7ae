"""A catalogue with files beside it, for tests that need clips of which both tell the same."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.base.ids import new_id
from backend.catalogue import Catalogue, Clip, MediaType, NewClip, PreviewInfo, Previews
from backend.catalogue.lifecycle import Status
from backend.foundation.local_files import LocalFiles
from recorder.recording.clip_files import PART_NAME

HERE = new_id()
NOON = datetime(2026, 3, 1, 12)


def put(path: Path, content: bytes) -> None:
    """Write a file the plain way: a test need not survive a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@dataclass
class Clock:
    """A wall clock that a test moves."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time


@dataclass
class Box:
    """One recorder's catalogue and directories."""

    catalogue: Catalogue
    files: LocalFiles
    clock: Clock

    @classmethod
    @asynccontextmanager
    async def opened(cls, directory: Path) -> AsyncIterator["Box"]:
        files = LocalFiles(directory / "clips", directory / "thumbnails", directory / "quarantine")
        await asyncio.to_thread(files.prepare)
        clock = Clock()
        box = cls(Catalogue(f"sqlite:///{directory}/catalogue.db", now=clock.now), files, clock)
        await box.catalogue.open()
        try:
            yield box
        finally:
            await box.catalogue.close()

    async def finished_clip(self, content: bytes = b"moving pictures") -> Clip:
        """A draft with its file and its middle picture."""
        clip_id = new_id()
        path = f"{clip_id}/clip.mp4"
        put(self.files.clips_dir / path, content)
        picture = f"{clip_id}/middle.jpg"
        put(self.files.thumbnails_dir / picture, b"picture")
        return await self.catalogue.insert_clip(
            NewClip(
                id=clip_id,
                recorder_id=HERE,
                camera="front",
                media_type=MediaType.VIDEO,
                status=Status.DRAFT,
                start_time=NOON,
                pressed_at=NOON,
                size_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                path=path,
                previews=Previews(middle=PreviewInfo(picture, 640, 360)),
            )
        )

    async def running_clip(self) -> Clip:
        """A pending clip with its part file."""
        clip_id = new_id()
        put(self.files.clips_dir / clip_id / PART_NAME, b"units")
        new = NewClip(id=clip_id, recorder_id=HERE, camera="front", start_time=NOON, pressed_at=NOON)
        return await self.catalogue.insert_clip(new)
