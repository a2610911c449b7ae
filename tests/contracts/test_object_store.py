"""What every place for finished files must do: the local disk, rclone's S3 server, MinIO.

And one bucket for everything, with a key that may do what it likes, and with one of a prefix only.
"""

import http.client
import re
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from backend.base.ids import new_id
from backend.catalogue import Root, StoredPath
from backend.foundation.local_files import LocalFiles
from backend.storage.local_store import LocalStore
from backend.storage.object_store import (
    PIECE_BYTES,
    FailureCause,
    ObjectStore,
    ProviderStreamResult,
    StoreError,
)
from backend.storage.s3 import S3Store
from backend.storage.s3_settings import S3Place, S3Settings
from tests.support.limited_s3 import LimitedS3
from tests.support.s3_servers import S3Server, find_minio

S3_KINDS = ["rclone", *(["minio"] if find_minio() else [])]
KINDS = ["local", *S3_KINDS, "one bucket", "limited key"]
SMALL, LARGE = 100_000, 20 * 1024 * 1024 + 7
"""One part, and three parts of 8 MiB with an odd end."""


def content(size: int) -> bytes:
    """Bytes that differ everywhere, so that a piece in the wrong place shows."""
    line = b"".join(number.to_bytes(4, "big") for number in range(65536))
    return (line * (size // len(line) + 1))[:size]


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    made: ObjectStore
    if request.param == "local":
        made = LocalStore(LocalFiles(tmp_path / "clips", tmp_path / "thumbnails", tmp_path / "quarantine"))
    else:
        made = S3Store(_settings(request, request.param))
    await made.prepare()
    yield made
    await made.close()


ONE_BUCKET: dict[str, Any] = {
    "clips": S3Place("shared", "a/clips/"),
    "thumbnails": S3Place("shared", "a/thumbnails/"),
}


def _settings(request: pytest.FixtureRequest, kind: str) -> S3Settings:
    if kind in S3_KINDS:
        return settings_of(server_of(request, kind))
    server = server_of(request, "rclone")
    if kind == "one bucket":
        return settings_of(server, **ONE_BUCKET)
    if not _doors:
        (server.directory / "shared").mkdir(exist_ok=True)
        limits = LimitedS3(server, "shared", "a/")
        _closing.enter_context(limits.running())
        _doors.append(limits)
    return settings_of(server, endpoint=_doors[0].endpoint, **ONE_BUCKET)


_closing = ExitStack()
_doors: list[LimitedS3] = []
_servers: dict[str, S3Server] = {}


@pytest.fixture(scope="module", autouse=True)
def _end_servers() -> Iterator[None]:
    yield
    _closing.close()
    _doors.clear()
    while _servers:
        _servers.popitem()[1].kill()


def server_of(request: pytest.FixtureRequest, kind: str) -> S3Server:
    """One server of each kind for the whole file: MinIO takes a second to start."""
    if kind not in _servers:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        _servers[kind] = S3Server(kind, factory.mktemp(kind) / "objects")
        _servers[kind].start()
    return _servers[kind]


def settings_of(server: S3Server, **changed: Any) -> S3Settings:
    return replace(S3Settings(server.endpoint, server.access_key, server.secret_key), **changed)


@pytest.fixture(params=S3_KINDS)
def server(request: pytest.FixtureRequest) -> S3Server:
    return server_of(request, request.param)


@pytest.fixture
async def s3(server: S3Server) -> AsyncIterator[S3Store]:
    made = S3Store(settings_of(server))
    await made.prepare()
    yield made
    await made.close()


def file_of(tmp_path: Path, size: int, name: str = "source.mp4") -> Path:
    path = tmp_path / name
    path.write_bytes(content(size))
    return path


def clip_key() -> StoredPath:
    return StoredPath(Root.CLIPS, f"{new_id()}/clip.mp4")


async def read_all(result: ProviderStreamResult) -> bytes:
    async with result:
        return b"".join([piece async for piece in result.body])


async def test_preparing_again_changes_nothing(store: ObjectStore, tmp_path: Path) -> None:
    """Every start prepares; what was put before stays."""
    key = clip_key()
    await store.put(key, file_of(tmp_path, SMALL), "video/mp4")
    await store.prepare()
    assert await store.stat(key) is not None
    assert (await store.health()).ok


@pytest.mark.parametrize("size", [0, SMALL, LARGE])
async def test_what_was_put_is_there_with_its_size_and_content(
    store: ObjectStore, tmp_path: Path, size: int
) -> None:
    """Empty, in one part and in several; `put` returns what `stat` tells."""
    key, path = clip_key(), file_of(tmp_path, size)
    told: list[int] = []
    put = await store.put(key, path, "video/mp4", told.append)
    stat = await store.stat(key)
    assert stat is not None
    assert (stat.size_bytes, put.size_bytes, stat.etag) == (size, size, put.etag)
    assert told == sorted(told)
    assert size == 0 or told[-1] == size
    assert await store.holds(key, path)
    assert await read_all(await store.open_stream(key, None)) == content(size)


async def test_a_second_put_takes_the_place_of_the_first(store: ObjectStore, tmp_path: Path) -> None:
    """Never two objects, never a mixture."""
    key = clip_key()
    await store.put(key, file_of(tmp_path, SMALL), "video/mp4")
    shorter = tmp_path / "shorter.mp4"
    shorter.write_bytes(b"shorter")
    await store.put(key, shorter, "video/mp4")
    assert await read_all(await store.open_stream(key, None)) == b"shorter"
    assert not await store.holds(key, tmp_path / "source.mp4")


async def test_equal_size_is_not_equal_content(store: ObjectStore, tmp_path: Path) -> None:
    """`holds` is what a local file's life depends on."""
    key, path = clip_key(), file_of(tmp_path, SMALL)
    await store.put(key, path, "video/mp4")
    other = tmp_path / "other.mp4"
    other.write_bytes(content(SMALL)[:-1] + b"\xff")
    assert not await store.holds(key, other)


async def test_what_is_not_there_has_no_stat_and_can_be_deleted(store: ObjectStore, tmp_path: Path) -> None:
    """A deletion that is repeated after a crash must not fail."""
    key = clip_key()
    assert await store.stat(key) is None
    assert not await store.holds(key, file_of(tmp_path, SMALL))
    await store.delete(key)
    await store.put(key, tmp_path / "source.mp4", "video/mp4")
    await store.delete(key)
    await store.delete(key)
    assert await store.stat(key) is None
    with pytest.raises(StoreError) as caught:
        await store.open_stream(key, None)
    assert caught.value.cause is FailureCause.MISSING


async def test_a_copy_is_a_second_object(store: ObjectStore, tmp_path: Path) -> None:
    """The first may go, the second stays."""
    source, target = clip_key(), clip_key()
    path = file_of(tmp_path, LARGE)
    await store.put(source, path, "video/mp4")
    await store.copy(source, target)
    await store.delete(source)
    assert await store.holds(target, path)


async def test_buckets_are_apart(store: ObjectStore, tmp_path: Path) -> None:
    """The same path under another root is another object."""
    clip = clip_key()
    picture = StoredPath(Root.THUMBNAILS, clip.path)
    await store.put(clip, file_of(tmp_path, SMALL), "video/mp4")
    assert await store.stat(picture) is None


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-", 0, LARGE),
        ("bytes=1000-2000", 1000, 2001),
        ("bytes=0-0", 0, 1),
        (f"bytes={LARGE - 1}-", LARGE - 1, LARGE),
        ("bytes=-500", LARGE - 500, LARGE),
        (f"bytes=5000-{LARGE * 2}", 5000, LARGE),
        (f"bytes=-{LARGE * 2}", 0, LARGE),
        ("bytes=8388600-8388620", 8388600, 8388621),
    ],
)
async def test_a_range_is_always_206_with_exactly_its_bytes(
    store: ObjectStore, large: StoredPath, asked: str, first: int, end: int
) -> None:
    """Whatever status the store itself uses, and across the border of two parts."""
    result = await store.open_stream(large, asked)
    assert result.status == 206
    assert result.headers["Content-Range"] == f"bytes {first}-{end - 1}/{LARGE}"
    assert result.headers["Content-Length"] == str(end - first)
    assert result.headers["Accept-Ranges"] == "bytes"
    assert re.fullmatch(r'"[^"]+"', result.headers["ETag"])
    assert await read_all(result) == content(LARGE)[first:end]


