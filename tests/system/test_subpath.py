"""The real daemon below a path, behind real proxies with the samples of deploy/: all is as at the root."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest

from backend.base.base_path import OWN_ROOTS
from tests.support.daemon import ROOT, Daemon, locked_daemon
from tests.support.proxies import BELOW, below, require_proxy

pytestmark = pytest.mark.slow("real proxies before real daemons")

PATH, SECOND = "/hindsight", "/second/box"
EXTERNAL = f"https://home.example.org{PATH}"
INGRESS = "/api/hassio_ingress/Wx-9_0aBcD"


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Daemon]]:
    """One that is told its path, and one that hears it from the proxy."""
    proxies = ["127.0.0.1"]
    folders = [tmp_path_factory.mktemp(name) for name in ("told", "hears")]
    with (
        locked_daemon(folders[0], trusted_proxies=proxies, external_url=EXTERNAL) as told,
        locked_daemon(folders[1], trusted_proxies=proxies) as hears,
    ):
        yield told, hears


@dataclass
class Browser:
    """A jar of cookies and the address of a page."""

    http: aiohttp.ClientSession
    page: str
    """Ends with a slash."""

    async def get(self, address: str, **headers: str) -> tuple[int, Any, bytes]:
        """`address`: as the page, or an answer, names it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.get(urljoin(self.page, address), headers=named, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.read()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer of the API below the page."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.page))
        url = urljoin(self.page, path)
        async with self.http.request(method, url, json=body, headers={"Origin": origin}) as answer:
            assert answer.status < 400, (method, url, await answer.text())
            return await answer.json() if answer.status != 204 else None

    async def sign_in(self, daemon: Daemon) -> None:
        """With the key, as the form does."""
        await self.call("POST", "api/session", {"key": (daemon.data_dir / "access_key").read_text().strip()})


@asynccontextmanager
async def browser(page: str) -> AsyncIterator[Browser]:
    """A browser that is not signed in."""
    jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as http:
        yield Browser(http, page)


def _addresses(found: Any, path: str) -> Iterator[str]:
    """Every text in an answer that looks like an address of ours, whatever its name."""
    match found:
        case dict():
            for value in found.values():
                yield from _addresses(value, path)
        case list():
            for value in found:
                yield from _addresses(value, path)
        case str() if found.startswith("/"):
            if found.removeprefix(path).split("/")[1] in OWN_ROOTS:
                yield found


async def _page_loads(browser: Browser) -> None:
    """The page, all that it names, and what its style sheets and manifest name."""
    status, _, page = await browser.get("")
    assert status == 200
    for name in ("", "test_video_playback.html"):
        named = re.findall(rb'(?:src|href)="([^"#]+)"', (await browser.get(name))[2])
        for address in (a.decode() for a in named if not a.startswith(b"data:")):
            assert urljoin(browser.page, address).startswith(browser.page)
            status, _, body = await browser.get(address)
            assert (status, len(body) > 0) == (200, True), address
            if address.endswith(".css"):
                assert not re.search(rb"url\(['\"]?/", body), address
            if address.endswith(".webmanifest"):
                manifest, place = json.loads(body), urljoin(browser.page, address)
                assert {urljoin(place, manifest[n]) for n in ("start_url", "scope")} == {browser.page}
    assert b"assets/" in page


async def _live_picture_comes(browser: Browser) -> None:
    async with browser.http.ws_connect(urljoin(browser.page, "live/front"), heartbeat=None) as socket:
        while (message := await socket.receive(timeout=20)).type is not aiohttp.WSMsgType.BINARY:
            assert message.type is aiohttp.WSMsgType.TEXT, message


async def _clip_is_made_and_told(browser: Browser) -> Any:
    """The events name it with the address under which this browser finds it."""
    async with browser.http.get(urljoin(browser.page, "api/events")) as events:
        made = await browser.call("POST", "api/clips", {"before_seconds": 1, "after_seconds": 0})
        async with asyncio.timeout(30):
            async for line in events.content:
                if line.startswith(b"data: {"):
                    told = json.loads(line.removeprefix(b"data: "))
                    if told.get("id") == made["id"] and told.get("status") == "draft":
                        return told
    raise AssertionError("the stream ended")


async def _clip_is_read_everywhere(browser: Browser, clip: Any) -> None:
    """By the addresses of the event, just as they stand there."""
    status, _, whole = await browser.get(clip["playback_url"])
    assert (status, len(whole)) == (200, clip["size_bytes"])
    status, headers, part = await browser.get(clip["playback_url"], Range="bytes=100-199")
    assert (status, part) == (206, whole[100:200])
    status, headers, body = await browser.get(clip["download_url"], Range="bytes=0-9")
    assert (status, body) == (206, whole[:10])
    assert "attachment" in headers["Content-Disposition"]
    status, headers, _ = await browser.get(clip["thumbnail_url"])
    assert (status, headers["Content-Type"].partition("/")[0]) == (200, "image")
    status, _, body = await browser.get(f"api/clips/archive.zip?ids={clip['id']}")
    assert (status, body[:2]) == (200, b"PK")


async def _every_address_lies_below(browser: Browser, path: str, clip: Any) -> None:
    """In every answer of the API, in redirects, and in the description of the API."""
    seen: set[str] = set()
    for name in (
        "api/cameras",
        "api/cameras/front",
        "api/cameras/front/filmstrip?count=2&width=160",
        "api/cameras/front/frames?limit=2",
        "api/clips",
        f"api/clips/{clip['id']}",
        f"api/clips/{clip['id']}/playback",
        f"api/clips/{clip['id']}/previews",
        "api/drafts",
        "api/feed",
        "api/system",
    ):
        seen |= set(_addresses(await browser.call("GET", name), path))
    replay = await browser.call("GET", "api/cameras/front/replay")
    seen |= set(_addresses(replay, path))
    await browser.call("DELETE", replay["url"])
    assert len(seen) > 10
    assert [address for address in seen if not address.startswith(f"{path}/")] == []
    status, headers, _ = await browser.get("api/cameras/front/replay.mp4")
    assert (status, headers["Location"].startswith(f"{path}/replay/")) == (303, True)
    assert (await browser.get(headers["Location"], Range="bytes=0-0"))[0] == 206
    await browser.call("DELETE", headers["Location"])
    assert (await browser.call("GET", "api/openapi.json"))["servers"] == [{"url": path}]


async def _promises_hold(browser: Browser, daemon: Daemon, path: str) -> None:
    await _page_loads(browser)
    assert (await browser.get("api/cameras"))[0] == 401
    await browser.sign_in(daemon)
    assert {str(cookie["path"]).rstrip("/") for cookie in browser.http.cookie_jar} == {path}
    await _live_picture_comes(browser)
    clip = await _clip_is_made_and_told(browser)
    await _clip_is_read_everywhere(browser, clip)
    await _every_address_lies_below(browser, path, clip)
    await browser.call("DELETE", "api/session")
    assert (await browser.get("api/cameras"))[0] == 401
    assert len(browser.http.cookie_jar) == 0


@pytest.mark.parametrize("strips", [True, False], ids=["path taken off", "path left on"])
@pytest.mark.parametrize("program", BELOW)
async def test_below_a_path_everything_is_as_at_the_root(
    program: str, strips: bool, daemons: tuple[Daemon, Daemon], tmp_path: Path
) -> None:
    """Page, sign-in, live picture, record, events, download, redirects: with the samples as they are."""
    require_proxy(program)
    with below(program, tmp_path / "proxy", {PATH: daemons[0].port}, strips=strips) as port:
        async with browser(f"http://127.0.0.1:{port}{PATH}/") as looking:
            status, headers, _ = await looking.get(f"http://127.0.0.1:{port}{PATH}")
            assert status in {301, 302}
            assert urljoin(f"http://127.0.0.1:{port}/", headers["Location"]) == looking.page
            await _promises_hold(looking, daemons[0], PATH)


@pytest.mark.parametrize("path", [SECOND, INGRESS])
async def test_a_daemon_that_is_told_nothing_hears_its_path_from_the_proxy(
    path: str, daemons: tuple[Daemon, Daemon], tmp_path: Path
) -> None:
    """Another path for the same daemon; and one as Home Assistant's ingress has it."""
    require_proxy("nginx")
    with below("nginx", tmp_path / "proxy", {path: daemons[1].port}) as port:
        async with browser(f"http://127.0.0.1:{port}{path}/") as looking:
            await _promises_hold(looking, daemons[1], path)


@pytest.mark.parametrize("program", BELOW)
async def test_two_boxes_under_one_name_keep_their_sign_ins_apart(
    program: str, daemons: tuple[Daemon, Daemon], tmp_path: Path
) -> None:
    """Below two paths of one proxy, and one of them at its own port, too, which cookies do not know."""
    require_proxy(program)
    ports = {PATH: daemons[0].port, SECOND: daemons[1].port}
    with below(program, tmp_path / "proxy", ports) as port:
        pages = [f"http://127.0.0.1:{port}{path}/" for path in ports]
        pages.append(f"http://127.0.0.1:{daemons[1].port}/")
        async with browser(pages[0]) as looking:
            for page, daemon in zip(pages, (*daemons, daemons[1]), strict=True):
                looking.page = page
                assert (await looking.get("api/cameras"))[0] == 401, page
                await looking.sign_in(daemon)
            for page in pages:
                assert (await looking.get(urljoin(page, "api/cameras")))[0] == 200, page
            looking.page = pages[0]
            await looking.call("DELETE", "api/session")
            found = [(await looking.get(urljoin(page, "api/cameras")))[0] for page in pages]
            assert found == [401, 200, 200]


def test_the_commands_and_the_given_check_take_an_address_with_a_path(
    daemons: tuple[Daemon, Daemon], tmp_path: Path
) -> None:
    """From another machine: with the key, and what they print works there."""
    require_proxy("nginx")
    key = (daemons[1].data_dir / "access_key").read_text().strip()
    environ = os.environ | {"HINDSIGHT_KEY": key, "PYTHONPATH": str(ROOT)}
    (tmp_path / "config.yaml").write_text(json.dumps({"data_dir": str(tmp_path / "other")}))
    with below("nginx", tmp_path / "proxy", {SECOND: daemons[1].port}) as port:
        url = f"http://127.0.0.1:{port}{SECOND}"
        for arguments in (
            ["-m", "backend", "status", "--url", url],
            ["-m", "backend", "record", "--wait", "--before", "1", "--after", "0", "--url", f"{url}/"],
            ["-m", "backend", "playback", "check", "--url", url],
            [str(ROOT / "test_background_stream.py"), "--url", url, "--key", key, "--seconds", "1"],
        ):
            done = subprocess.run(
                [sys.executable, *arguments],
                capture_output=True,
                text=True,
                env=environ,
                cwd=tmp_path,
                check=False,
            )
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)
            for printed in re.findall(rf"http://127.0.0.1:{port}\S*/download\S*", done.stdout):
                assert printed.startswith(f"{url}/api/clips/")


def test_links_for_people_name_the_address_that_people_use(daemons: tuple[Daemon, Daemon]) -> None:
    """The first start, and `hindsight open`; no warning of plain http that nobody uses."""
    log = daemons[0].log_path.read_text()
    assert f"Open {EXTERNAL} and type this code:" in log
    assert f"Or open {EXTERNAL}/#code=" in log
    assert "not encrypted" not in log
    arguments = ["open", "--no-browser", "--config", str(daemons[0].config_path)]
    done = subprocess.run(
        [sys.executable, "-m", "backend", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^Or open {EXTERNAL}/#code=\S+$", done.stdout, re.MULTILINE), done.stdout
    assert f"Open {EXTERNAL} and type this code:" in done.stdout
