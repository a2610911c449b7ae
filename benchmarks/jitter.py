"""The live picture over a line that jitters: real browser, real daemon, and a relay that delays what passes.

Every piece that the daemon sends waits between nothing and twice the jitter, and none overtakes another, as
over a radio link. What the page makes of it is asked of the page (browser.js).
"""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.camera import cameras
from benchmarks.daemon import BenchmarkFailed, daemon
from benchmarks.report import Table, Value, percentile
from benchmarks.web import SHORT_GOP, chromium, fresh_page

JITTER_S = 0.08
LEARN_S = 30.0
"""The page does not know the line yet: what it takes to learn it is told apart."""
PIECE_BYTES = 64 * 1024
MOST_WAITING = 256
START_S = 10.0


class Relay:
    """Connections to a loopback port, passed on; what comes back is delayed. Its loop runs in a thread."""

    def __init__(self, port: int, jitter_s: float) -> None:
        self.port = 0
        self._to_port = port
        self._jitter_s = jitter_s
        self._chance = random.Random(7)
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="relay", daemon=True)

    def start(self) -> None:
        """Returns when connections are taken."""
        self._thread.start()
        if not self._ready.wait(START_S):
            raise BenchmarkFailed("the relay did not start")

    def close(self) -> None:
        """Ends all connections."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with await asyncio.start_server(self._pass_on, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        with suppress(ConnectionError):
            await asyncio.gather(self._at_once(reader, back), self._delayed(there, writer))
        for end in (writer, back):
            end.close()

    async def _at_once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def _delayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_WAITING)
        await asyncio.gather(self._take(reader, waiting), self._give(waiting, writer))

    async def _take(self, reader: asyncio.StreamReader, waiting: asyncio.Queue[tuple[float, bytes]]) -> None:
        due_s, now_s = 0.0, asyncio.get_running_loop().time
        while piece := await reader.read(PIECE_BYTES):
            due_s = max(due_s, now_s() + self._chance.uniform(0, 2 * self._jitter_s))
            await waiting.put((due_s, piece))
        await waiting.put((due_s, b""))

    async def _give(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            due_s, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due_s - now_s()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()


@contextmanager
def relay(port: int, jitter_s: float) -> Iterator[Relay]:
    """A relay to `port` that jitters by ± `jitter_s`."""
    line = Relay(port, jitter_s)
    line.start()
    try:
        yield line
    finally:
        line.close()


def run(where: Path, minutes: float) -> Table:
    """Stalls, jumps and distance of one page that looks at one camera for so long."""
    with (
        cameras(1, SHORT_GOP) as sources,
        daemon(where, sources, 20) as box,
        relay(box.port, JITTER_S) as line,
        chromium() as browser,
        fresh_page(browser, f"http://127.0.0.1:{line.port}/#/?camera=cam0") as page,
    ):
        page.evaluate("bench.firstPicture()")
        found = [page.evaluate("(s) => bench.watch(s)", s) for s in (LEARN_S, 60 * minutes)]
    rows: list[list[Value]] = [
        _row(name, told) for name, told in zip(("the first 30 s", f"{minutes:g} minutes"), found, strict=True)
    ]
    return Table(
        f"In the browser: live over a line that jitters by ± {1000 * JITTER_S:g} ms",
        ["", "stalls", "jumps", "longest picture, ms", "frames", "behind p50, ms", "behind p95, ms"],
        rows,
        [
            f"Each piece the daemon sends waits 0 to {2000 * JITTER_S:g} ms, in order. "
            "Aim: no stall in ten minutes.",
            "1280 × 720 at 30 frames a second over RTSP; camera, daemon, relay and browser share the cores.",
        ],
    )


def _row(name: str, told: dict[str, Any]) -> list[Value]:
    lags = told["lags"]
    if not lags:
        raise BenchmarkFailed("nothing was painted")
    behind = [percentile(lags, 0.5), percentile(lags, 0.95)]
    return [name, told["stalls"], told["jumps"], told["longest_ms"], len(lags), *behind]
