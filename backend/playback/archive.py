"""Many clips as one ZIP archive, sent while it is read: exact length, constant memory, nothing written.

Every content is opened before the answer begins, so that a clip deleted meanwhile is still sent whole
and one that is missing is an error with words instead of a torn download. A client that leaves stops
the reading. Not here: how many there may be at once (`access`). Event loop; files are read in its default
executor.
"""

import asyncio
import os
import secrets
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from backend.catalogue import Clip
from backend.events.log import EventLog
from backend.playback.archive_names import archive_names
from backend.playback.zip_layout import Entry, ZipLayout
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder.base.own_files import open_own

PIECE_BYTES = 256 * 1024
PUBLISH_EVERY_S = 1.0


class Content(Protocol):
    """The bytes of one clip, opened. `pieces` is read once; `close` may be called at any time."""

    @property
    def size_bytes(self) -> int: ...

    def pieces(self) -> AsyncGenerator[bytes, None]: ...

    async def close(self) -> None: ...


Opener = Callable[[Clip], Awaitable[Content]]
"""Opens the content of a finished clip wherever it is. Raises Refused."""


@dataclass(slots=True)
class ArchiveCounters:
    """Since the daemon started."""

    sent: int = 0
    broken: int = 0
    bytes: int = 0


class LocalContent:
    """A finished file on the disk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size_bytes = os.fstat(file.fileno()).st_size

    @classmethod
    async def open(cls, path: Path) -> "LocalContent":
        """Raises OSError."""
        return await asyncio.to_thread(lambda: cls(open_own(path)))

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        at = 0
        while piece := await asyncio.to_thread(os.pread, self._file.fileno(), PIECE_BYTES, at):
            at += len(piece)
            yield piece

    async def close(self) -> None:
        self._file.close()


class Archive:
    """One archive about to be sent: what it holds and how long it is."""

    def __init__(self, layout: ZipLayout, contents: Sequence[Content], job: str) -> None:
        self.layout = layout
        self.job = job
        self._contents = contents

    @property
    def total_bytes(self) -> int:
        return self.layout.total_bytes

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """All bytes, in order. Raises ConnectionResetError when a file is not as long as it was."""
        crc32s = []
        for number, content in enumerate(self._contents):
            yield self.layout.header(number)
            crc32, left = 0, self.layout.entries[number].size_bytes
            async with aclosing(content.pieces()) as pieces:
                async for piece in pieces:
                    crc32 = await asyncio.to_thread(zlib.crc32, piece, crc32)
                    left -= len(piece)
                    if left < 0:
                        break
                    yield piece
            if left != 0:
                raise ConnectionResetError("a file changed while it was put into an archive")
            await content.close()
            crc32s.append(crc32)
            yield self.layout.descriptor(number, crc32)
        yield self.layout.directory(crc32s)


def _must_be_ready(clip: Clip) -> None:
    if clip.is_ready:
        return
    if clip.error:
        raise Refused(
            Kind.CLIP_OF_ARCHIVE_FAILED, field="ids", clip=clip.id, status=clip.status, reason=clip.error
        )
    raise Refused(Kind.CLIP_OF_ARCHIVE_NOT_READY, field="ids", clip=clip.id, status=clip.status)


class Archives:
    """Makes archives and tells pages how far they are."""

    def __init__(
        self,
        to_share: Opener,
        original: Opener,
        events: EventLog,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`to_share` opens the form of a clip that may leave the house, `original` its own file."""
        self._to_share = to_share
        self._original = original
        self._events = events
        self._monotonic_s = monotonic_s
        self.under_way = 0
        self.counters = ArchiveCounters()

    async def prepare(
        self, stack: AsyncExitStack, clips: Sequence[Clip], job: str | None, *, original: bool = False
    ) -> Archive:
        """Open everything; `stack` closes it again. Refused for a clip that is not ready.

        An archive is passed on, so it holds what may leave the house; `original`: the clips' own files.
        """
        for clip in clips:
            _must_be_ready(clip)
        self.under_way += 1
        stack.callback(self._left)
        opener = self._original if original else self._to_share
        contents = []
        for clip in clips:
            contents.append(content := await opener(clip))
            stack.push_async_callback(content.close)
        entries = [
            Entry(name, content.size_bytes, clip.start_time)
            for name, content, clip in zip(archive_names(clips), contents, clips, strict=True)
        ]
        return Archive(ZipLayout(entries), contents, job or secrets.token_hex(8))

    async def send(self, archive: Archive, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write all of it; pages hear about once a second how far it is, and at its end."""
        sent, published_s = 0, self._monotonic_s()
        state = "stopped"
        self._publish(archive, 0, "sending")
        try:
            async with aclosing(archive.pieces()) as pieces:
                async for piece in pieces:
                    await write(piece)
                    sent += len(piece)
                    self.counters.bytes += len(piece)
                    if (now_s := self._monotonic_s()) - published_s >= PUBLISH_EVERY_S:
                        published_s = now_s
                        self._publish(archive, sent, "sending")
            state = "done"
        finally:
            if state == "done":
                self.counters.sent += 1
            else:
                self.counters.broken += 1
            self._publish(archive, sent, state)

    def _publish(self, archive: Archive, sent: int, state: str) -> None:
        event = {"job": archive.job, "state": state, "sent_bytes": sent, "total_bytes": archive.total_bytes}
        self._events.publish("archive", event | {"progress": sent / archive.total_bytes})

    def _left(self) -> None:
        self.under_way -= 1
