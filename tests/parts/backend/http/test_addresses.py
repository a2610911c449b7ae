"""Addresses below a path: in answers, events, redirects and cookies of requests that come below it."""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from backend.access.actions import Action
from backend.access.gate import AccessRules
from backend.access.proxies import Proxies
from backend.base.base_path import OWN_ROOTS
from backend.clips.idempotency import Order, SentKey, StoredAnswer
from backend.http.addresses import json_below
from backend.http.api import all_routes, clips
from backend.http.routes import Route
from backend.http.static import PagePolicy, Site
from tests.support.backend.serving import OWN_ROUTES, Served, serving

TRUSTING = AccessRules(proxies=Proxies(["127.0.0.1"]))
CONFIGURED = AccessRules(base_path="/hindsight")
HOSTILE = (
    "//evil.example.org",
    "https://evil.example.org",
    "/\\evil.example.org",
    '/"><script>alert(1)</script>',
    "/a;Domain=example.org",
    "/a/../b",
    "/api",
    "/a, /b",
    "/" + "a" * 500,
)


async def _redirect(request: web.Request) -> web.StreamResponse:
    return web.Response(status=303, headers={"Location": "/replay/x.mp4"})


async def _clip(request: web.Request) -> web.StreamResponse:
    title = '/a "url":"/api/x" and \\"url":"/api/y"'
    clip = {
        "title": title,
        "playback_url": "/api/clips/x",
        "url": "https://store.example.org/a",
        "path": "/a",
    }
    return web.json_response({"clips": [clip], "url": None, "thumbnail_url": "//evil"})


ROUTES = (
    *OWN_ROUTES,
    Route("GET", "/api/redirect", _redirect, Action.VIEW, "", documented=False),
    Route("GET", "/api/clip", _clip, Action.VIEW, "", documented=False),
)


