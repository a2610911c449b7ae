"""Where the files of one recording are, and the durable steps that make and remove them.

    <clips_dir>/<recording id>/unacknowledged   empty; there until the catalogue has the row
    <clips_dir>/<recording id>/recording.part   the recording under way, or failed and kept
    <clips_dir>/<recording id>/clip.mp4.tmp     being finished; never survives a start-up
    <clips_dir>/<recording id>/clip.mp4         finished and durable

A power cut between any two steps leaves one of these states and no other; `docs/design/recording.md`
tells what start-up makes of each. Blocking; called from disk threads only.
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
        """Make the directory and its marker durable, before anything else of the recording exists.

        Raises OSError; what was there before stays, what this call made goes.
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
        """The row is committed: from now on the files are somebody's."""
        self.marker.unlink(missing_ok=True)

    def publish(self) -> None:
        """Give the finished, synced temporary file its name, durably."""
        self.temporary.rename(self.clip)
        sync_directory(self.directory)

    def discard_part(self) -> None:
        """Remove the part file, once the row says that the finished file stands for it."""
        self.part.unlink(missing_ok=True)

    def is_unclaimed(self) -> bool:
        """Whether nobody can have been promised anything of this: marked, or empty as `claim` begins."""
        return self.marker.exists() or (self.directory.is_dir() and not any(self.directory.iterdir()))

    def remove(self) -> None:
        """Remove every file of the recording and its directory; the marker goes last.

        So what a kill leaves in the middle is still known as nobody's.
        """
        with suppress(FileNotFoundError):
            for path in self.directory.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path != self.marker:
                    path.unlink()
            self.marker.unlink(missing_ok=True)
            self.directory.rmdir()
