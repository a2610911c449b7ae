"""The paths of one recording's files, and the durable steps that create and remove them.

    <clips_dir>/<recording id>/unacknowledged   empty; exists until the catalogue has the row
    <clips_dir>/<recording id>/recording.part   the recording in progress, or failed and kept
    <clips_dir>/<recording id>/clip.mp4.tmp     being finished; removed at start-up
    <clips_dir>/<recording id>/clip.mp4         finished and durable

A power cut between any two steps leaves one of these states and no other; `docs/design/recording.md`
describes how start-up handles each. Blocking; called from disk threads only.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from recorder.base.durable import sync_directory

MARKER_NAME = "unacknowledged"
PART_NAME = "recording.part"
CLIP_NAME = "clip.mp4"
TEMPORARY_NAME = "clip.mp4.tmp"


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """The files of the recording `recording_id` below `clips_dir`."""

    clips_dir: Path
    recording_id: str

    @property
    def directory(self) -> Path:
        return self.clips_dir / self.recording_id

    @property
    def marker(self) -> Path:
        return self.directory / MARKER_NAME

    @property
    def part(self) -> Path:
        return self.directory / PART_NAME

    @property
    def temporary(self) -> Path:
        return self.directory / TEMPORARY_NAME

    @property
    def clip(self) -> Path:
        return self.directory / CLIP_NAME

    def claim(self) -> None:
        """Create the directory and its marker durably, before any other file of the recording.

        Raises OSError; anything this call created is removed, existing files stay.
        """
        self.directory.mkdir(parents=True)
        try:
            self.marker.touch()
            sync_directory(self.directory)
            sync_directory(self.clips_dir)
        except OSError:
            self.remove()
            raise

    def acknowledge(self) -> None:
        """Remove the marker, because the row is committed."""
        self.marker.unlink(missing_ok=True)

    def publish(self) -> None:
        """Rename the finished, synced temporary file to its final name, durably."""
        self.temporary.rename(self.clip)
        sync_directory(self.directory)

    def discard_part(self) -> None:
        """Remove the part file, once the row refers to the finished file."""
        self.part.unlink(missing_ok=True)

    def is_unclaimed(self) -> bool:
        """Whether no row can refer to these files: marked, or an empty directory as `claim` creates it."""
        if self.directory.is_symlink():
            return False  # what it leads to is not ours to remove
        return self.marker.exists() or (self.directory.is_dir() and not any(self.directory.iterdir()))

    def remove(self) -> None:
        """Remove all files of the recording and its directory, the marker last.

        If the process is killed in between, the marker still identifies the rest as unclaimed.
        """
        with suppress(FileNotFoundError):
            for path in self.directory.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path != self.marker:
                    path.unlink()
            self.marker.unlink(missing_ok=True)
            self.directory.rmdir()
