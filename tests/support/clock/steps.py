"""A daemon's wall clock, set under it by `offset.c`."""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.native import compiled


class Clock:
    """The wall clock of one daemon."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = timedelta(0)
        self._write()

    def set_by(self, step: timedelta) -> None:
        self.offset += step
        self._write()

    def environment(self) -> dict[str, str]:
        """What the daemon has to be started with."""
        library = compiled(Path(__file__).with_name("offset.c"))
        return {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self.path)}

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def _write(self) -> None:
        ns = (self.offset // timedelta(microseconds=1)) * 1000
        # In place: the daemon has the file mapped.
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("=q", ns))
