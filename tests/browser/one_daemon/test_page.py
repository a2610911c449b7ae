"""The page against the whole daemon: what is painted, counted by the test card's own counter."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import Complaints
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("the page is watched while the daemon restarts")

FPS = 8
PAINTED = Path(__file__).parents[1] / "painted.js"
CAMERAS = (
    {"id": "front", "name": "Front door", "source": f"synthetic?size=640x360&fps={FPS}"},
    {"id": "far", "name": "Far", "source": f"synthetic?size=640x360&fps={FPS}&gop_s=10&bframes=2"},
    {"id": "gone", "name": "Gone", "source": "rtsp://127.0.0.1:9/nothing"},
)


def open_page(page: Page, daemon: Daemon, camera: str = "front") -> None:
    """The counter's reader comes as a module of the same origin: the page's strict policy stays as it is."""
    page.goto(f"{daemon.url}/#/?camera={camera}")
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))


def wait_for_live(page: Page) -> None:
    expect(page.locator(".live-latency")).to_be_visible()


def lengths(page: Page, before: int, after: int | None) -> None:
    page.select_option("#before", str(before))
    page.select_option("#after", "open" if after is None else str(after))


def record(page: Page) -> Any:
    """Press Record; the clip as the server answered."""
    with page.expect_response(
        lambda r: r.url.endswith("/api/clips") and r.request.method == "POST"
    ) as pending:
        page.click(".record-button")
    assert pending.value.status == 201, pending.value.text()
    return pending.value.json()


def card_of(page: Page, clip: Any) -> Any:
    return page.locator(f'hs-clip-card[data-id="{clip["id"]}"]')


def test_the_live_picture_appears_and_its_counter_lags_by_the_printed_time(
    page: Page, daemon: Daemon
) -> None:
    """The painted frame's label is its own, and the newest frame is as far ahead as the corner says."""
    open_page(page, daemon)
    wait_for_live(page)
    page.wait_for_timeout(2000)
    seen = page.evaluate(
        """async () => {
          const m = await import("/painted.js");
          const live = document.querySelector("hs-live-view");
          const newest = "/api/cameras/front/frame.jpg";
          const before = await m.counterOfPicture(newest);
          const painted = await m.nextPainted(live.querySelector("video"));
          const label_us = live.labelAt(painted.media_time_s);
          const lag_s = Date.now() / 1000 - label_us / 1e6;
          const printed = document.querySelector(".live-latency").textContent;
          const after = await m.counterOfPicture(newest);
          const at = new Date(label_us / 1000).toISOString().slice(0, -1)
            + String(label_us % 1000).padStart(3, "0") + "Z";
          const same = await m.counterOfPicture(`${newest}?at=${at}`);
          return { before, after, painted: painted.counter, same, lag_s, printed };
        }"""
    )
    assert seen["painted"] == seen["same"]
    printed_s = float(re.match(r"[\d.]+", seen["printed"])[0])  # type: ignore[index]
    assert printed_s == pytest.approx(seen["lag_s"], abs=0.5)
    # The newest frame was asked for just before and just after the painted one was looked at.
    # It is up to a frame old.
    assert (seen["before"] - seen["painted"]) / FPS <= seen["lag_s"] + 0.1
    assert (seen["after"] - seen["painted"] + 1) / FPS >= seen["lag_s"] - 0.1


def test_a_live_picture_whose_frames_are_never_reported_plays_and_has_its_label(
    page: Page, daemon: Daemon
) -> None:
    """By its position: the label is that of the frame painted, give or take the one that comes next."""
    page.add_init_script("HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0")
    open_page(page, daemon)
    wait_for_live(page)
    seen: Any = page.evaluate(
        """async () => {
          const m = await import("/painted.js");
          const live = document.querySelector("hs-live-view"), { video } = live;
          const label_us = live.labelOnScreen;
          const painted = m.counterOf(video, video.videoWidth, video.videoHeight);
          const second = new Date(Math.floor(label_us / 1e6) * 1000).toISOString().slice(0, 19);
          const at = `${second}.${String(label_us % 1e6).padStart(6, "0")}Z`;
          return [painted, await m.counterOfPicture(`/api/cameras/front/frame.jpg?at=${at}`)];
        }"""
    )
    assert abs(seen[0] - seen[1]) <= 2


