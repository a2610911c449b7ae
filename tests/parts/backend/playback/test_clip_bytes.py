"""The same answers wherever the bytes lie, in constant memory, and no further than somebody reads."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psutil
import pytest
from aiohttp import web

from backend.catalogue import Clip, Location
from backend.http.problems import STATUSES, problem_of, problem_response
from backend.playback.archive import Archive
from backend.playback.zip_layout import Entry, ZipLayout
from backend.problems.refused import Refused
from backend.storage.s3_settings import S3Settings
from tests.support.backend.clips import a_clip
from tests.support.backend.houses import House, house, settings_of
from tests.support.s3_servers import S3Server

BODY = bytes(range(256)) * 4096
SIZE = len(BODY)
ETAG = f'"{"0" * 64}"'
LARGE = 256 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = S3Server("rclone", tmp_path_factory.mktemp("s3") / "data")
    running.start()
    yield running
    running.kill()


@asynccontextmanager
async def served(made: House, clip: Clip) -> AsyncIterator[aiohttp.ClientSession]:
    """`/` answers with the clip."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await made.clip_bytes.send(request, clip, {"X-Given": "yes"})
        except Refused as refused:
            return problem_response(problem_of(refused))

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", auto_decompress=False) as client:
        yield client
    await runner.cleanup()


@pytest.fixture(params=["local", "s3"])
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, server: S3Server
) -> AsyncIterator[aiohttp.ClientSession]:
    """A clip of BODY, here or in the store only."""
    remote = request.param == "s3"
    clip = a_clip(size_bytes=SIZE, location=Location.REMOTE if remote else Location.LOCAL)
    async with house(tmp_path, settings_of(server) if remote else None) as made:
        if made.store is not None:
            await made.store.prepare()
            await made.upload(clip, BODY)
        else:
            made.keep(clip, BODY)
        async with served(made, clip) as session:
            yield session
        assert made.sample("streams") == 0


RANGES = [
    (None, 200, BODY, None),
    ("bytes=0-", 206, BODY, f"bytes 0-{SIZE - 1}/{SIZE}"),
    ("bytes=1000-2000", 206, BODY[1000:2001], f"bytes 1000-2000/{SIZE}"),
    ("bytes=-500", 206, BODY[-500:], f"bytes {SIZE - 500}-{SIZE - 1}/{SIZE}"),
    (f"bytes=-{SIZE + 9}", 206, BODY, f"bytes 0-{SIZE - 1}/{SIZE}"),
    (f"bytes={SIZE - 1}-{SIZE + 99}", 206, BODY[-1:], f"bytes {SIZE - 1}-{SIZE - 1}/{SIZE}"),
    (f"bytes={SIZE}-", 416, None, f"bytes */{SIZE}"),
    ("bytes=-0", 416, None, f"bytes */{SIZE}"),
    ("bytes=0-9,20-29", 200, BODY, None),
    ("bytes=9-3", 200, BODY, None),
    ("lines=1-2", 200, BODY, None),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_ranges_in_all_forms(client: aiohttp.ClientSession, method: str) -> None:
    """Status, length, Content-Range and bytes; HEAD is the same without them."""
    for asked, status, body, content_range in RANGES:
        headers = {} if asked is None else {"Range": asked}
        async with client.request(method, "/", headers=headers) as answer:
            got = await answer.read()
            assert (answer.status, answer.headers.get("Content-Range")) == (status, content_range), asked
            if body is not None:
                assert got == (body if method == "GET" else b""), asked
                assert int(answer.headers["Content-Length"]) == len(body)
                told = [answer.headers[name] for name in ("Content-Type", "Accept-Ranges", "X-Given", "ETag")]
                assert told == ["video/mp4", "bytes", "yes", ETAG]


@pytest.mark.parametrize(
    ("headers", "status", "length"),
    [
        ({"If-None-Match": ETAG}, 304, 0),
        ({"If-None-Match": '"other"'}, 200, SIZE),
        ({"Range": "bytes=0-9", "If-Range": ETAG}, 206, 10),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, SIZE),
        ({"Range": "bytes=0-9", "If-Range": f"W/{ETAG}"}, 200, SIZE),
        ({"If-Match": '"other"'}, 412, 0),
    ],
)
async def test_conditions_are_honoured(
    client: aiohttp.ClientSession, headers: dict[str, str], status: int, length: int
) -> None:
    """By the hash of the content, which is the same wherever it lies."""
    async with client.get("/", headers=headers) as answer:
        assert (answer.status, len(await answer.read())) == (status, length)


