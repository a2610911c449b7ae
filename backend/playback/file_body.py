"""Sends a file over HTTP in pieces: ranges, conditions, HEAD; never the whole file in memory.

aiohttp's own FileResponse ignores an `If-Range` ETag and refuses several ranges with 416 (3.14), so
the decision is ours (`byte_range`). Reads run in the loop's default executor; a client that stops
reading costs one piece of memory and, after a while, its connection.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from backend.base.byte_range import Slice, Stored, choose_slice
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder.base.own_files import open_own
from recorder.base.threads import in_thread

PIECE_BYTES = 512 * 1024
WRITE_TIMEOUT_S = 300.0
"""For one piece, however slowly it is taken. A client that takes nothing at all loses its connection sooner
(`http.listener`): a paused player asks again by range."""


@dataclass(frozen=True, slots=True)
class FileToSend:
    """A file with what HTTP says about it. `etag` without quotes; None: made from size and time."""

    path: Path
    content_type: str
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    threads: Executor | None = None
    """Its readers' threads; None: the loop's own. A directory that may hang brings its own."""


class StoppedReading(ConnectionResetError):
    """A client that took nothing for so long that its connection is given up."""


def _nobody(_: int) -> None:
    """Counts nothing."""


async def send_file(
    request: web.Request, wanted: FileToSend, wrote: Callable[[int], None] = _nobody
) -> web.StreamResponse:
    """Answer a GET or HEAD with the file or the requested part of it. Raises FileNotFoundError.

    `wrote` hears of every piece how many bytes it had.
    """
    file, stored = await in_thread(wanted.threads, partial(_open, wanted))
    try:
        chosen = choose_slice(request.headers, stored)
        if chosen.status == 416:
            return outside(stored, chosen)
        return await _send(request, wanted, chosen, partial(_write, wanted.threads, file, chosen, wrote))
    finally:
        file.close()


def outside(stored: Stored, chosen: Slice) -> web.Response:
    """The 416."""
    refused = Refused(Kind.RANGE_OUTSIDE_FILE, size_bytes=stored.size)
    return web.json_response(
        refused.document(chosen.status),
        status=chosen.status,
        headers=chosen.headers,
        content_type="application/problem+json",
    )


async def write_piece(response: web.StreamResponse, piece: bytes, timeout_s: float = WRITE_TIMEOUT_S) -> None:
    """Send on. Raises StoppedReading, ConnectionResetError."""
    try:
        async with asyncio.timeout(timeout_s):
            await response.write(piece)
    except TimeoutError as error:
        raise StoppedReading("the client stopped reading") from error


async def _send(
    request: web.Request,
    wanted: FileToSend,
    chosen: Slice,
    write: Callable[[web.StreamResponse], Awaitable[None]],
) -> web.StreamResponse:
    response = web.StreamResponse(status=chosen.status, headers={**wanted.headers, **chosen.headers})
    if chosen.status in {200, 206}:
        response.content_type = wanted.content_type
        response.content_length = chosen.length
    await response.prepare(request)
    if request.method != "HEAD":
        await write(response)
    await response.write_eof()
    return response


async def _write(
    threads: Executor | None,
    file: BinaryIO,
    chosen: Slice,
    wrote: Callable[[int], None],
    response: web.StreamResponse,
) -> None:
    at, end = chosen.first, chosen.first + chosen.length
    while at < end:
        read = partial(os.pread, file.fileno(), min(PIECE_BYTES, end - at), at)
        piece = await in_thread(threads, read)
        if not piece:
            # Shorter than it was when it was opened: the client sees the length fall short.
            raise ConnectionResetError("the file ended early")
        await write_piece(response, piece)
        at += len(piece)
        wrote(len(piece))


def _open(wanted: FileToSend) -> tuple[BinaryIO, Stored]:
    file = open_own(wanted.path)
    try:
        facts = os.fstat(file.fileno())
    except OSError:
        file.close()
        raise
    etag = wanted.etag or f"{facts.st_size:x}-{facts.st_mtime_ns:x}"
    modified = datetime.fromtimestamp(facts.st_mtime, UTC).replace(tzinfo=None)
    return file, Stored(facts.st_size, f'"{etag}"', modified)