@pytest.mark.parametrize("camera", ["front", "far"])
def test_record_gives_a_card_and_a_clip_that_shows_exactly_its_frames(
    page: Page, daemon: Daemon, camera: str
) -> None:
    """Right length; the first, a sought and the last frame painted are the ones the labels name.

    Compared by labels, for the test card skips numbers when the machine is too slow for it.
    `far` has a GOP of 10 s and B-frames, so the clip begins and ends inside one.
    """
    open_page(page, daemon, camera)
    wait_for_live(page)
    lengths(page, 5, 5)
    clip = record(page)
    card = card_of(page, clip)
    expect(card.locator(".badge")).to_have_text("Draft", timeout=30_000)
    done = daemon.clip(clip["id"])
    assert done["duration_seconds"] == pytest.approx(10, abs=1 / FPS)
    card.locator("a").click()
    expect(page).to_have_url(re.compile(rf"#/live/{clip['id']}"))
    expect(page.locator(".clip-dialog video")).to_have_js_property("readyState", 4)
    seen = page.evaluate(
        """async ([camera, start, fps]) => {
          const m = await import("/painted.js");
          const video = document.querySelector(".clip-dialog video");
          const half = 0.5 / fps;
          const found = { duration: video.duration, painted: [], asked: [] };
          for (const time of [half, 4 + half, video.duration - half]) {
            found.painted.push(await m.counterAt(video, time));
            const label = new Date(Date.parse(start) + time * 1000).toISOString();
            found.asked.push(await m.counterOfPicture(`/api/cameras/${camera}/frame.jpg?at=${label}`));
          }
          return found;
        }""",
        [camera, done["start_time"], FPS],
    )
    assert seen["duration"] == pytest.approx(done["duration_seconds"], abs=0.001)
    assert seen["painted"] == seen["asked"]
    first, _, last = seen["painted"]
    assert last - first >= done["frame_count"] - 1


def test_record_keeps_what_the_person_saw(page: Page, daemon: Daemon) -> None:
    """The request names the label of the frame on screen, not the moment it reached the server."""
    open_page(page, daemon)
    wait_for_live(page)
    lengths(page, 5, 0)
    label_us = page.evaluate("document.querySelector('hs-live-view').labelOnScreen")
    with page.expect_request(lambda r: r.url.endswith("/api/clips") and r.method == "POST") as asked:
        clip = record(page)
    sent: Any = asked.value.post_data_json
    assert sent["camera"] == "front"
    # Date cuts microseconds off.
    at_ms = page.evaluate("(at) => Date.parse(at)", sent["at"])
    assert 0 <= at_ms - label_us // 1000 < 3000
    assert clip["pressed_at"] == sent["at"]


def test_the_panel_says_what_a_clip_takes_and_what_is_left(page: Page, daemon: Daemon) -> None:
    """Of the lengths that are chosen: twice as long is about twice as much."""
    open_page(page, daemon)
    wait_for_live(page)
    lengths(page, 5, 5)
    with page.expect_response(lambda r: "/api/budget?" in r.url and "seconds=20" in r.url) as asked:
        lengths(page, 10, 10)
    told: Any = asked.value.json()
    assert told["cameras"][0]["clip"]["size_bytes"] > 0
    expect(page.locator(".cost")).to_contain_text("A clip takes about")
    expect(page.locator(".cost")).to_contain_text("of clips fit")


def test_an_open_recording_is_seen_and_stopped_from_another_page(
    page: Page, context: BrowserContext, complaints: Complaints, daemon: Daemon
) -> None:
    """The state lives on the server: closing the page that began it changes nothing."""
    open_page(page, daemon)
    wait_for_live(page)
    lengths(page, 5, None)
    clip = record(page)
    expect(page.locator(".record-word")).to_have_text("Stop")
    other = context.new_page()
    complaints.listen(other)
    open_page(other, daemon)
    expect(other.locator(".record-word")).to_have_text("Stop")
    page.close()
    expect(other.locator(".recording")).to_have_count(1)
    other.click(".record-button")
    expect(other.locator(".record-word")).to_have_text("Record")
    expect(card_of(other, clip).locator(".badge")).to_have_text("Draft", timeout=20_000)


def test_a_clip_has_its_own_address_words_and_end(page: Page, daemon: Daemon) -> None:
    """Title and caption are kept; deleting asks first; the card goes."""
    open_page(page, daemon)
    wait_for_live(page)
    lengths(page, 5, 0)
    clip = record(page)
    expect(card_of(page, clip).locator(".badge")).to_have_text("Draft", timeout=20_000)
    page.goto(f"{daemon.url}/#/live/{clip['id']}")
    page.reload()
    page.fill("#clip-title", "Hedgehog <b>at last</b>")
    page.fill("#clip-caption", "By the gate.")
    page.click(".clip-form button")
    expect(page.locator(".toast")).to_have_text("Saved.")
    expect(card_of(page, clip).locator(".card-title")).to_have_text("Hedgehog <b>at last</b>")
    assert daemon.clip(clip["id"])["caption"] == "By the gate."
    page.click(".clip-actions .danger")
    page.click("dialog.confirm button[value=no]")
    expect(page.locator(".clip-dialog")).to_be_visible()
    page.click(".clip-actions .danger")
    page.click("dialog.confirm button[value=yes]")
    expect(page.locator(".clip-dialog")).to_be_hidden()
    expect(card_of(page, clip)).to_have_count(0)


