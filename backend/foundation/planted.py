"""Counts what lies in place of our files and was therefore not opened: links, pipes, folders.

The rule itself is `recorder.base.own_files`. Any thread.
"""

import logging
import threading

from recorder.base.own_files import NotOurFile

log = logging.getLogger(__name__)

MOST_NAMED = 64
"""As many paths are named in the log, each once; further ones are only counted."""


class PlantedFiles:
    """How often one was met since the daemon started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._named: set[str] = set()
        self.met = 0

    def note(self, error: NotOurFile) -> None:
        """Count it, and name it in the log the first time."""
        path = str(error.filename)
        with self._lock:
            self.met += 1
            if path in self._named or len(self._named) >= MOST_NAMED:
                return
            self._named.add(path)
        log.warning("%s: %s. It counts as a missing file; remove it by hand", path, error.strerror)
