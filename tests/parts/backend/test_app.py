"""Every route of the real application: who gets in, and that each says so."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from backend.access.access_key import AccessKey
from backend.access.actions import Action
from backend.app import running
from backend.config.model import Config
from backend.config.server import ServerConfig
from backend.http.api import all_routes
from backend.http.routes import Route, path_without_patterns
from backend.http.static import Site

OPEN_TO_EVERYBODY = {
    ("GET", "/livez"),
    ("POST", "/api/session"),
    ("GET", "/"),
    ("GET", "/assets/{hash}/{path}"),
    ("GET", "/test_video_playback.html"),
    ("GET", "/robots.txt"),
    ("GET", "/favicon.ico"),
    ("GET", "/apple-touch-icon.png"),
    ("GET", "/apple-touch-icon-precomposed.png"),
}
POLLED = {"/livez", "/readyz", "/metrics", "/api/debug/background-stream-status", "/video/buffer/status"}
"""By monitors, which add what keeps caches from answering."""
ROUTES = all_routes()
EXAMPLES = {"camera": "synthetic", "token": "0" * 32, "id": "01890000-0000-7000-8000-000000000000"}


def _every_route(tmp_path: Path) -> tuple[Route, ...]:
    return (*ROUTES, *Site(tmp_path).routes())


def _example(route: Route) -> str:
    path = path_without_patterns(route.path)
    return re.sub(r"\{(\w+)\}", lambda name: EXAMPLES.get(name[1], "x"), path)


def _own_address() -> str | None:
    """An address of this machine that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


@pytest.fixture(params=["the setting is off", "from another address"])
async def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a daemon to which we are strangers."""
    host, loopback_without_key = "127.0.0.1", False
    if request.param == "from another address":
        address = await asyncio.to_thread(_own_address)
        if address is None:
            pytest.skip("this machine has loopback only")
        host, loopback_without_key = address, True
    server = ServerConfig(host=host, port=0, loopback_without_key=loopback_without_key, open_status="none")
    key = AccessKey(tmp_path)
    await asyncio.to_thread(key.load)
    async with running(Config(data_dir=tmp_path, server=server), key) as daemon:
        yield daemon.address


def test_every_route_declares_an_action_and_the_open_ones_are_known(tmp_path: Path) -> None:
    """What is open to everybody is a list to be read by people: nothing gets onto it by accident."""
    routes = _every_route(tmp_path)
    for route in routes:
        assert route.action is None or isinstance(route.action, Action), route.path
    found = {(r.method, path_without_patterns(r.path)) for r in routes if r.action is None}
    assert found == OPEN_TO_EVERYBODY


def test_no_two_routes_share_method_and_path(tmp_path: Path) -> None:
    """The second would never be reached."""
    declared = [(r.method, path_without_patterns(r.path)) for r in _every_route(tmp_path)]
    assert len(declared) == len(set(declared))


def test_a_route_that_names_a_camera_says_how_to_find_it(tmp_path: Path) -> None:
    """Per-camera rights need it the day they come."""
    for route in ROUTES:
        if "{camera" in route.path or "{id" in route.path or "{token" in route.path:
            assert route.camera.__name__ != "no_camera", route.path


def test_pages_media_and_probes_ignore_unknown_parameters_and_lists_and_verbs_refuse_them(
    tmp_path: Path,
) -> None:
    """By the kind of a route, so that a new one is judged the day it is declared."""
    for route in _every_route(tmp_path):
        is_page = not route.documented
        # A picture, a video, an archive, a live view, the way to a replay: not JSON, and not the events.
        is_media = route.media_type not in {"application/json", "text/event-stream", "text/plain"}
        is_media = is_media or route.status in {101, 303}
        shared = route.method == "GET" and (is_page or is_media or route.path in POLLED)
        assert route.ignores_unknown_query is shared, (route.method, route.path)


async def test_a_stranger_gets_401_from_every_route_but_the_open_ones(stranger: str, tmp_path: Path) -> None:
    """One loop over the declarations, so that a new route is covered the day it is declared."""
    async with aiohttp.ClientSession(stranger) as client:
        for route in ROUTES:
            if route.action is None:
                continue
            async with client.request(route.method, _example(route), allow_redirects=False) as answer:
                assert answer.status == web.HTTPUnauthorized.status_code, (route.method, route.path)
                assert (await answer.json(content_type=None))["detail"]
        async with client.get("/livez") as answer:
            assert answer.status == 200


async def test_programs_of_this_machine_read_the_documented_status_and_nothing_else(tmp_path: Path) -> None:
    """A script polls it without a key; so may a stranger behind a proxy, who learns no more than this."""
    key = AccessKey(tmp_path)
    await asyncio.to_thread(key.load)
    config = Config(data_dir=tmp_path, server=ServerConfig(host="127.0.0.1", port=0))
    async with running(config, key) as daemon, aiohttp.ClientSession(daemon.address) as client:
        buffer = {"frame_count", "duration_seconds", "oldest_frame", "newest_frame"}
        buffer |= {"oldest_frame_utc", "newest_frame_utc"}
        async with client.get("/api/debug/background-stream-status") as answer:
            status = await answer.json()
        assert (set(status), set(status["buffer"])) == ({"stream_running", "buffer"}, buffer)
        async with client.get("/video/buffer/status") as answer:
            held = {"capacity_seconds", "held_frames", "held_seconds", "held_bytes", "fps", "codec"}
            assert set(await answer.json()) == buffer | held
        async with client.get("/video/buffer/status?uptime_kuma_cachebuster=1") as answer:
            assert set(await answer.json()) == buffer | held
        chosen = ("/video/buffer/status?camera=synthetic", "/video/buffer/status?_=1&camera=synthetic")
        for path in (*chosen, "/api/cameras", "/api/cameras/synthetic"):
            async with client.get(path) as answer:
                assert answer.status == 401, path
        for hint in ({"X-Forwarded-For": "203.0.113.1"}, {"Sec-Fetch-Site": "cross-site"}):
            async with client.get("/video/buffer/status", headers=hint) as answer:
                assert answer.status == 401, hint
        bearer = {"Authorization": f"Bearer {key.value}"}
        async with client.get("/video/buffer/status", headers=bearer) as answer:
            assert (await answer.json())["camera"] == "synthetic"