def test_a_snapshot_is_a_card_that_shows_its_picture(page: Page, daemon: Daemon) -> None:
    """By its single key, too."""
    open_page(page, daemon)
    wait_for_live(page)
    page.keyboard.press("s")
    card = page.locator("hs-clip-card").first
    expect(card.locator(".card-length")).to_have_text("Snapshot")
    card.locator("a").click()
    expect(page.locator(".clip-dialog .player-stage img")).to_have_js_property("naturalWidth", 640)


def test_a_camera_that_is_away_says_so_and_when_it_is_tried_again(page: Page, daemon: Daemon) -> None:
    """In words, with the other camera one press away; Record does not pretend."""
    open_page(page, daemon)
    page.click("hs-camera-tabs button >> text=Gone")
    expect(page).to_have_url(re.compile("camera=gone"))
    expect(page.locator(".live-words")).to_contain_text(
        re.compile(r"Next try in \d+ s|Trying again now|Connecting")
    )
    expect(page.locator(".record-button")).to_be_disabled()
    page.click("hs-camera-tabs button >> text=Front door")
    wait_for_live(page)


def test_the_page_fits_a_phone(browser: Browser, complaints: Complaints, daemon: Daemon) -> None:
    """390 px wide: nothing sticks out, and every control is big enough for a thumb."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")
    page = context.new_page()
    complaints.listen(page)
    open_page(page, daemon)
    wait_for_live(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    heights = page.evaluate(
        "[...document.querySelectorAll('main button, main select, header button')]"
        ".filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
    context.close()


def test_the_playback_check_makes_a_clip_and_proves_it(page: Page, daemon: Daemon) -> None:
    """The given page, served by the daemon under its strict policy."""
    page.goto(f"{daemon.url}/test_video_playback.html")
    expect(page.locator("#verdict")).to_have_class("good")
    page.click("#make")
    expect(page.locator("#verdict")).to_have_text("1 checked, all play.", timeout=30_000)


def test_the_playback_check_says_what_to_do_when_opened_as_a_file(page: Page) -> None:
    """A file may not talk to the daemon, but it still tells what this browser can play."""
    page.goto((Path(__file__).parents[3] / "test_video_playback.html").as_uri())
    expect(page.locator("#from-file")).to_be_visible()
    expect(page.locator("#abilities tr").first).to_contain_text("yes")


def test_a_restart_of_the_daemon_heals_under_the_open_page(
    page: Page, complaints: Complaints, tmp_path: Path
) -> None:
    """No reload: the words come and go, the picture and the clips come back, Record works."""
    complaints.expected += ["net::ERR_", "WebSocket connection to"]
    with Daemon(tmp_path, CAMERAS) as daemon:
        open_page(page, daemon)
        wait_for_live(page)
        page.evaluate("window.stillTheSamePage = true")
        daemon.stop()
        expect(page.locator(".banner")).to_be_visible()
        expect(page.locator(".record-button")).to_be_disabled()
        expect(page.locator(".panel-head .state-pill")).to_have_text("No connection")
        daemon.start()
        expect(page.locator(".banner")).to_be_hidden(timeout=20_000)
        wait_for_live(page)
        daemon.wait_for_buffer(2, "front")
        lengths(page, 5, 0)
        clip = record(page)
        expect(card_of(page, clip)).to_be_visible()
        assert page.evaluate("window.stillTheSamePage")


def test_a_session_that_is_over_leads_to_the_sign_in_and_ends_every_stream(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """The live picture's close code says so; nothing comes again until there is a session."""

    def streams() -> tuple[int, int]:
        system = daemon.get("/api/system").json()
        return system["event_streams"], system["live_viewers"]

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    sockets: list[WebSocketRoute] = []
    complaints.expected.append("401 (Unauthorized)")
    page.route_web_socket(re.compile(r"/live/front"), pass_on)
    open_page(page, daemon)
    wait_for_live(page)
    daemon.wait(lambda: streams() == (1, 1), 20, "one event stream and one live view")
    page.route("**/api/session", lambda route: route.fulfill(status=401, json={}))
    sockets[-1].close(code=4401, reason="Signed out")
    expect(page.locator("hs-sign-in")).to_be_visible()
    daemon.wait(lambda: streams() == (0, 0), 20, "no stream of a page without a session")
    page.unroute("**/api/session")
    page.evaluate("document.dispatchEvent(new CustomEvent('signed-out'))")
    wait_for_live(page)
    daemon.wait(lambda: streams() == (1, 1), 20, "one event stream and one live view again")
