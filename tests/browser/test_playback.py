"""Clips play in the page from the object store and through the daemon, and go on when an address expires."""

import re
import sqlite3
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from recorder.mp4.finished_file import read_moov
from recorder.mp4.sample_table import tracks
from tests.browser.conftest import Complaints
from tests.support.daemon import Daemon
from tests.support.s3_servers import S3Server

pytestmark = pytest.mark.slow("the address of a clip expires while it plays")

CAMERA = {"id": "far", "name": "Far", "source": "synthetic?size=640x360&fps=30&gop_s=10&bframes=2"}
PAINTED = Path(__file__).with_name("painted.js")
LIFETIME_S = 10
PADDING = 96 << 20
"""Further than a browser reads ahead."""
FRAME_S = 1 / 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = S3Server("rclone", tmp_path_factory.mktemp("s3") / "data")
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, server: S3Server) -> Iterator[Daemon]:
    s3 = {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}
    directory = tmp_path_factory.mktemp("playback")
    with Daemon(directory, [CAMERA], storage={"s3": s3}, playback={"url_lifetime": LIFETIME_S}) as started:
        started.wait_for_buffer(6, "far")
        yield started


@pytest.fixture(scope="module")
def clip(daemon: Daemon) -> Any:
    """Five seconds, begun in the middle of a GOP, here and in the store."""
    made = daemon.post("/api/clips", {"before_seconds": 5, "after_seconds": 0}).json()
    daemon.wait_for_clip(made["id"])

    def stored() -> Any:
        now = daemon.clip(made["id"])
        return now if now["location"] == "both" else None

    return daemon.wait(stored, 30, "in the store")


def stretched(whole: bytes) -> bytes:
    """The same clip with a hole in its media before the last second, over which nobody reads unasked.

    Each picture becomes a chunk of its own, so that the index can say where the hole is.
    """
    offset, moov = read_moov(BytesIO(whole))
    samples = tracks(moov)[0].samples
    places = zip(samples.offsets, samples.pts, strict=True)
    later = next(at for at, pts in places if pts > 90_000 * 4)
    grow = 4 * len(samples)
    grow -= len(box_of(moov, b"stsc")) - 28 + len(box_of(moov, b"stco")) - 16
    chunks = [at + grow + (PADDING if at >= later else 0) for at in samples.offsets]
    stco = struct.pack(f">I4sII{len(chunks)}I", 16 + 4 * len(chunks), b"stco", 0, len(chunks), *chunks)
    stsc = struct.pack(">I4sIIIII", 28, b"stsc", 0, 1, 1, 1, 1)
    made = bytearray(moov.replace(box_of(moov, b"stco"), stco).replace(box_of(moov, b"stsc"), stsc))
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        add_to_size(made, made.index(kind) - 4, grow)
    rest = bytearray(whole[offset + len(moov) :])
    add_to_size(rest, rest.index(b"mdat") - 4, PADDING)
    cut = later - offset - len(moov)
    return whole[:offset] + made + rest[:cut] + bytes(PADDING) + rest[cut:]


def box_of(moov: bytes, kind: bytes) -> bytes:
    """The first box of a kind, header and all."""
    at = moov.index(kind) - 4
    return moov[at : at + int.from_bytes(moov[at : at + 4], "big")]


def add_to_size(data: bytearray, at: int, count: int) -> None:
    """Lengthen the box that begins at `at`."""
    struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + count)


def open_clip(page: Page, daemon: Daemon, clip: Any) -> Any:
    """The dialog of the clip, once its video can be seen; how it was resolved."""
    with page.expect_response(lambda r: r.url.endswith(f"{clip['id']}/playback")) as pending:
        page.goto(f"{daemon.url}/#/live/{clip['id']}?camera=far")
    expect(page.locator(".clip-dialog video")).to_have_js_property("readyState", 4, timeout=30_000)
    expect(page.locator(".player-notice")).to_be_hidden()
    return pending.value.json()


