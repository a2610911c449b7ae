"""A browser that ignores edit lists plays clean forms wherever clips play; others play originals."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import Complaints
from tests.support.daemon import Daemon
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow("a buffer of six seconds, and clean forms made by a worker")

PAINTED = Path(__file__).with_name("painted.js")
CAMERA = {"id": "far", "name": "Far", "source": "synthetic?size=640x360&fps=30&gop_s=10&bframes=2"}
IGNORED = "localStorage.setItem('hindsight.editLists', 'ignored @ ' + navigator.userAgent)"
VIDEO = ".clip-dialog video"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("edits"), [CAMERA]) as started:
        started.wait_for_buffer(6, "far")
        yield started


@pytest.fixture
def clip(daemon: Daemon) -> Any:
    """Begun in the middle of a GOP of ten seconds."""
    while True:
        made = daemon.post("/api/clips", {"before_seconds": 3, "after_seconds": 0}).json()
        found = daemon.wait_for_clip(made["id"])
        if found["lead_in_seconds"] > 0.2:
            break

    def pictured() -> Any:
        return daemon.clip(made["id"])["previews"]["middle"]

    # Its event would replace what a test answers for the clip.
    wait_until(pictured, 30)
    return daemon.clip(made["id"])


def open_clip(page: Page, daemon: Daemon, clip: Any) -> list[Request]:
    """Its dialog, once its video can be seen; what was asked of the resolver."""
    asked: list[Request] = []
    resolver = re.compile(r"/playback(\?|$)")
    page.on("request", lambda request: asked.append(request) if resolver.search(request.url) else None)
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(f"{daemon.url}/#/clips/{clip['id']}")
    expect(page.locator(VIDEO)).to_have_js_property("readyState", 4, timeout=30_000)
    return asked


def counter_at(page: Page, time_s: float) -> int:
    script = """async ([path, time]) =>
        (await import("/painted.js")).counterAt(document.querySelector(path), time)"""
    counter: int = page.evaluate(script, [VIDEO, time_s])
    return counter


def test_this_chromium_is_found_to_honour_them_and_plays_what_was_recorded(
    page: Page, daemon: Daemon, clip: Any
) -> None:
    """Found out once, by a video of the page's own, and remembered for this browser."""
    asked = open_clip(page, daemon, clip)
    assert page.evaluate("localStorage.getItem('hindsight.editLists')") == page.evaluate(
        "'honoured @ ' + navigator.userAgent"
    )
    assert [request.url.partition("?")[2] for request in asked] == [""]
    expect(page.locator(VIDEO)).to_have_js_property("src", f"{daemon.url}{clip['playback_url']}")


def test_what_another_browser_was_found_to_do_does_not_count(page: Page, daemon: Daemon, clip: Any) -> None:
    """A profile outlives an update, which may change it."""
    page.add_init_script("localStorage.setItem('hindsight.editLists', 'ignored @ an older one')")
    asked = open_clip(page, daemon, clip)
    assert "form=clean" not in asked[0].url


def test_a_browser_that_ignores_them_plays_the_clean_form_with_the_same_ends(
    page: Page, daemon: Daemon, clip: Any
) -> None:
    """First frame, last frame and length are those of the clip; a frame is named by its number."""
    open_clip(page, daemon, clip)
    last_s = clip["duration_seconds"] - 0.01
    ends = [counter_at(page, time_s) for time_s in (0, last_s)]
    assert ends[1] - ends[0] == clip["frame_count"] - 1
    page.add_init_script(IGNORED)
    page.reload()
    expect(page.locator(VIDEO)).to_have_js_property("readyState", 4, timeout=30_000)
    expect(page.locator(VIDEO)).to_have_attribute("src", re.compile(r"/playback/stream\?form=clean$"))
    expect(page.locator(".player-notice")).to_be_hidden()
    assert [counter_at(page, time_s) for time_s in (0, last_s)] == ends
    assert page.evaluate(f"document.querySelector('{VIDEO}').duration") == pytest.approx(
        clip["duration_seconds"], abs=0.001
    )
    shown = counter_at(page, 1.51)
    with page.expect_request(re.compile("set_manual_from_timestamp")) as wished:
        page.get_by_role("button", name="Set as thumbnail").click()
    assert wished.value.post_data_json == {"frame": shown - ends[0]}
    expect(page.locator(".toast").last).to_have_text("This is its thumbnail now.")
    url = daemon.clip(clip["id"])["thumbnail_url"]
    assert page.evaluate("async (url) => (await import('/painted.js')).counterOfPicture(url)", url) == shown