async def test_a_client_that_leaves_ends_the_reading_and_nothing_is_held(tmp_path: Path) -> None:
    """Of a large object a few pieces are read, and memory grows by a few pieces."""
    directory = tmp_path / "s3"
    sparse = directory / "clips" / "large.mp4"
    sparse.parent.mkdir(parents=True)
    with sparse.open("wb") as file:
        file.truncate(LARGE)
    server = S3Server("rclone", directory)
    server.start()
    clip = a_clip(size_bytes=LARGE, location=Location.REMOTE, path="large.mp4")
    async with house(tmp_path, settings_of(server)) as made, served(made, clip) as client:
        process = psutil.Process()
        before = process.memory_info().rss
        answer = await client.get("/", headers={"Range": "bytes=1000-"})
        assert answer.headers["Content-Range"] == f"bytes 1000-{LARGE - 1}/{LARGE}"
        assert await answer.content.readexactly(32 << 20) == bytes(32 << 20)
        answer.close()
        async with asyncio.timeout(20):
            while made.sample("streams"):
                await asyncio.sleep(0.02)
        assert made.sample("sent_bytes_total", provider="s3", mode="proxy_stream") < 128 << 20
        assert process.memory_info().rss - before < 100 << 20
        assert made.sample("first_byte_seconds_count", provider="s3", mode="proxy_stream") == 1
    server.kill()
    sparse.unlink()


async def test_an_object_of_another_size_is_not_the_clip(tmp_path: Path, server: S3Server) -> None:
    """502, before the first byte, instead of a torn file."""
    clip = a_clip(size_bytes=SIZE + 1, location=Location.REMOTE)
    async with house(tmp_path, settings_of(server)) as made:
        assert made.store is not None
        await made.store.prepare()
        await made.upload(clip, BODY)
        async with served(made, clip) as client:
            for headers in ({}, {"Range": "bytes=0-9"}):
                async with client.get("/", headers=headers) as answer:
                    assert answer.status == 502
        assert made.failures("s3", "proxy_stream", "other_content") == 2


async def test_a_store_that_is_down_is_a_502_with_its_cause(tmp_path: Path) -> None:
    """Or none at all, where the clip is here as well."""
    nobody = S3Settings("http://127.0.0.1:1", "key-of-nobody", "a-secret-key")
    async with house(tmp_path, nobody) as made:
        clip = a_clip(size_bytes=SIZE, location=Location.REMOTE)
        async with served(made, clip) as client, client.get("/") as answer:
            told = await answer.json(content_type=None)
            assert (answer.status, told["cause"]) == (502, "host")
        both = a_clip(size_bytes=SIZE, location=Location.BOTH)
        made.keep(both, BODY)
        async with served(made, both) as client, client.get("/") as answer:
            assert (answer.status, await answer.read()) == (200, BODY)
        assert made.failures("s3", "proxy_stream", "host") == 1


async def test_a_lost_file_is_a_502_that_names_fsck(tmp_path: Path) -> None:
    """The catalogue is right about the clip, the disk is not."""
    async with house(tmp_path) as made, served(made, a_clip()) as client, client.get("/") as answer:
        assert (answer.status, "fsck" in (await answer.json(content_type=None))["detail"]) == (502, True)


async def test_a_clip_in_the_store_goes_into_an_archive_without_touching_the_disk(
    tmp_path: Path, server: S3Server
) -> None:
    """Read when its turn comes; one that the store does not hold is an error before anything is sent."""
    clip = a_clip(size_bytes=SIZE, location=Location.REMOTE)
    async with house(tmp_path, settings_of(server)) as made:
        assert made.store is not None
        await made.store.prepare()
        await made.upload(clip, BODY)
        content = await made.clip_bytes.open_stored(clip, made.store)
        layout = ZipLayout([Entry("a.mp4", content.size_bytes, clip.start_time)])
        data = b"".join([piece async for piece in Archive(layout, [content], "job").pieces()])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.read("a.mp4") == BODY
        assert not list((tmp_path / "runtime").glob("**/*.source"))
        with pytest.raises(Refused, match="does not hold") as refusal:
            await made.clip_bytes.open_stored(replace(clip, path=f"{clip.id}/gone.mp4"), made.store)
        assert STATUSES[refusal.value.kind] == 502