def seek(page: Page, time_s: float) -> Any:
    """The media time painted last, at the latest 5 s after the seek, and where it came from.

    A frame of before may still be painted when the seek has ended, so the first one is not the answer.
    """
    return page.evaluate(
        """async ([time, frame_s]) => {
          const video = document.querySelector(".clip-dialog video");
          video.pause();
          let at = null;
          const seen = (_, frame) => { at = frame.mediaTime; video.requestVideoFrameCallback(seen); };
          video.requestVideoFrameCallback(seen);
          const sought = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
          video.currentTime = time;
          await sought;
          const end = performance.now() + 5000;
          while ((at === null || Math.abs(at - time) > frame_s) && performance.now() < end) {
            await new Promise(requestAnimationFrame);
          }
          return { at, src: video.currentSrc, duration: video.duration };
        }""",
        [time_s, FRAME_S],
    )


def failures(daemon: Daemon, reason: str) -> float:
    """How often the page came back, from /metrics."""
    line = f'hindsight_playback_failures_total{{mode="direct_url",provider="s3",reason="{reason}"}} '
    found = [text for text in daemon.get("/metrics").body.decode().splitlines() if text.startswith(line)]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_a_card_says_by_itself_that_its_clip_is_in_the_store(page: Page, daemon: Daemon, clip: Any) -> None:
    """Pushed as soon as the store has confirmed it; the open clip says it in words."""
    page.goto(f"{daemon.url}/#/clips")
    sign = "hs-clip-card[data-id='{id}'] .card-copy"
    expect(page.locator(sign.format_map(clip))).to_have_attribute("title", "Also in the object store")
    made = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
    expect(page.locator(sign.format_map(made))).to_be_visible(timeout=30_000)
    page.goto(f"{daemon.url}/#/clips/{made['id']}")
    expect(page.locator(".clip-dialog .facts")).to_contain_text("Also in the object store")


def test_a_clip_that_waits_for_a_failing_store_says_so_until_it_is_there(
    page: Page, context: BrowserContext, daemon: Daemon, server: S3Server
) -> None:
    """With the reason, also on a page that is opened later; a dot shows on every screen where to read it."""
    page.goto(f"{daemon.url}/#/clips")
    dot = page.locator(".nav-dot")
    expect(dot).to_be_hidden()
    server.kill()
    try:
        made = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
        sign = f"hs-clip-card[data-id='{made['id']}'] .card-copy"
        waits = re.compile("^Waits for the object store: .*storage.s3.endpoint")
        expect(page.locator(sign)).to_have_attribute("title", waits, timeout=30_000)
        expect(dot).to_be_visible()
        later = context.new_page()
        later.goto(f"{daemon.url}/#/clips/{made['id']}")
        expect(later.locator(".clip-dialog .facts")).to_contain_text("Waits for the object store")
        expect(later.locator(".nav-dot")).to_be_visible()
    finally:
        server.start()
    for shown in (page, later):
        expect(shown.locator(sign)).to_have_attribute("title", "Also in the object store", timeout=60_000)
        expect(shown.locator(".nav-dot")).to_be_hidden()
    later.close()


