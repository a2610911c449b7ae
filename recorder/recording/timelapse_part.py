"""Collects the pictures of a time-lapse in a part file until they become a clip.

Here: a part file of JPEGs timed for playback (`fps` pictures per second, however far apart they were taken);
it is reopened after a crash. Not here: when a picture is due, the path of the file, making the clip
(`finishing`, as for every part). Blocking; belongs to one disk thread at a time.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recorder.base.durable import sync_directory
from recorder.base.media_time import NS_PER_S, label_us
from recorder.base.own_files import open_own
from recorder.base.values import Picture
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.recording.clip_files import ClipFiles
from recorder.recording.finishing import header_label
from recorder.recording.part_file import PartHeader, PartReader, PartWriter


@dataclass(frozen=True, slots=True)
class TimelapseOrder:
    """The camera, recorder and recording of a time-lapse, and its playback rate."""

    recording_id: str
    camera_id: str
    recorder_id: str
    fps: int


@dataclass(frozen=True, slots=True)
class TimelapseContents:
    """The contents of a time-lapse part; width and height are those of the first picture."""

    pictures: int
    first_label: datetime
    width: int
    height: int


class TimelapsePart:
    """Writes the part file at `path`, new or continued. Every method may raise OSError."""

    def __init__(self, path: Path, order: TimelapseOrder) -> None:
        """Raises PartFileDamaged if `path` exists but is not a part file."""
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
        """Append a picture durably. All pictures are scaled to the first one's size when the clip is made."""
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
        """Close the file. Idempotent."""
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
    """Read the contents of a part; None if it is missing or holds no picture. Raises PartFileDamaged."""
    try:
        reader = PartReader(path)
    except FileNotFoundError:
        return None
    if reader.unit_count == 0:
        return None
    epoch = reader.header.epoch
    return TimelapseContents(reader.unit_count, header_label(reader.header)(0), epoch.width, epoch.height)


def link_timelapse_part(path: Path, files: ClipFiles) -> None:
    """Make the part at `path` also the part of an unacknowledged clip: a hard link, or a copy if the file
    system has none. `path` stays until the clip is finished. Raises OSError.
    """
    if files.directory.exists():
        files.remove()  # left by an attempt that was interrupted before its row
    files.claim()
    try:
        try:
            os.link(path, files.part, follow_symlinks=False)
        except OSError:
            with open_own(path) as original, files.part.open("xb") as copy:
                shutil.copyfileobj(original, copy)
                copy.flush()
                os.fsync(copy.fileno())
        sync_directory(files.directory)
    except OSError:
        files.remove()
        raise
