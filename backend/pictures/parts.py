"""Puts together what makes, keeps and finds the pictures of clips."""

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from backend.base.health import Health
from backend.catalogue import Catalogue
from backend.config.model import PreviewsConfig
from backend.events.clip_events import ClipNews
from backend.foundation.local_files import LocalFiles
from backend.pictures.automatic import Previews
from backend.pictures.frame_material import FrameMaterial
from backend.pictures.manual import ManualPictures
from backend.pictures.pictures import Pictures
from backend.playback.clip_bytes import ClipBytes
from recorder.base.workers import WorkerPool


@dataclass(frozen=True, slots=True)
class PictureParts:
    """What pictures stand on. `runtime_dir` is emptied at every start."""

    catalogue: Catalogue
    news: ClipNews
    files: LocalFiles
    health: Health
    workers: WorkerPool
    disk: Executor
    runtime_dir: Path


@dataclass(frozen=True, slots=True)
class Picturing:
    """The parts, for those who need one of them."""

    pictures: Pictures
    previews: Previews
    manual: ManualPictures

    async def close(self) -> None:
        """Give up what is being made."""
        await self.previews.close()
        await self.manual.close()
        self.pictures.close()


def open_picturing(parts: PictureParts, clip_bytes: ClipBytes, config: PreviewsConfig) -> Picturing:
    """All of it, for one daemon."""
    pictures = Pictures(parts.catalogue, parts.news, parts.files, parts.health, clip_bytes.store)
    material = FrameMaterial(clip_bytes, parts.workers, parts.disk, parts.runtime_dir / "frames")
    previews = Previews(parts.catalogue, pictures, parts.workers, material)
    manual = ManualPictures(parts.catalogue, pictures, parts.workers, material, config)
    return Picturing(pictures, previews, manual)