@pytest.mark.parametrize("asked", [f"bytes={LARGE}-", f"bytes={LARGE * 3}-{LARGE * 4}", "bytes=-0"])
async def test_a_range_past_the_end_is_416_and_tells_the_size(
    store: ObjectStore, large: StoredPath, asked: str
) -> None:
    """So that a player can ask again."""
    result = await store.open_stream(large, asked)
    assert result.status == 416
    assert result.headers["Content-Range"] == f"bytes */{LARGE}"
    assert await read_all(result) == b""


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "pages=1-2", "bytes=9-3", "bytes=-", "nonsense"])
async def test_what_is_no_single_range_gets_the_whole_object(
    store: ObjectStore, large: StoredPath, asked: str
) -> None:
    """As RFC 9110 lets a server do."""
    async with await store.open_stream(large, asked) as result:
        assert (result.status, result.headers["Content-Length"]) == (200, str(LARGE))
        assert await anext(result.body) == content(PIECE_BYTES)


async def test_a_closed_body_gives_no_more(store: ObjectStore, large: StoredPath) -> None:
    """A viewer who leaves costs nothing from then on; closing twice is no error."""
    result = await store.open_stream(large, None)
    assert len(await anext(result.body)) == PIECE_BYTES
    await result.body.aclose()
    await result.body.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(result.body)