@pytest.mark.parametrize(("lead_in_s", "form"), [(0.2, ""), (7.0, "?form=clean"), (None, "?form=clean")])
def test_a_browser_that_honours_short_ones_plays_the_clean_form_of_a_long_one(
    page: Page, daemon: Daemon, clip: Any, lead_in_s: float | None, form: str
) -> None:
    """WebKitGTK plays nothing where more is hidden than shown; a clip that does not say counts as such."""
    page.add_init_script(IGNORED.replace("ignored", "short"))
    changed = clip | {"lead_in_seconds": lead_in_s}
    page.route(f"**/api/clips/{clip['id']}", lambda route: route.fulfill(json=changed))
    page.route("**/api/clips?*", lambda route: route.fulfill(json={"clips": [changed], "next_cursor": None}))
    with page.expect_request(re.compile(r"/playback(\?|$)")) as asked:
        page.goto(f"{daemon.url}/#/clips/{clip['id']}")
    assert asked.value.url.endswith(f"/playback{form}")


def test_while_a_clean_form_is_made_the_page_says_so_and_a_refusal_in_words(
    page: Page, daemon: Daemon, clip: Any, complaints: Complaints
) -> None:
    """No broken player: it waits for the answer, and another try is a button."""
    complaints.expected.append("status of 507")
    page.add_init_script(IGNORED)
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/playback?form=clean", hold)
    page.goto(f"{daemon.url}/#/clips/{clip['id']}")
    notice = page.locator(".player-notice")
    expect(notice).to_contain_text("Preparing the clip for this browser")
    while not waiting:  # the page may say so a moment before its request is here
        page.wait_for_timeout(20)
    detail = "Only 1 MB are free on the disk of the clips."
    waiting[0].fulfill(status=507, json={"detail": detail})
    expect(notice).to_contain_text(detail)
    page.unroute("**/playback?form=clean")
    notice.get_by_role("button", name="Retry").click()
    expect(page.locator(VIDEO)).to_have_js_property("readyState", 4, timeout=30_000)


def test_feed_and_look_back_play_nothing_that_is_hidden(page: Page, daemon: Daemon, clip: Any) -> None:
    """Such a browser would show another moment than the one that is named."""
    page.add_init_script(IGNORED)
    assert daemon.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
    page.goto(f"{daemon.url}/#/feed")
    item = page.locator(f'hs-feed-item[data-id="{clip["id"]}"] video')
    expect(item).to_have_attribute("src", re.compile("form=clean"), timeout=30_000)
    with page.expect_response(re.compile(r"/api/cameras/far/replay\?")) as opened:
        page.goto(f"{daemon.url}/#/?camera=far")
        page.get_by_role("slider", name="Moment shown").press("ArrowLeft", timeout=30_000)
    assert opened.value.url.endswith("form=clean")
    replay = opened.value.json()
    assert replay["media_start_seconds"] < 0.1, "at most the delay that B-frames cost"


def test_the_check_page_finds_out_too(context: BrowserContext, daemon: Daemon, clip: Any) -> None:
    """As a row of what this browser can do, and for the clips it plays."""
    page = context.new_page()
    page.goto(f"{daemon.url}/test_video_playback.html")
    row = page.locator("#abilities tr", has_text="Edit lists")
    expect(row.locator("td").first).to_have_text("yes")
    page.add_init_script("CanvasRenderingContext2D.prototype.drawImage = () => undefined")
    page.goto(f"{daemon.url}/test_video_playback.html")
    expect(row.locator("td").first).to_have_text("no", timeout=20_000)
    with page.expect_request(re.compile(r"/playback\?form=clean$")):
        page.locator(f'tr[data-id="{clip["id"]}"]').get_by_role("button", name="Check").click()
