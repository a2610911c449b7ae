"""Answers that last, over real connections: each ends with its session, and no session takes them all."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from backend.access.sessions import token_hash
from backend.access.streams import Bound, OpenStreams, StreamKind
from backend.cameras.viewers import Viewers
from backend.catalogue import Clip
from backend.events.log import EventLog
from backend.http.api import all_routes, archive, cameras, events, live, playback, session
from backend.http.api.live import SIGNED_OUT
from backend.playback.archive import Archives
from backend.playback.file_body import FileToSend, send_file
from backend.problems.kinds import Kind
from recorder import LiveChunk
from recorder.base.values import Picture
from tests.support.backend.clips import AT, ID, a_clip
from tests.support.backend.serving import Served, serving

ROUTES = (
    *archive.ROUTES,
    *cameras.ROUTES,
    *events.ROUTES,
    *live.ROUTES,
    *playback.ROUTES,
    *session.ROUTES,
)
LASTING = {
    StreamKind.LIVE: "/live/front.mjpeg",
    StreamKind.EVENTS: "/api/events",
    StreamKind.ARCHIVE: f"/api/clips/archive.zip?ids={ID}",
    StreamKind.CLIP: f"/api/clips/{ID}/playback/stream",
    StreamKind.CLEAN: f"/api/clips/{ID}/download?form=clean",
}
MORE_THAN_A_CLIENT_BUFFERS = 64 << 20
SMALL = {kind: Bound(3, 2, Kind.TOO_MANY_VIEWERS) for kind in StreamKind}


@dataclass
class Endless:
    """A camera and a clip that send as long as anyone takes it."""

    path: Path
    released: asyncio.Event = field(default_factory=asyncio.Event)
    size_bytes: int = MORE_THAN_A_CLIENT_BUFFERS

    def find(self, camera_id: str | None) -> "Endless":
        return self

    async def get(self, clip_id: str) -> Clip:
        return a_clip()

    async def camera_of(self, clip_id: str) -> str:
        return "front"

    async def pictures(self, fps: float | None) -> AsyncIterator[Picture]:
        while True:
            yield Picture(bytes(1 << 16), AT, 4, 4, approximate=False)
            await asyncio.sleep(0)

    @asynccontextmanager
    async def subscribe(self, *, plays_h265: bool) -> AsyncIterator[AsyncIterator[LiveChunk]]:
        async def chunks() -> AsyncIterator[LiveChunk]:
            while True:
                yield LiveChunk(bytes(1 << 16), is_keyframe=True, media_time_s=0.0, label=AT)
                await asyncio.sleep(0)

        yield chunks()

    async def stream(self, request: web.Request, *_: object) -> web.StreamResponse:
        return await send_file(request, FileToSend(self.path, "video/mp4"))

    async def download(
        self, request: web.Request, clip: Clip, *, inline: bool, clean: bool
    ) -> web.StreamResponse:
        return await self.stream(request)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        for _ in range(self.size_bytes >> 16):
            yield bytes(1 << 16)

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def endless(tmp_path: Path, streams: OpenStreams) -> AsyncIterator[Served]:
    path = tmp_path / "clip.mp4"
    with path.open("wb") as file:
        file.truncate(MORE_THAN_A_CLIENT_BUFFERS)
    source, log = Endless(path), EventLog("boot")

    async def opened(clip: Clip) -> Endless:
        return source

    rooms: dict[str, Any] = {
        "archives": Archives(opened, opened, log),
        "cameras": source,
        "clips": source,
        "events": log,
        "playback": source,
        "streams": streams,
        "viewers": Viewers(),
    }
    async with serving(tmp_path, routes=ROUTES, **rooms) as served:
        yield served


async def signed_in(served: Served) -> tuple[str, dict[str, str]]:
    """A session of its own: what the registry knows it by, and the header that shows it."""
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(f"http://{served.host}:{served.port}", cookie_jar=jar) as client,
        client.post("/api/session", json={"key": served.key.value}) as answer,
    ):
        token = answer.cookies["hindsight_session"].value
    return token_hash(token), {"Cookie": f"hindsight_session={token}"}


async def reached(condition: Callable[[], bool]) -> None:
    """Well within the 5 s in which a session's streams must be over."""
    async with asyncio.timeout(4):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def unread(served: Served, path: str, headers: dict[str, str]) -> AsyncIterator[asyncio.StreamReader]:
    """A client that sends a request, takes the first line of the answer and then nothing."""
    reader, writer = await asyncio.open_connection(served.host, served.port, limit=1024)
    lines = [f"GET {path} HTTP/1.1", f"Host: {served.host}", *(f"{n}: {v}" for n, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        status = (await reader.readline()).split()[1]
        assert status in {b"200", b"101"}, status
        yield reader
    finally:
        writer.transport.abort()


async def is_cut_off(reader: asyncio.StreamReader) -> bool:
    """Whether the connection is over once everything that was sent is read, and no answer complete."""
    try:
        async with asyncio.timeout(5):
            rest = await reader.read(-1)
    except ConnectionError:
        return True
    return not rest.endswith(b"0\r\n\r\n") and len(rest) < MORE_THAN_A_CLIENT_BUFFERS


@pytest.mark.parametrize("kind", LASTING)
async def test_every_lasting_answer_ends_with_its_session_though_nobody_reads_it(
    tmp_path: Path, kind: StreamKind
) -> None:
    """The connection is cut, so no client takes half an answer for a whole; other sessions notice nothing."""
    streams = OpenStreams()
    async with endless(tmp_path, streams) as served:
        (ann, anns), (_, bobs) = await signed_in(served), await signed_in(served)
        async with (
            unread(served, LASTING[kind], anns) as cut,
            served.client.get(LASTING[kind], headers=bobs) as kept,
        ):
            assert streams.count(kind) == 2
            assert streams.end_session(ann) == (2 if kind is StreamKind.CLEAN else 1)
            await reached(lambda: streams.count(kind) == 1)
            assert await is_cut_off(cut)
            served.rooms.events.publish("clip", {})
            assert await kept.content.readany()


async def test_a_live_view_is_told_that_its_session_is_over(tmp_path: Path) -> None:
    """By a code of its own: the page then shows the sign-in instead of coming again for ever."""
    streams = OpenStreams()
    async with endless(tmp_path, streams) as served:
        (ann, anns), (_, bobs) = await signed_in(served), await signed_in(served)
        async with (
            served.client.ws_connect("/live/front", headers=anns) as socket,
            served.client.ws_connect("/live/front", headers=bobs) as kept,
        ):
            await socket.receive_bytes()
            streams.end_session(ann)
            async with asyncio.timeout(5):
                while (message := await socket.receive()).type is WSMsgType.BINARY:
                    pass
            assert (message.type, socket.close_code) == (WSMsgType.CLOSE, SIGNED_OUT)
            await reached(lambda: streams.count(StreamKind.LIVE) == 1)
            assert await kept.receive_bytes()


async def test_a_live_view_that_nobody_reads_ends_with_its_session(tmp_path: Path) -> None:
    """The goodbye cannot reach it."""
    streams = OpenStreams(goodbye_s=0.05)
    async with endless(tmp_path, streams) as served:
        ann, anns = await signed_in(served)
        handshake = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        async with unread(served, "/live/front", anns | handshake) as cut:
            await reached(lambda: streams.count(StreamKind.LIVE) == 1)
            streams.end_session(ann)
            await reached(lambda: streams.count(StreamKind.LIVE) == 0)
            assert await is_cut_off(cut)


@pytest.mark.parametrize("kind", LASTING)
async def test_a_session_with_its_share_is_refused_and_another_one_gets_in(
    tmp_path: Path, kind: StreamKind
) -> None:
    """Nobody keeps the others out by opening what they never read."""
    streams = OpenStreams(SMALL)
    async with endless(tmp_path, streams) as served, AsyncExitStack() as stack:
        (_, anns), (_, bobs) = await signed_in(served), await signed_in(served)
        for _ in range(2):
            await stack.enter_async_context(unread(served, LASTING[kind], anns))
        refused = await stack.enter_async_context(served.client.get(LASTING[kind], headers=anns))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        let_in = await stack.enter_async_context(served.client.get(LASTING[kind], headers=bobs))
        assert let_in.status == 200


async def _signed_out(served: Served, cookie: dict[str, str]) -> None:
    async with served.client.delete("/api/session", headers=cookie) as answer:
        assert answer.status == 204


async def _signed_out_elsewhere(served: Served, cookie: dict[str, str]) -> None:
    async with served.client.get("/api/sessions", headers=served.bearer) as answer:
        (device,) = (await answer.json())["sessions"]
    async with served.client.delete(f"/api/sessions/{device['id']}", headers=served.bearer) as answer:
        assert answer.status == 204


async def _key_replaced(served: Served, cookie: dict[str, str]) -> None:
    await asyncio.to_thread(type(served.key)(served.key.path.parent).replace)
    await asyncio.to_thread(served.key.refresh)
    await served.rooms.access.end_stale_streams()


async def _ended_by_another_box(served: Served, cookie: dict[str, str]) -> None:
    access = served.rooms.access
    (session,) = await access.sessions.devices(access.key.fingerprint)
    await access.sessions.end(session.token_hash)
    await access.end_stale_streams()


@pytest.mark.parametrize("revoke", [_signed_out, _signed_out_elsewhere, _key_replaced, _ended_by_another_box])
async def test_what_is_taken_away_ends_what_is_open(
    tmp_path: Path, revoke: Callable[[Served, dict[str, str]], Awaitable[None]]
) -> None:
    """Live picture, events and downloads; by sign-out here or elsewhere, by a new key, by another box."""
    streams = OpenStreams()
    async with endless(tmp_path, streams) as served:
        _, cookie = await signed_in(served)
        async with (
            unread(served, LASTING[StreamKind.EVENTS], cookie),
            unread(served, LASTING[StreamKind.LIVE], cookie),
            unread(served, LASTING[StreamKind.CLIP], cookie),
        ):
            await served.rooms.access.end_stale_streams()
            assert not streams.is_empty, "a session that lives keeps what it has"
            await revoke(served, cookie)
            await reached(lambda: streams.is_empty)


async def test_a_stream_opened_with_the_key_ends_with_the_key(tmp_path: Path) -> None:
    """One opened with the new key stays."""
    streams = OpenStreams()
    async with endless(tmp_path, streams) as served:
        path = LASTING[StreamKind.EVENTS]
        async with unread(served, path, served.bearer) as cut:
            await asyncio.to_thread(served.key.replace)
            async with served.client.get(path, headers=served.bearer) as kept:
                await served.rooms.access.end_stale_streams()
                await reached(lambda: streams.count(StreamKind.EVENTS) == 1)
                assert await is_cut_off(cut)
                served.rooms.events.publish("clip", {})
                assert await kept.content.readany()


def test_every_answer_that_lasts_is_registered() -> None:
    """A new route that streams declares what it is, or it would outlive its session."""
    lasting = ("text/event-stream", "multipart/", "video/", "application/zip", "application/octet-stream")
    for route in all_routes():
        streams = route.status == 101 or (route.status == 200 and route.media_type.startswith(lasting))
        assert not streams or route.stream is not None, route.path