LARGE_KEY = clip_key()


@pytest.fixture
async def large(store: ObjectStore, tmp_path: Path) -> StoredPath:
    """An object that no test changes, put once per server."""
    if await store.stat(LARGE_KEY) is None:
        await store.put(LARGE_KEY, file_of(tmp_path, LARGE), "video/mp4")
    return LARGE_KEY


async def test_a_local_file_has_no_address_of_its_own(tmp_path: Path) -> None:
    """A browser cannot reach our disk: the daemon streams."""
    local = LocalStore(LocalFiles(tmp_path / "clips", tmp_path / "thumbnails", tmp_path / "quarantine"))
    assert await local.get_playback_url(clip_key()) is None
    await local.close()


def fetch(url: str, **headers: str) -> tuple[int, bytes, str | None]:
    """Plain HTTP, as a browser would, without any client of the store."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.getheader("Content-Range")


async def test_a_presigned_address_plays_by_plain_http_and_by_range(s3: S3Store, tmp_path: Path) -> None:
    """No header but Range; the answer is the object's own bytes."""
    key = clip_key()
    await s3.put(key, file_of(tmp_path, SMALL), "video/mp4")
    url = await s3.get_playback_url(key, 60)
    assert url is not None
    assert fetch(url)[:2] == (200, content(SMALL))
    _, part, content_range = fetch(url, Range="bytes=1000-2000")
    assert (part, content_range) == (content(SMALL)[1000:2001], f"bytes 1000-2000/{SMALL}")


async def test_a_presigned_address_asks_for_an_answer_that_no_browser_shows_unasked(
    s3: S3Store, server: S3Server, tmp_path: Path
) -> None:
    """A cache must come back each time, and then needs a signature that holds; rclone ignores the wish."""
    key = clip_key()
    await s3.put(key, file_of(tmp_path, SMALL), "video/mp4")
    url = str(await s3.get_playback_url(key, 60))
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert (answer.status, answer.read()) == (200, content(SMALL))
        if server.kind == "minio":
            assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "response-cache-control=private" in url


async def test_a_presigned_address_names_the_public_endpoint(server: S3Server, tmp_path: Path) -> None:
    """The host is part of the signature: signed for one name, it must hold there."""
    public = f"http://localhost:{server.port}"
    store = S3Store(settings_of(server, public_endpoint=public))
    await store.prepare()
    key = clip_key()
    await store.put(key, file_of(tmp_path, SMALL), "video/mp4")
    url = await store.get_playback_url(key)
    await store.close()
    assert url is not None
    assert url.startswith(public + "/")
    assert fetch(url)[:2] == (200, content(SMALL))
    # ... and a store that looks at the host refuses the same signature under another one.
    status = fetch(url.replace("localhost", "127.0.0.1"))[0]
    assert 400 <= status < 500


async def test_a_tampered_or_expired_address_is_refused(s3: S3Store, tmp_path: Path) -> None:
    """Any 4xx will do; stores differ."""
    key, other = clip_key(), clip_key()
    path = file_of(tmp_path, SMALL)
    await s3.put(key, path, "video/mp4")
    await s3.put(other, path, "video/mp4")
    url = await s3.get_playback_url(key, 1)
    assert url is not None
    later = re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=600", url)
    signature = url[:-4] + ("0000" if url[-4:] != "0000" else "1111")
    for tampered in (url.replace(key.path, other.path), later, signature):
        assert 400 <= fetch(tampered)[0] < 500
    long_ago = re.sub(r"X-Amz-Date=\d{8}", "X-Amz-Date=20200101", url)
    assert 400 <= fetch(long_ago)[0] < 500


async def test_an_address_lives_ten_minutes_at_most(s3: S3Store) -> None:
    """Whoever asks for a day gets ten minutes."""
    url = await s3.get_playback_url(clip_key(), 86400)
    assert url is not None
    assert "X-Amz-Expires=600" in url
    assert s3_secret_is_not_in(url)


def s3_secret_is_not_in(url: str) -> bool:
    return "a-secret-of-the-tests" not in url


async def test_signing_needs_no_network() -> None:
    """The store may be down: an address can be made all the same, at once."""
    store = S3Store(
        S3Settings("http://127.0.0.1:9", "key", "secret-secret", public_endpoint="https://s3.example")
    )
    url = await store.get_playback_url(clip_key())
    await store.close()
    assert url is not None
    assert url.startswith("https://s3.example/clips/")


