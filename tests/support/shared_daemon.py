"""One daemon for all tests that only read and record: the first one starts it, the last one ends it.

Such tests lie in one folder, which one worker runs in one piece (tests/spread.py). They find their own clips
by id, title or tag: the catalogue holds those of the tests before them. A test that kills, reloads or fills a
disk has a daemon of its own.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.support.daemon import Daemon


class SharedDaemon:
    """A daemon from the first call of `running` until `end`; a later call starts another one."""

    def __init__(self, started: Callable[[], AbstractContextManager[Daemon]]) -> None:
        """`started` waits until there is enough in the buffers, and may bring cameras of its own."""
        self._started = started
        self._stack = ExitStack()
        self._daemon: Daemon | None = None

    def running(self) -> Daemon:
        if self._daemon is None:
            self._daemon = self._stack.enter_context(self._started())
        return self._daemon

    def end(self) -> None:
        """Idempotent."""
        self._daemon = None
        self._stack.close()

    def end_unless_needed(self, folder: Path, nextitem: pytest.Item | None) -> None:
        """For the teardown of every test: a daemon takes processor time as long as it runs."""
        if nextitem is None or folder not in nextitem.path.parents:
            self.end()
