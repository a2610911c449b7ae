"""The whole application in this process, with its synthetic camera and a client, for one file of tests.

What a request is refused with, and the shape of an answer, need no process of their own: everything from
the socket to the camera is real here, too. What a process dies of or leaves behind is the system lane's.

The application lives on the loop that opened it. Between tests that loop stands still, but no camera does.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from backend.access.access_key import AccessKey
from backend.app import running
from backend.config.load import load
from tests.support.daemon import SMALL_CAMERA, Answer

POLL_S = 0.02

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WholeApp:
    """A running application. It sends the requests of `tests.support.daemon.Daemon`, without blocking."""

    url: str
    directory: Path
    client: aiohttp.ClientSession

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def config_path(self) -> Path:
        return self.directory / "config.yaml"

    async def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """`path` is sent as it is; `body`: bytes as they are, anything else as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        url = URL(f"{self.url}{path}", encoded=True)
        async with self.client.request(method, url, data=body, headers=sent, allow_redirects=False) as answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, named, await answer.read())

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.request("GET", path, headers=_with_hyphens(headers))

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.request("POST", path, body, _with_hyphens(headers))

    async def record(self, **asked: Any) -> dict[str, Any]:
        """The clip as it is in the answer to the press; without arguments, a look-back of half a second."""
        answer = await self.post("/api/clips", {"before_seconds": 0.5, "after_seconds": 0} | asked)
        assert answer.status == 201, answer.body
        clip: dict[str, Any] = answer.json()
        return clip

    async def clip(self, clip_id: str) -> dict[str, Any]:
        answer = await self.get(f"/api/clips/{clip_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    async def wait_for_clip(self, clip_id: str, status: str = "draft") -> dict[str, Any]:
        """The clip once it has `status`; one that failed instead fails at once."""

        async def arrived() -> dict[str, Any] | None:
            clip = await self.clip(clip_id)
            assert status == "failed" or clip["status"] != "failed", clip["error"]
            return clip if clip["status"] == status else None

        return await self.wait(arrived, 30, f"clip {clip_id} {status}")

    async def wait_for_buffer(self, seconds: float, camera: str) -> None:
        async def buffered() -> bool:
            status = (await self.get(f"/video/buffer/status?camera={camera}")).json()
            return bool(status["duration_seconds"] >= seconds)

        await self.wait(buffered, 60, f"{seconds} s buffered")

    async def newest(self) -> datetime:
        """The label of the newest frame of the first camera."""
        status = (await self.get("/video/buffer/status")).json()
        return datetime.fromisoformat(status["newest_frame_utc"])

    async def wait(self, condition: Callable[[], Awaitable[T | None]], deadline_s: float, what: str) -> T:
        """What `condition` returns once it is true."""
        end = time.monotonic() + deadline_s
        while not (found := await condition()):
            assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
            await asyncio.sleep(POLL_S)
        return found


@asynccontextmanager
async def whole_app(
    directory: Path,
    cameras: tuple[Mapping[str, Any], ...] = (SMALL_CAMERA,),
    *,
    buffered_s: float = 1.0,
    **sections: Any,
) -> AsyncIterator[WholeApp]:
    """An application with `buffered_s` of every camera; `sections` are those of config.yaml."""
    own = {
        "data_dir": str(directory / "data"),
        # Who may come in is what the tests of access are for.
        "server": {"host": "127.0.0.1", "port": 0, "loopback_without_key": True},
        "cameras": list(cameras),
        # What this machine's disk has left decides nothing.
        "retention": {"reserve": {"bytes": 0, "clips": 0}},
    }
    # JSON is YAML too.
    (directory / "config.yaml").write_text(json.dumps(own | sections), "utf-8")
    config = await asyncio.to_thread(load, directory / "config.yaml", {}, directory)
    key = AccessKey(config.data_dir)
    await asyncio.to_thread(key.load)
    async with (
        running(config, key) as daemon,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as client,
    ):
        app = WholeApp(daemon.address, directory, client)
        for camera in cameras:
            await app.wait_for_buffer(buffered_s, camera["id"])
        yield app


def _with_hyphens(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