async def test_the_page_may_play_from_where_presigned_addresses_lead() -> None:
    """At AWS the bucket is part of the host; anywhere else it is the public endpoint."""
    seen = {}
    for endpoint in ("https://s3.eu-central-1.amazonaws.com", "https://s3.example", "http://box:9000"):
        store = S3Store(S3Settings(endpoint, "key", "secret-secret", region="eu-central-1", **ONE_BUCKET))
        seen[endpoint] = store.browser_origin
        assert str(await store.get_playback_url(clip_key())).startswith(f"{store.browser_origin}/")
        await store.close()
    assert seen["https://s3.eu-central-1.amazonaws.com"] == "https://shared.s3.eu-central-1.amazonaws.com"
    assert seen["http://box:9000"] == "http://box:9000"


async def test_another_bucket_or_prefix_is_another_store_and_the_usual_two_are_named_as_ever() -> None:
    """By the name it is judged whether what was confirmed still counts."""
    names = set()
    for places in ({}, ONE_BUCKET, {"clips": S3Place("shared", "b/clips/")}):
        store = S3Store(S3Settings("http://box:9000", "key", "secret-secret", **places))
        names.add(store.name)
        await store.close()
    assert names == {
        "http://box:9000 clips thumbnails",
        "http://box:9000 shared/a/clips shared/a/thumbnails",
        "http://box:9000 shared/b/clips thumbnails",
    }


async def cause_of(settings: S3Settings) -> FailureCause | None:
    store = S3Store(settings)
    health = await store.health()
    await store.close()
    assert not health.ok
    assert health.sentence is not None
    assert "a-secret-of-the-tests" not in health.sentence
    return health.cause


async def test_health_names_the_cause(server: S3Server) -> None:
    """Wrong secret, unknown key, missing bucket, nobody there: four different things to do."""
    assert await cause_of(settings_of(server, secret_key="not-the-right-one")) is FailureCause.CREDENTIALS
    assert await cause_of(settings_of(server, access_key="nobody-we-know")) is FailureCause.CREDENTIALS
    assert await cause_of(settings_of(server, clips=S3Place("not-there-at-all"))) is FailureCause.BUCKET
    assert await cause_of(settings_of(server, endpoint="http://127.0.0.1:9")) is FailureCause.HOST
    assert await cause_of(settings_of(server, endpoint="http://no-such-host.invalid")) is FailureCause.HOST


class _OffByTwoHours(BaseHTTPRequestHandler):
    """A store that refuses every signature, and whose clock shows why."""

    def do_GET(self) -> None:
        self._refuse()

    def do_HEAD(self) -> None:
        self._refuse()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() - 7200)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to see."""

    def _refuse(self) -> None:
        self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()


async def test_a_clock_that_is_off_is_named_however_the_store_refuses() -> None:
    """rclone answers a skewed signature with 400 or AccessDenied, MinIO a HEAD with a bare 403."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _OffByTwoHours) as refusing:
        threading.Thread(target=refusing.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{refusing.server_address[1]}"
        store = S3Store(S3Settings(endpoint, "hindsight", "a-secret-of-the-tests"))
        health = await store.health()
        await store.close()
        refusing.shutdown()
    assert health.cause is FailureCause.CLOCK
    # The store's answer is some moments old when it is compared.
    assert re.search(r"72\d\d s ahead of", str(health.sentence))


async def test_a_bucket_that_is_gone_is_named_and_not_made_again(server: S3Server, tmp_path: Path) -> None:
    """An empty bucket would hide the loss. (rclone's are folders, which come back with the next object.)"""
    store = S3Store(settings_of(server, clips=S3Place("gone-bucket")))
    assert (await store.health()).cause is FailureCause.BUCKET
    if server.kind != "rclone":
        with pytest.raises(StoreError, match="NoSuchBucket") as caught:
            await store.put(clip_key(), file_of(tmp_path, SMALL), "video/mp4")
        assert caught.value.cause is FailureCause.BUCKET
        assert (await store.health()).cause is FailureCause.BUCKET
    await store.close()


async def test_a_link_in_place_of_a_clip_is_never_uploaded(store: ObjectStore, tmp_path: Path) -> None:
    """What it leads to stays on this machine, and it is not compared with what the store holds."""
    key, original = clip_key(), file_of(tmp_path, SMALL)
    linked = tmp_path / "linked.mp4"
    linked.symlink_to(original)
    with pytest.raises((FileNotFoundError, StoreError)):
        await store.put(key, linked, "video/mp4")
    assert await store.stat(key) is None
    await store.put(key, original, "video/mp4")
    with pytest.raises((FileNotFoundError, StoreError)):
        await store.holds(key, linked)
