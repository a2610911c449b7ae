"""Pictures taken one by one over hours, kept in a part file until they become a clip.

Here: a part file of JPEGs whose times are those of the clip to come (`fps` pictures per second, whatever
lies between them), opened anew after a crash. Not here: when a picture is due, where the file lies, making
the clip (`finishing`, as for every part). Blocking; belongs to one disk thread at a time.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recorder.base.durable import sync_directory
from recorder.base.media_time import NS_PER_S, label_us
from recorder.base.values import Picture
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.recording.clip_files import ClipFiles
from recorder.recording.finishing import header_label
from recorder.recording.part_file import PartHeader, PartReader, PartWriter


@dataclass(frozen=True, slots=True)
class TimelapseOrder:
    """Whose pictures these are, and how fast they are shown."""

    recording_id: str
    camera_id: str
    recorder_id: str
    fps: int


@dataclass(frozen=True, slots=True)
class TimelapseContents:
    """What a picture part holds; width and height are those of the first picture."""

    pictures: int
    first_label: datetime
    width: int
    height: int


class TimelapsePart:
    """The file at `path`, new or gone on with. Every method may raise OSError."""

    def __init__(self, path: Path, order: TimelapseOrder) -> None:
        """Raises PartFileDamaged where there is a file that is none."""
        self._path = path
        self._order = order
        self._writer: PartWriter | None = None
        self._epoch: Epoch | None = None
        self.pictures = 0
        if path.exists():
            self._writer = PartWriter.reopen(path)
            reader = PartReader(path)
            self._epoch, self.pictures = reader.header.epoch, reader.unit_count

    def append(self, picture: Picture) -> None:
        """Keep one more, durably. A picture of another size is fitted to the first when the clip is made."""
        if self._writer is None or self._epoch is None:
            self._epoch = Epoch(Codec.MJPEG, picture.width, picture.height, b"")
            if not self._path.parent.exists():
                self._path.parent.mkdir(parents=True)
                sync_directory(self._path.parent.parent)
            self._writer = PartWriter(self._path, self._header(self._epoch, picture.label))
        frame_ns = NS_PER_S // self._order.fps
        at_ns = self.pictures * NS_PER_S // self._order.fps
        unit = AccessUnit(
            sequence=self.pictures,
            run=0,
            epoch=self._epoch,
            is_keyframe=True,
            pts_ns=at_ns,
            dts_ns=at_ns,
            duration_ns=frame_ns,
            data=picture.jpeg,
        )
        self._writer.append([unit])
        self._writer.sync()
        self.pictures += 1

    def close(self) -> None:
        """Closing twice is fine."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _header(self, epoch: Epoch, label: datetime) -> PartHeader:
        return PartHeader(
            recording_id=self._order.recording_id,
            camera_id=self._order.camera_id,
            recorder_id=self._order.recorder_id,
            epoch=epoch,
            base_ns=0,
            base_label_us=label_us(label),
            start_ns=0,
            end_ns=None,
            pressed_ns=0,
        )


def read_timelapse_part(path: Path) -> TimelapseContents | None:
    """What is in a picture part; None where there is none, or no picture in it. Raises PartFileDamaged."""
    if not path.exists():
        return None
    reader = PartReader(path)
    if reader.unit_count == 0:
        return None
    epoch = reader.header.epoch
    return TimelapseContents(reader.unit_count, header_label(reader.header)(0), epoch.width, epoch.height)


def link_timelapse_part(path: Path, files: ClipFiles) -> None:
    """Make the pictures the material of an unacknowledged clip as well: a second name, or a copy where the
    file system has none. The first name stays until the clip is finished. Raises OSError.
    """
    if files.directory.exists():
        files.remove()  # of a try that was broken off before its row
    files.claim()
    try:
        try:
            os.link(path, files.part)
        except OSError:
            shutil.copyfile(path, files.part)
            with files.part.open("rb") as copy:
                os.fsync(copy.fileno())
        sync_directory(files.directory)
    except OSError:
        files.remove()
        raise
