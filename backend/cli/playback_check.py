"""`hindsight playback check`: does a clip really play from where players are sent, seeks included.

Here: what a player does, step by step, over HTTP only: resolve, the file's index by range, pictures all over
the clip by range, the odd ranges. Not here: decoding. For operators, and for scripts that roll out a change.
"""

import argparse
import asyncio
import json
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from backend.cli.client import DaemonClient, client_for
from backend.cli.exits import CommandFailed, Exit
from backend.config.model import Config
from recorder import Track, tracks

_SEEKS = (0.0, 0.31, 0.5, 0.77, 1.0)
_LARGEST_INDEX_BYTES = 64 << 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class PlaybackCheckStep:
    """What was tried, and how it went."""

    mode: str
    step: str
    ok: bool
    detail: str
    milliseconds: float


class _Failed(Exception):
    """This step did not do what a player needs; the message says how."""


@dataclass(frozen=True, slots=True)
class _Part:
    status: int
    content_range: str | None
    body: bytes


class _Reader:
    """Reads ranges of one address, as a browser would."""

    def __init__(self, session: aiohttp.ClientSession, url: str, size: int) -> None:
        self.size = size
        self._session = session
        self._url = url

    async def ask(self, span: str) -> _Part:
        """The response to `Range: bytes=SPAN`."""
        try:
            async with self._session.get(self._url, headers={"Range": f"bytes={span}"}) as answer:
                return _Part(answer.status, answer.headers.get("Content-Range"), await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            where = urlsplit(self._url).netloc
            raise _Failed(
                f"{where} does not answer ({type(error).__name__}): network, or the store?"
            ) from error

    async def read(self, first: int, length: int) -> bytes:
        """Exactly these bytes. A store may call a part 200, as rclone does, if it says which part it is."""
        part = await self.ask(f"{first}-{first + length - 1}")
        wanted = f"bytes {first}-{first + length - 1}/{self.size}"
        if part.status not in {200, 206} or part.content_range != wanted or len(part.body) != length:
            raise _Failed(
                f"asked for {wanted}, got status {part.status}, {part.content_range}, {len(part.body)} bytes"
            )
        return part.body


def playback_check(config: Config, options: argparse.Namespace) -> Exit:
    """Check one clip, by default the newest that plays, in every way a player may get it."""
    return asyncio.run(_check(config, options))


async def _check(config: Config, options: argparse.Namespace) -> Exit:
    async with client_for(config, options.url) as client:
        clip = await _chosen(client, options.clip)
        steps: list[PlaybackCheckStep] = []
        modes: set[str] = set()
        for query in ({}, {"after": "failed"}):
            began_s = time.monotonic()
            playback = await client.call("GET", f"/api/clips/{clip['id']}/playback", query=query)
            if playback["mode"] in modes:
                continue
            modes.add(playback["mode"])
            until = f", until {playback['expires_at']}" if playback["expires_at"] else ""
            host = urlsplit(client.address(playback["playback_url"])).netloc
            detail = f"{playback['provider']}: {host}{until}"
            steps.append(PlaybackCheckStep(playback["mode"], "resolve", True, detail, _since(began_s)))
            steps += await _tried(client, playback, clip)
    _print(clip, steps, as_json=options.json)
    return Exit.OK if all(step.ok for step in steps) else Exit.FAILED


async def _chosen(client: DaemonClient, clip_id: str | None) -> Any:
    if clip_id is not None:
        return await client.call("GET", f"/api/clips/{clip_id}")
    query = {"status": "draft,published", "media_type": "video", "limit": "1"}
    page = await client.call("GET", "/api/clips", query=query)
    if not page["clips"]:
        raise CommandFailed(
            Exit.FAILED, "There is no finished clip yet: `hindsight record --wait` makes one."
        )
    return page["clips"][0]


async def _tried(client: DaemonClient, playback: Any, clip: Any) -> list[PlaybackCheckStep]:
    ours = playback["playback_url"].startswith("/")
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    headers = client.headers if ours else {}  # the store must not need a key, and must not see ours
    connector = aiohttp.TCPConnector(ssl=client.tls if ours else True)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        reader = _Reader(session, client.address(playback["playback_url"]), clip["size_bytes"])
        found: list[Track] = []

        async def index() -> str:
            found.extend(await _index(reader))
            return f"{len(found[0].samples)} pictures"

        async def seeks() -> str:
            return await _seek(reader, found[0]) if found else "not tried: no index"

        steps = [("index", index), ("seeks", seeks), ("ranges", lambda: _odd_ranges(reader))]
        return [await _step(playback["mode"], name, work) for name, work in steps]


async def _step(mode: str, name: str, work: Callable[[], Awaitable[str]]) -> PlaybackCheckStep:
    began_s = time.monotonic()
    try:
        return PlaybackCheckStep(mode, name, True, await work(), _since(began_s))
    except (_Failed, ValueError, struct.error) as error:
        return PlaybackCheckStep(mode, name, False, str(error), _since(began_s))


async def _index(reader: _Reader) -> list[Track]:
    """The tracks, video first, by walking over the boxes in front of the media."""
    offset = 0
    while offset + 8 <= reader.size:
        size, kind = struct.unpack(">I4s", await reader.read(offset, 8))
        if kind == b"moov" and size <= _LARGEST_INDEX_BYTES:
            found = tracks(await reader.read(offset, size))
            return sorted(found, key=lambda track: track.kind != b"vide")
        if kind == b"mdat" or size < 8:
            break
        offset += size
    raise _Failed("the file has no index in front, so nothing can seek in it by range")


async def _seek(reader: _Reader, video: Track) -> str:
    """Fetch pictures all over the clip; each must be whole NAL units (ISO/IEC 14496-15, 5.2)."""
    samples, slowest_s = video.samples, 0.0
    for share in _SEEKS:
        number = round(share * (len(samples) - 1))
        began_s = time.monotonic()
        data = await reader.read(samples.offsets[number], samples.sizes[number])
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        at = 0
        while at + 4 <= len(data):
            at += 4 + int.from_bytes(data[at : at + 4], "big")
        if at != len(data):
            raise _Failed(f"the bytes of picture {number} are not that picture")
    return f"{len(_SEEKS)} positions, the slowest after {1000 * slowest_s:.0f} ms"


async def _odd_ranges(reader: _Reader) -> str:
    last = min(1000, reader.size)
    suffix = await reader.ask(f"-{last}")
    if suffix.content_range != f"bytes {reader.size - last}-{reader.size - 1}/{reader.size}":
        raise _Failed(f"the last {last} bytes: status {suffix.status}, {suffix.content_range}")
    beyond = await reader.ask(f"{reader.size}-")
    if beyond.status != 416:
        raise _Failed(f"beyond the end: status {beyond.status} instead of 416")
    return "from the end, and beyond it"


def _print(clip: Any, steps: list[PlaybackCheckStep], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"clip": clip["id"], "steps": [asdict(step) for step in steps]}, indent=2))
        return
    print(f"{clip['id']}  {clip['duration_seconds']:.2f} s  {clip['size_bytes']} bytes  {clip['location']}")
    for step in steps:
        word = "ok" if step.ok else "FAILED"
        print(f"{step.mode:<13} {step.step:<8} {word:<7} {step.milliseconds:7.0f} ms  {step.detail}")


def _since(began_s: float) -> float:
    return 1000 * (time.monotonic() - began_s)
