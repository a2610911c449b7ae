"""The protocol of a source, which one capture thread opens, reads and closes.

Not here: choosing a source for a URL (`open`), reconnecting (`background_stream`), hiding what addresses hold
(`recorder.base.redaction`).
"""

from collections.abc import Sequence
from typing import Protocol

from recorder.bitstream.access_unit import SourceUnit
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio

SourceItem = SourceUnit | SourceAudio | SoundTrouble
"""An item read from a source. Most sources have only pictures."""


class Source(Protocol):
    """One connection to a camera. Blocking, one thread. It is opened once; a reconnect creates a new one."""

    @property
    def description(self) -> str:
        """The address without credentials, safe to show."""
        ...

    @property
    def damaged(self) -> int:
        """Empty or unreadable packets since `open`."""
        ...

    def open(self) -> None:
        """Connect. Raises SourceLost if it fails now, SourceUnsupported if retrying cannot help."""
        ...

    def read(self) -> Sequence[SourceItem]:
        """The next items, possibly none; blocks for at most the read timeout.

        Raises SourceLost if the connection ended or went silent. Returns an empty list at once after
        `stop` is set.
        """
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...