def test_it_plays_and_seeks_from_the_store_itself(
    page: Page, daemon: Daemon, server: S3Server, clip: Any
) -> None:
    """The policy lets the page fetch from there, and asks of the daemon once."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    told = open_clip(page, daemon, clip)
    assert (told["mode"], told["provider"]) == ("direct_url", "s3")
    seen = {}
    for time_s in (0.5 * FRAME_S, 3.2, clip["duration_seconds"] - 0.5 * FRAME_S, 1.1):
        seen = seek(page, time_s)
        assert seen["at"] == pytest.approx(time_s, abs=FRAME_S)
        assert seen["src"].startswith(server.endpoint)
    assert seen["duration"] == pytest.approx(clip["duration_seconds"], abs=0.001)
    assert sum(url.endswith("/playback") for url in asked) == 1
    assert not any("/playback/stream" in url for url in asked)
    policy = page.request.get(daemon.url).headers["content-security-policy"]
    assert policy.count(server.endpoint) == 3


def test_a_store_that_the_browser_cannot_reach_is_gone_around(
    page: Page, daemon: Daemon, server: S3Server, clip: Any, complaints: Complaints
) -> None:
    """The page comes back, and gets the clip through the daemon; it plays and seeks there too."""
    complaints.expected.append("Failed to load resource")
    before = failures(daemon, "page_could_not_play")
    page.route(f"{server.endpoint}/**", lambda route: route.abort())
    with page.expect_response(lambda r: "after=failed" in r.url) as again:
        open_clip(page, daemon, clip)
    assert again.value.json()["mode"] == "proxy_stream"
    for time_s in (4.0, 0.5):
        seen = seek(page, time_s)
        assert seen["at"] == pytest.approx(time_s, abs=FRAME_S)
        assert seen["src"].startswith(daemon.url)
    assert failures(daemon, "page_could_not_play") == before + 1


def test_the_clean_form_shows_the_same_pictures(page: Page, daemon: Daemon, clip: Any) -> None:
    """Painted by the browser, first, last and across the border between encoded and copied pictures."""
    assert clip["lead_in_seconds"] > 0
    page.goto(daemon.url)
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    seen = page.evaluate(
        """async ([urls, times]) => {
          const m = await import("/painted.js");
          const found = [];
          for (const url of urls) {
            const video = document.createElement("video");
            document.body.append(video);
            const ready = new Promise((done) => { video.onloadeddata = done; });
            video.src = url;
            await ready;
            const counters = [];
            for (const time of times) counters.push(await m.counterAt(video, time));
            found.push([video.duration, counters]);
          }
          return found;
        }""",
        [
            [clip["playback_url"], f"{clip['download_url']}?form=clean&inline=true"],
            [(number + 0.5) * FRAME_S for number in (0, 1, 40, 75, 110, 149)],
        ],
    )
    assert seen[0] == seen[1]
    assert seen[0][1][-1] - seen[0][1][0] >= 100


def test_it_goes_on_at_the_same_second_when_its_address_has_expired(
    page: Page, daemon: Daemon, server: S3Server, clip: Any, complaints: Complaints
) -> None:
    """The end of the file is fetched only when somebody goes there, and by then the address is old."""
    complaints.expected.append("Failed to load resource")
    body = stretched(daemon.get(clip["playback_url"]).body)
    server.operator().put_object("clips", f"{clip['id']}/clip.mp4", BytesIO(body), len(body), "video/mp4")
    with sqlite3.connect(daemon.data_dir / "catalogue.sqlite", timeout=30) as rows:
        rows.execute(
            "UPDATE clips SET size_bytes = ?, location = 'remote' WHERE id = ?", (len(body), clip["id"])
        )
    # As where a browser forbids autoplay: then it reads no further ahead than it must.
    page.add_init_script("Object.defineProperty(HTMLMediaElement.prototype, 'autoplay', { set() {} })")
    expired = failures(daemon, "expired")
    told = open_clip(page, daemon, clip)
    before = page.evaluate("document.querySelector('.clip-dialog video').currentSrc")
    while page.evaluate("(until) => Date.now() < Date.parse(until) + 1500", told["expires_at"]):
        page.wait_for_timeout(200)
    with page.expect_response(lambda r: "after=expired" in r.url) as again:
        page.evaluate("document.querySelector('.clip-dialog video').currentTime = 4.5")
    assert again.value.json()["mode"] == "direct_url"
    expect(page.locator(".player-notice")).to_be_hidden(timeout=30_000)
    expect(page.locator(".clip-dialog video")).to_have_js_property("readyState", 4, timeout=30_000)
    after = seek(page, 4.6)
    assert after["at"] == pytest.approx(4.6, abs=FRAME_S)
    assert after["src"] != before
    assert failures(daemon, "expired") == expired + 1
