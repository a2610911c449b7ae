"""The room of the pictures that clips keep: what makes, stores and finds them. Event loop only."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.base.numbers import counted
from backend.base.scheduler import Scheduler
from backend.events.clip_events import ClipEvents
from backend.foundation.foundation import Foundation
from backend.pictures.automatic import AutomaticPreviews
from backend.pictures.frame_material import FrameMaterial
from backend.pictures.manual import ManualPictures
from backend.pictures.pictures import Pictures
from backend.playback.clip_bytes import ClipBytes
from backend.playback.clip_index import ClipIndexes


@dataclass(frozen=True, slots=True)
class PictureRoom:
    """The parts, for those who need one of them."""

    pictures: Pictures
    previews: AutomaticPreviews
    manual: ManualPictures

    async def close(self) -> None:
        """Give up what is being made."""
        await self.previews.close()
        await self.manual.close()
        self.pictures.close()

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return counted("previews", self.pictures.counters)

    def start(self, scheduler: Scheduler) -> None:
        """Make up for missing pictures from now on."""
        scheduler.every(3600, "owed pictures", self.previews.make_up)


def open_pictures(
    base: Foundation, clip_events: ClipEvents, clip_bytes: ClipBytes, indexes: ClipIndexes
) -> PictureRoom:
    """All of it, for one daemon."""
    pictures = Pictures(base.catalogue, clip_events, base.files, base.health, clip_bytes.store)
    material = FrameMaterial(clip_bytes, indexes, base.workers, base.runtime_dir / "frames")
    previews = AutomaticPreviews(base.catalogue, pictures, base.workers, material)
    manual = ManualPictures(base.catalogue, pictures, base.workers, material, indexes, base.config.previews)
    return PictureRoom(pictures, previews, manual)