async def _get(served: Served, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with served.client.get(path, headers=served.bearer | named, allow_redirects=False) as answer:
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("header", ["X_Forwarded_Prefix", "X_Ingress_Path"])
async def test_answers_carry_the_path_that_a_trusted_proxy_took_off(header: str, tmp_path: Path) -> None:
    """A script that reads them through the proxy gets addresses that work through the proxy."""
    async with serving(tmp_path, routes=ROUTES, rules=TRUSTING) as served:
        below = {header: "/hindsight/"}
        _, headers, _ = await _get(served, "/api/redirect", **below)
        assert headers["Location"] == "/hindsight/replay/x.mp4"
        answer = json.loads((await _get(served, "/api/clip", **below))[2])
        assert answer["clips"][0]["playback_url"] == "/hindsight/api/clips/x"
        assert json.loads((await _get(served, "/api/openapi.json", **below))[2])["servers"] == [
            {"url": "/hindsight"}
        ]
        assert json.loads((await _get(served, "/api/clip"))[2])["clips"][0]["playback_url"] == "/api/clips/x"
        assert json.loads((await _get(served, "/api/openapi.json"))[2])["servers"] == [{"url": "/"}]


async def test_only_addresses_are_changed_and_only_ours(tmp_path: Path) -> None:
    """What people write may look like one; the store's addresses are signed as they are."""
    async with serving(tmp_path, routes=ROUTES, rules=CONFIGURED) as served:
        found = json.loads((await _get(served, "/api/clip"))[2])
        bare = json.loads((await _clip_bytes()).decode())
        assert found["clips"][0].pop("playback_url") == "/hindsight/api/clips/x"
        assert bare["clips"][0].pop("playback_url") == "/api/clips/x"
        assert found == bare


async def _clip_bytes() -> bytes:
    answer: Any = await _clip(None)  # type: ignore[arg-type]
    body: bytes = answer.body
    return body


def test_an_address_that_has_the_base_gets_no_second_one() -> None:
    """The page, the commands and the daemon may all put it there."""
    assert json_below("/a", b'{"url":"/a/x","my_url": "/x","url":"/a","curl":"/x"}') == (
        b'{"url":"/a/x","my_url": "/a/x","url":"/a","curl":"/x"}'
    )


async def test_a_strangers_header_and_one_that_is_no_path_change_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No page, cookie or redirect leads anywhere else, and the operator of the proxy reads why."""
    for rules in (AccessRules(), TRUSTING):
        async with serving(tmp_path, routes=ROUTES, rules=rules) as served:
            paths = ("/api/redirect", "/api/clip", "/api/openapi.json")
            plain = [await _get(served, path) for path in paths]
            for sent in HOSTILE if rules is TRUSTING else ("/hindsight", *HOSTILE):
                for path, (status, headers, body) in zip(paths, plain, strict=True):
                    found = await _get(served, path, X_Forwarded_Prefix=sent)
                    assert (found[0], found[2]) == (status, body), sent
                    assert found[1].get("Location") == headers.get("Location"), sent
                async with served.client.post(
                    "/api/session", json={"key": served.key.value}, headers={"X-Forwarded-Prefix": sent}
                ) as answer:
                    assert "Path=/;" in answer.headers["Set-Cookie"], sent
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == 1
    assert "X-Ingress-Path or X-Forwarded-Prefix that is ignored: it must" in told[0]
    assert "evil" not in told[0]


async def test_with_the_setting_requests_come_with_the_path_or_without(tmp_path: Path) -> None:
    """Both kinds of proxies work, and programs on the box that use neither; a metric knows no difference."""
    async with serving(tmp_path, routes=ROUTES, rules=CONFIGURED) as served:
        for prefix in ("", "/hindsight"):
            assert (await _get(served, f"{prefix}/livez"))[0] == 200
            status, headers, _ = await _get(served, f"{prefix}/api/redirect")
            assert (status, headers["Location"]) == (303, "/hindsight/replay/x.mp4")
        status, headers, _ = await _get(served, "/hindsight")
        assert (status, headers["Location"]) == (302, "/hindsight/")
        assert (await _get(served, "/hindsight-2/livez"))[0] == 404
        async with served.client.get("/hindsight/api/none") as answer:
            assert answer.status == 401
        metrics = (await _get(served, "/hindsight/metrics"))[2].decode()
        assert 'route="/livez"' in metrics
        assert 'route="/hindsight/livez"' not in metrics


async def test_a_refusal_and_another_way_of_writing_lead_to_the_page_of_the_path(tmp_path: Path) -> None:
    """Not to the root of the name, which belongs to another service."""
    async with serving(tmp_path, routes=ROUTES, rules=CONFIGURED) as served:
        for prefix in ("", "/hindsight"):
            text = (await _get(served, f"{prefix}/api/none", Accept="text/html"))[2].decode()
            assert '<a href="../">' in text, prefix
            for path, better in (("/index.html", "./"), ("//livez", "../livez"), ("/livez/", "../livez")):
                url = URL(f"http://{served.host}:{served.port}{prefix}{path}", encoded=True)
                async with served.client.get(url, allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"]) == (308, better), prefix + path


async def test_a_metric_names_the_route_whatever_letters_it_shares_with_the_path(tmp_path: Path) -> None:
    """`/li` is no part of `/livez`."""
    async with serving(tmp_path, rules=AccessRules(base_path="/li")) as served:
        await _get(served, "/livez")
        assert 'route="/livez"' in (await _get(served, "/metrics"))[2].decode()


class _Fingerprints:
    """Stands in for `Idempotency`: keeps what makes two requests the same."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def once(self, sent: SentKey, order: Order) -> StoredAnswer:
        self.seen.append(order.request)
        return StoredAnswer(200, "{}", replayed=True)


class _AnyCamera:
    def find(self, camera: str | None) -> SimpleNamespace:
        return SimpleNamespace(settings=SimpleNamespace(camera_id="front"))


async def test_a_press_sent_again_by_another_way_is_the_same_press(tmp_path: Path) -> None:
    """Once through the proxy that leaves the path on it, once past it: recorded once."""
    kept = _Fingerprints()
    rooms: Any = {"idempotency": kept, "cameras": _AnyCamera()}
    async with serving(tmp_path, routes=clips.ROUTES, rules=CONFIGURED, **rooms) as served:
        for prefix in ("", "/hindsight"):
            headers = served.bearer | {"Idempotency-Key": "k"}
            async with served.client.post(f"{prefix}/api/clips", json={}, headers=headers) as answer:
                assert answer.status == 200
    assert kept.seen == ["/api/clips {}"] * 2


async def test_every_reader_of_the_events_gets_the_addresses_of_their_own_way(tmp_path: Path) -> None:
    """One event, three readers: below two paths and at the root."""

    async def first_clip(served: Served, prefix: str) -> Any:
        headers = served.bearer | ({"X-Forwarded-Prefix": prefix} if prefix else {})
        async with served.client.get("/api/events", headers=headers) as answer:
            async for line in answer.content:
                if line.startswith(b'data: {"id"'):
                    return json.loads(line.removeprefix(b"data: "))["thumbnail_url"]

    address = "/api/clips/x/thumbnail"
    async with serving(tmp_path, rules=TRUSTING) as served, asyncio.timeout(20), asyncio.TaskGroup() as group:
        readers = [group.create_task(first_clip(served, p)) for p in ("/hindsight", "/other", "")]
        while served.rooms.events.subscribers < len(readers):
            await asyncio.sleep(0)
        served.rooms.events.publish("clip", {"id": "x", "thumbnail_url": address})
        found = [await reader for reader in readers]
    assert found == [f"/hindsight{address}", f"/other{address}", address]


async def _sign_in(browser: aiohttp.ClientSession, served: Served, prefix: str = "") -> str:
    """Through a proxy that leaves the path, so that the jar sees it as a browser does."""
    url = f"http://127.0.0.1:{served.port}{prefix}/api/session"
    async with browser.post(url, json={"key": served.key.value}) as answer:
        assert answer.status == 200
        return answer.headers["Set-Cookie"]


async def _status(browser: aiohttp.ClientSession, served: Served, prefix: str, method: str = "GET") -> int:
    async with browser.request(method, f"http://127.0.0.1:{served.port}{prefix}/api/session") as answer:
        return answer.status


async def test_sign_ins_of_two_daemons_on_one_host_do_not_cross(tmp_path: Path) -> None:
    """At two ports, below two paths, and one at the root: cookies know no ports."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for a_below, b_below in (("", ""), ("", "/b"), ("/a", ""), ("/a", "/b")):
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            serving(tmp_path / "a", rules=AccessRules(base_path=a_below)) as a,
            serving(tmp_path / "b", rules=AccessRules(base_path=b_below)) as b,
            aiohttp.ClientSession(cookie_jar=jar) as browser,
        ):
            assert f"Path={a_below}/;" in await _sign_in(browser, a, a_below)
            assert await _status(browser, b, b_below) == 401
            assert f"Path={b_below}/;" in await _sign_in(browser, b, b_below)
            assert await _status(browser, a, a_below) == await _status(browser, b, b_below) == 200
            await _sign_in(browser, a, a_below)
            assert await _status(browser, b, b_below) == 200
            assert await _status(browser, a, a_below, "DELETE") == 204
            assert (await _status(browser, a, a_below), await _status(browser, b, b_below)) == (401, 200)


async def test_a_cookie_planted_beside_ours_signs_nobody_out(tmp_path: Path) -> None:
    """By a neighbour at the root, or by a page of a name above ours."""
    async with serving(tmp_path) as served, aiohttp.ClientSession() as browser:
        token = (await _sign_in(browser, served)).partition("=")[2].partition(";")[0]
        for cookies in (f"hindsight_session=x; hindsight_session={token}", f"hindsight_session={token}; a=b"):
            url = f"http://127.0.0.1:{served.port}/api/session"
            async with browser.get(url, headers={"Cookie": cookies}) as answer:
                assert answer.status == 200, cookies


async def test_the_external_address_is_allowed_invited_to_and_makes_secure_cookies(tmp_path: Path) -> None:
    """Where a proxy speaks https for us; by the box's own address the cookie still works."""
    rules = AccessRules(base_path="/hindsight", external_url="https://house.example.org/hindsight")
    async with serving(tmp_path, rules=rules, allowed_hosts=("house.example.org",)) as served:
        for host, is_secure in (("house.example.org", True), ("house.example.org:443", True), ("box", False)):
            async with served.client.post(
                "/api/session", json={"key": served.key.value}, headers={"Host": host}
            ) as answer:
                assert ("Secure" in answer.headers["Set-Cookie"]) is is_secure, host
        async with served.client.post("/api/session/codes", headers=served.bearer) as answer:
            made = await answer.json()
        assert made["url"] == f"https://house.example.org/hindsight{made['path']}"


async def test_without_an_external_address_an_invitation_leads_to_where_it_was_made(tmp_path: Path) -> None:
    """The page knows under which name it was opened."""
    async with serving(tmp_path, rules=TRUSTING) as served:
        headers = served.bearer | {"X-Forwarded-Prefix": "/hindsight"}
        async with served.client.post("/api/session/codes", headers=headers) as answer:
            made = await answer.json()
    assert made["url"] == f"/hindsight{made['path']}"


@pytest.mark.parametrize(
    ("ancestors", "policy", "options"),
    [
        ((), "frame-ancestors 'none'", "DENY"),
        (("'self'",), "frame-ancestors 'self'", "SAMEORIGIN"),
        (("'self'", "http://ha:8123"), "frame-ancestors 'self' http://ha:8123", None),
    ],
)
def test_only_named_pages_may_show_ours_in_a_frame(
    ancestors: tuple[str, ...], policy: str, options: str | None
) -> None:
    """The older header says the same, or nothing where it cannot."""
    headers = PagePolicy(frame_ancestors=ancestors).headers()
    assert headers["Content-Security-Policy"].endswith(policy)
    assert headers.get("X-Frame-Options") == options


async def test_no_answer_may_be_framed_unless_the_configuration_says_so(tmp_path: Path) -> None:
    """Also by browsers that know the older header only."""
    async with serving(tmp_path) as served:
        _, headers, _ = await _get(served, "/livez")
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_no_base_is_the_beginning_of_an_address_of_ours(tmp_path: Path) -> None:
    """A new route with a new first part must be added there: its addresses would stay without the base."""
    paths = [route.path for route in (*all_routes(), *Site(tmp_path).routes())]
    first = {path.split("/")[1].partition("{")[0] for path in paths} - {""}
    assert first == OWN_ROOTS
