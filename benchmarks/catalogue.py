"""Lists, filters, search, drafts and feed of a catalogue that has grown for years, asked over HTTP."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from backend.base.ids import recorder_id
from benchmarks import many_rows
from benchmarks.daemon import BenchmarkFailed, Client, Daemon, daemon
from benchmarks.report import Table, Value, percentile
from benchmarks.usage import usage
from tests.support.postgres import running_postgres

CLIENTS = 8
ASKS_PER_CLIENT = 40
_SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Question:
    """One first page."""

    name: str
    path: str


def questions() -> list[Question]:
    """What pages ask."""
    begins, ends = many_rows.some_day()
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("list, everything", "clips", {}),
        ("filter, one state", "clips", {"status": "draft"}),
        ("filter, camera and states", "clips", {"camera": "gate", "status": "pending,processing,failed"}),
        ("filter, snapshots", "clips", {"media_type": "image"}),
        ("filter, two months of four years", "clips", {"from": begins, "to": ends}),
        ("search, a word in a quarter of all", "clips", {"q": many_rows.COMMON_WORD}),
        ("search, a word in one of a thousand", "clips", {"q": many_rows.RARE_WORD}),
        ("search, two words", "clips", {"q": f"fox {many_rows.COMMON_WORD}"}),
        ("drafts", "drafts", {}),
        ("feed", "feed", {}),
        ("feed, a word in a quarter of all", "feed", {"q": many_rows.COMMON_WORD}),
    ]
    return [Question(name, f"/api/{what}?{urlencode(query)}") for name, what, query in asked]


def run(where: Path, rows: int) -> list[Table]:
    """One table for SQLite and PostgreSQL together; without PostgreSQL its columns stay empty."""
    results: dict[str, list[tuple[float, float]]] = {}
    memory: dict[str, tuple[int, int]] = {}
    for name, url in (("SQLite", None), ("PostgreSQL", "")):
        folder = where / name
        folder.mkdir()
        with _database(folder, url) as found:
            if found is None:
                continue
            results[name], memory[name] = _measure(folder, found, rows)
    return [_table(rows, results, memory)]


@contextmanager
def _database(folder: Path, url: str | None) -> Iterator[str | None]:
    if url is None:
        (folder / "data").mkdir()
        yield f"sqlite:///{folder / 'data' / 'catalogue.sqlite'}"
        return
    try:
        server = running_postgres()
        started = server.__enter__()
    except BaseException as error:
        if type(error).__name__ != "Skipped":
            raise
        yield None
        return
    try:
        yield started.url(started.fresh_database())
    finally:
        server.__exit__(None, None, None)


def _measure(folder: Path, url: str, rows: int) -> tuple[list[tuple[float, float]], tuple[int, int]]:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    asyncio.run(many_rows.fill(url, rows, recorder_id(data)))
    where = {} if url.startswith("sqlite") else {"HINDSIGHT_CATALOGUE__URL": url}
    with daemon(folder, ["synthetic?size=320x180&fps=5"], 5, environment=where) as box:
        time.sleep(_SETTLE_S)
        asked = questions()
        for question in asked:
            box.client.call("GET", question.path)
        before = usage(box.pid).own_bytes
        figures = [_ask(box, question) for question in asked]
        for question in asked[:3]:
            _ask(box, question)
        return figures, (before, usage(box.pid).own_bytes)


def _ask(box: Daemon, question: Question) -> tuple[float, float]:
    """p50 and p95 in milliseconds, all clients asking without a pause."""
    gate = threading.Barrier(CLIENTS)

    def client(_: int) -> list[float]:
        mine = Client(box.port)
        try:
            mine.raw("GET", question.path)
            gate.wait()
            return [_timed(mine, question) for _ in range(ASKS_PER_CLIENT)]
        finally:
            mine.close()

    with ThreadPoolExecutor(CLIENTS) as threads:
        taken = [ms for mine in threads.map(client, range(CLIENTS)) for ms in mine]
    return percentile(taken, 0.5), percentile(taken, 0.95)


def _timed(client: Client, question: Question) -> float:
    began = time.perf_counter()
    if not client.raw("GET", question.path).startswith(b'{"clips":['):
        raise BenchmarkFailed(f"{question.path} answered no list")
    return 1000 * (time.perf_counter() - began)


def _table(
    rows: int, results: dict[str, list[tuple[float, float]]], memory: dict[str, tuple[int, int]]
) -> Table:
    def cells(number: int) -> list[Value]:
        found: list[Value] = []
        for name in ("SQLite", "PostgreSQL"):
            found += results[name][number] if name in results else [None, None]
        return found

    lines: list[list[Value]] = [[q.name, *cells(n)] for n, q in enumerate(questions())]
    grown = [
        f"{name}: the daemon held {before / 1e6:.0f} MB of its own before and {after / 1e6:.0f} MB after."
        for name, (before, after) in memory.items()
    ]
    return Table(
        f"The first page of {rows:,} clips, {CLIENTS} clients at once".replace(",", " "),
        ["ms", "SQLite p50", "SQLite p95", "PostgreSQL p50", "PostgreSQL p95"],
        lines,
        [
            f"50 clips a page over HTTP; {CLIENTS} clients on the same machine ask again as soon as they are "
            f"answered, {ASKS_PER_CLIENT} times each: each waits for seven others. Aim: p95 at most 30 ms.",
            *grown,
        ],
    )
