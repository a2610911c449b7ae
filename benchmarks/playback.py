"""What it costs to play a large clip: from this disk, or from a store, through the daemon or straight.

The clip is a real one, made longer by zeros behind its end, so that its size is whatever is asked. The store
is rclone's S3 server over another directory, without checksums (`--etag-hash ""`): it would read the whole
object before each answer.
"""

import http.client
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.daemon import BenchmarkFailed, Daemon, daemon
from benchmarks.report import Table, Value, percentile
from benchmarks.usage import usage
from tests.support.s3_servers import S3Server

PIECE_BYTES = 1 << 20
READERS, READS_EACH, FIRST_BYTES = 100, 4, 40
STORED_WITHIN_S = 60.0
STRAIGHT = "store, straight"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a player is sent: a name for the table, and how to ask for the address, which may expire.

    `location` is where the catalogue must say that the clip is, for players to be sent there.
    """

    name: str
    location: str
    address: Callable[[], str]


_Places = Callable[[], Iterator[_Place]]


class _Quick(S3Server):
    """Tells no checksums, so it answers at once whatever the size."""

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command, environment = S3Server._command(self)
        return [*command, "--etag-hash", ""], environment


def run(where: Path, object_bytes: int) -> list[Table]:
    """Throughput and memory, parallel readers, and the first byte, each from every place."""
    server = _Quick("rclone", where / "s3" / "data")
    server.start()
    try:
        keys = {"ENDPOINT": server.endpoint, "ACCESS_KEY": server.access_key, "SECRET_KEY": server.secret_key}
        environment = {f"HINDSIGHT_STORAGE__S3__{name}": value for name, value in keys.items()}
        with daemon(where, ["synthetic?size=320x180"], 10, environment=environment) as box:
            clip = _stored_clip(box)
            _lengthen(where, server, clip, object_bytes)
            places = partial(_places, where, box, clip)
            return [
                _whole(box, places, object_bytes),
                _readers(box, places, object_bytes),
                _first_bytes(places, object_bytes),
            ]
    finally:
        server.kill()


def _stored_clip(box: Daemon) -> str:
    box.wait_for_buffer(3, 60)
    clip = box.client.call("POST", "/api/clips", {"before_seconds": 2, "after_seconds": 0})
    deadline = time.monotonic() + STORED_WITHIN_S
    while box.client.call("GET", f"/api/clips/{clip['id']}")["location"] != "both":
        if time.monotonic() > deadline:
            raise BenchmarkFailed("the clip did not reach the store")
        time.sleep(0.25)
    return str(clip["id"])


def _lengthen(where: Path, server: S3Server, clip: str, object_bytes: int) -> None:
    server.kill()  # it remembers sizes
    for clips in (where / "data" / "clips", server.directory / "clips"):
        with (clips / clip / "clip.mp4").open("r+b") as file:
            file.truncate(object_bytes)
    server.start()
    _change(where, clip, "size_bytes", object_bytes)


def _change(where: Path, clip: str, column: str, value: Any) -> None:
    with sqlite3.connect(where / "data" / "catalogue.sqlite", timeout=30) as rows:
        rows.execute(f"UPDATE clips SET {column} = ? WHERE id = ?", (value, clip))


def _places(where: Path, box: Daemon, clip: str) -> Iterator[_Place]:
    """One after the other; each is only good until the next is asked for."""
    stream = f"http://127.0.0.1:{box.port}/api/clips/{clip}/playback/stream"

    def told() -> str:
        deadline = time.monotonic() + STORED_WITHIN_S
        while True:
            answer = box.client.call("GET", f"/api/clips/{clip}/playback")
            if answer["mode"] == "direct_url":
                return str(answer["playback_url"])
            # A store that was slow a moment ago is left alone for some seconds.
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"no address of the store was given: {answer}")
            time.sleep(1)

    for place in (
        _Place("disk, through the daemon", "local", lambda: stream),
        _Place("store, through the daemon", "remote", lambda: stream),
        _Place(STRAIGHT, "both", told),
    ):
        _change(where, clip, "location", place.location)
        yield place


def _whole(box: Daemon, places: _Places, object_bytes: int) -> Table:
    rows: list[list[Value]] = []
    for place in places():
        address = place.address()
        with _largest_memory(box.pid) as grown:
            began = time.perf_counter()
            _read(address, 0, object_bytes)
            took = time.perf_counter() - began
        rows.append([place.name, object_bytes / took / 1e6, grown() / 1e6])
    return Table(
        f"Playing: one reader of an object of {object_bytes / 1e9:.2g} GB",
        ["", "MB/s", "MB the daemon grew by"],
        rows,
        [
            "Over HTTP on loopback; the client and the store share the cores.",
            "The disk reads a hole.",
        ],
    )


def _readers(box: Daemon, places: _Places, object_bytes: int) -> Table:
    rows: list[list[Value]] = []
    for place in places():
        address, rng = place.address(), random.Random(0)
        starts = [rng.randrange(object_bytes - PIECE_BYTES) for _ in range(READERS * READS_EACH)]

        def read(first: int, address: str = address) -> float:
            began = time.perf_counter()
            _read(address, first, PIECE_BYTES)
            return time.perf_counter() - began

        with _largest_memory(box.pid) as grown, ThreadPoolExecutor(READERS) as threads:
            began = time.perf_counter()
            took = list(threads.map(read, starts))
            total = time.perf_counter() - began
        waits = [1000 * percentile(took, share) for share in (0.5, 0.95)]
        rows.append([place.name, len(starts) * PIECE_BYTES / total / 1e6, *waits, grown() / 1e6])
    return Table(
        f"Playing: {READERS} readers at once, each {READS_EACH} ranges of 1 MiB anywhere in it",
        ["", "MB/s together", "p50 ms a range", "p95", "MB the daemon grew by"],
        rows,
        ["Every range arrived whole and with its own Content-Range."],
    )


def _first_bytes(places: _Places, object_bytes: int) -> Table:
    rows: list[list[Value]] = []
    for place in places():
        rng, asked, first = random.Random(1), [], []
        for _ in range(FIRST_BYTES):
            began = time.perf_counter()
            address = place.address()
            asked.append(1000 * (time.perf_counter() - began))
            began = time.perf_counter()
            _read(address, rng.randrange(object_bytes - 1), 1)
            first.append(1000 * (time.perf_counter() - began))
        resolve = percentile(asked, 0.5) if place.name == STRAIGHT else None
        rows.append([place.name, percentile(first, 0.5), percentile(first, 0.95), resolve])
    return Table(
        "Playing: from a seek to its first byte",
        ["milliseconds, a new connection each", "p50", "p95", "p50 of the address before"],
        rows,
        [f"{FIRST_BYTES} seeks anywhere in the object. The address is asked for once per opened clip."],
    )


def _read(address: str, first: int, length: int) -> None:
    """Read a range to its end and throw it away. Raises BenchmarkFailed unless it is the one asked for."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", target, headers={"Range": f"bytes={first}-{first + length - 1}"})
        answer = connection.getresponse()
        told = answer.headers.get("Content-Range", "")
        got = 0
        while piece := answer.read(min(PIECE_BYTES, length)):
            got += len(piece)
        if got != length or not told.startswith(f"bytes {first}-{first + length - 1}/"):
            raise BenchmarkFailed(f"{answer.status} {told!r}: {got} bytes, not {length} from {first} on")
    finally:
        connection.close()


@contextmanager
def _largest_memory(pid: int) -> Iterator[Callable[[], float]]:
    """By how many bytes the daemon was larger than before, at its largest, looked at ten times a second."""
    before = largest = usage(pid).own_bytes
    ended = threading.Event()

    def look() -> None:
        nonlocal largest
        while not ended.wait(0.1):
            largest = max(largest, usage(pid).own_bytes)

    watcher = threading.Thread(target=look, name="memory")
    watcher.start()
    try:
        yield lambda: float(max(0, largest - before))
    finally:
        ended.set()
        watcher.join()
