"""One daemon for all tests that only read and record: the first one starts it, the last one ends it.

Such tests lie in one folder, which one worker runs in one piece (tests/spread.py). They find their own clips
by id, title or tag: the catalogue holds those of the tests before them. A test that kills, reloads or fills a
disk has a daemon of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.daemon import SMALL_CAMERA, Daemon

BUFFERED_S = 3.0


class SharedDaemon:
    """A daemon from the first call of `running` until `end`; a later call starts it again with its data."""

    def __init__(self, directory: Path, cameras: Sequence[Mapping[str, Any]] = (SMALL_CAMERA,)) -> None:
        self._daemon = Daemon(directory, cameras)
        self._cameras = [str(camera["id"]) for camera in cameras]

    def running(self) -> Daemon:
        """The daemon, with seconds of every camera in its buffer."""
        if not self._daemon.is_running:
            self._daemon.start()
            for camera in self._cameras:
                self._daemon.wait_for_buffer(BUFFERED_S, camera)
        return self._daemon

    def end(self) -> None:
        """Let it end as a service manager would. Idempotent."""
        if self._daemon.is_running:
            assert self._daemon.stop() == 0, self._daemon.log_path.read_text("utf-8", "replace")[-8000:]
