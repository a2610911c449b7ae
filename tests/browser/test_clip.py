"""The dialog of one clip in a real browser: thumbnail, keys, the way into the feed, neighbours."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("a buffer of six seconds, and pictures made by workers")

PAINTED = Path(__file__).with_name("painted.js")
CAMERA = {"id": "front", "name": "Front", "source": "synthetic?size=640x360&fps=30&gop_s=10&bframes=2"}
FOLLOW = """async () => {
  const { counterOf } = await import("/painted.js");
  const video = document.querySelector(".clip-dialog video");
  window.shown = [];
  const look = () => video.requestVideoFrameCallback((_now, { mediaTime }) => {
    window.shown.push([mediaTime, counterOf(video, video.videoWidth, video.videoHeight)]);
    look();
  });
  look();
  document.addEventListener("click", () => { window.clicked = window.shown.at(-1); }, { capture: true });
}"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("clip"), [CAMERA]) as started:
        started.wait_for_buffer(6, "front")
        yield started


def _clip(daemon: Daemon, title: str = "", seconds: float = 1) -> Any:
    asked = {"before_seconds": seconds, "after_seconds": 0, "title": title}
    made = daemon.post("/api/clips", asked).json()
    daemon.wait_for_clip(made["id"])

    def pictured() -> Any:
        now = daemon.clip(made["id"])
        current, middle = now["previews"]["current"], now["previews"]["middle"]
        return now if middle and current and not current["approximate"] else None

    return daemon.wait(pictured, 20, "its pictures")


def _open(page: Page, daemon: Daemon, clip: Any, screen: str = "clips") -> None:
    """Its dialog, once its video can be seen, and every frame that is painted from then on."""
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(f"{daemon.url}/#/{screen}/{clip['id']}")
    expect(page.locator(".clip-dialog video")).to_have_js_property("readyState", 4, timeout=30_000)
    expect(page.locator(".clip-dialog")).to_have_css("overflow", "auto")
    page.evaluate(FOLLOW)


def _play_on(page: Page) -> None:
    """Until some more frames are painted."""
    before = page.evaluate("window.shown.length")
    for _ in range(100):
        if page.evaluate("window.shown.length") > before + 5:
            return
        page.wait_for_timeout(50)
    raise AssertionError("it does not play")


def _pause(page: Page, time_s: float) -> int:
    """The counter painted there."""
    counter: int = page.evaluate(
        """async (time) => (await import("/painted.js"))
            .counterAt(document.querySelector(".clip-dialog video"), time)""",
        time_s,
    )
    return counter


def _picture(page: Page, url: str) -> int:
    counter: int = page.evaluate("async (url) => (await import('/painted.js')).counterOfPicture(url)", url)
    return counter


def _set_thumbnail(page: Page) -> Any:
    """What was asked of the server, once it has answered; words alone may be those of an earlier press."""
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/api/clips/" in answer.url
    ) as answered:
        page.get_by_role("button", name="Set as thumbnail").click()
    assert answered.value.ok
    expect(page.locator(".toast").last).to_have_text("This is its thumbnail now.")
    return answered.value.request


@pytest.mark.parametrize("playing", [True, False], ids=["playing", "paused"])
def test_set_as_thumbnail_takes_the_frame_on_screen(page: Page, daemon: Daemon, playing: bool) -> None:
    """The counter in the new picture is the one painted at the click; the card shows it at once."""
    clip = _clip(daemon, seconds=5)
    _open(page, daemon, clip)
    if playing:
        page.evaluate("document.querySelector('.clip-dialog video').loop = true")
        _play_on(page)
    else:
        _pause(page, 2.345)
    request = _set_thumbnail(page)
    assert request.url.endswith("set_manual_from_timestamp")
    assert page.evaluate("document.querySelector('.clip-dialog video').paused") is not playing
    number = request.post_data_json["frame"]
    at_s, painted = page.evaluate("window.clicked")
    offsets_us = daemon.get(f"/api/clips/{clip['id']}/frames").json()["frame_offsets_us"]
    assert offsets_us[number] / 1e6 == pytest.approx(at_s, abs=2e-5)
    manual = daemon.clip(clip["id"])["previews"]["manual"]["url"]
    counter = _picture(page, manual)
    # While it plays, what a busy machine draws onto a canvas may be a frame later than the one it names.
    # After the last frame of the loop comes the first.
    later = (painted - counter) % clip["frame_count"]
    assert later <= (2 if playing else 0), (painted, counter)
    _pause(page, 0)  # A frame that was on its way when it paused is still painted.
    assert counter == _pause(page, offsets_us[number] / 1e6 + 0.5 / 30)
    card = page.locator(f'hs-clip-card[data-id="{clip["id"]}"] img')
    expect(card).to_have_attribute("src", manual)


def test_without_a_player_the_picture_that_is_shown_becomes_the_thumbnail(
    page: Page, daemon: Daemon, complaints: Complaints
) -> None:
    """A dot shows a picture in the player's place; so does a clip that cannot be played."""
    clip = _clip(daemon, seconds=3)
    _open(page, daemon, clip)
    page.get_by_role("button", name="Picture when Record was pressed").click()
    expect(page.locator(".clip-still")).to_have_attribute("src", clip["previews"]["current"]["url"])
    expect(page.locator(".clip-dialog video")).to_have_js_property("paused", True)
    request = _set_thumbnail(page)
    assert request.url.endswith("promote_preview")
    assert request.post_data_json == {"source": "current"}
    now = daemon.clip(clip["id"])["previews"]
    assert _picture(page, now["manual"]["url"]) == _picture(page, now["current"]["url"])
    page.keyboard.press("k")
    expect(page.locator(".clip-still")).to_be_hidden()

    complaints.expected.append("Failed to load resource")
    other = _clip(daemon)
    page.route("**/playback/stream", lambda route: route.abort())
    page.goto(f"{daemon.url}/#/clips/{other['id']}")
    expect(page.locator(".player-notice")).to_contain_text("could not be played")
    assert _set_thumbnail(page).post_data_json == {"source": "middle"}


def test_a_clip_that_goes_as_it_pauses_is_asked_for_no_frames(page: Page, daemon: Daemon) -> None:
    """Nobody looks at its picture any more, and it may have been deleted."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/frames") else None)
    closed, paused = _clip(daemon, seconds=5), _clip(daemon, seconds=5)
    _open(page, daemon, closed)
    _play_on(page)
    page.evaluate(
        """() => {
          const video = document.querySelector(".clip-dialog video");
          const close = () => document.querySelector(".clip-dialog").close();
          video.addEventListener("pause", close, { once: true });
          video.pause();
        }"""
    )
    expect(page).to_have_url(f"{daemon.url}/#/clips")
    _open(page, daemon, paused)
    _play_on(page)
    with page.expect_request("**/frames"):
        page.keyboard.press("k")
    assert asked == [f"{daemon.url}/api/clips/{paused['id']}/frames"]


def test_under_the_poster_the_poster_counts_and_after_a_seek_to_the_start_the_first_frame(
    page: Page, daemon: Daemon
) -> None:
    """A browser that does not play by itself shows the poster until then; a seek takes it away."""
    page.add_init_script(
        "addEventListener('loadstart', ({ target }) => { target.autoplay = false; }, { capture: true })"
    )
    clip = _clip(daemon)
    _open(page, daemon, clip)
    assert _set_thumbnail(page).post_data_json == {"source": "middle"}
    shown = _pause(page, 0)
    assert _set_thumbnail(page).post_data_json == {"frame": 0}
    assert _picture(page, daemon.clip(clip["id"])["previews"]["manual"]["url"]) == shown


def test_a_thumbnail_that_cannot_be_made_says_why_and_leaves_the_card(
    page: Page, daemon: Daemon, complaints: Complaints
) -> None:
    """The server's own sentence."""
    complaints.expected.append("status of 409")
    clip = _clip(daemon)
    _open(page, daemon, clip)
    page.get_by_role("button", name="Picture when Record was pressed").click()
    thumbnails = list(daemon.data_dir.rglob(f"{clip['id']}/current-*"))
    for path in thumbnails:
        path.unlink()
    assert thumbnails
    page.get_by_role("button", name="Set as thumbnail").click()
    expect(page.locator('.toast[data-tone="bad"]')).to_contain_text("there is no current picture")
    assert daemon.clip(clip["id"])["previews"]["manual"] is None


def test_single_frames_and_jumps_have_keys(page: Page, daemon: Daemon) -> None:
    """Comma and period move by exactly one frame, also across keyframes and at both ends."""
    clip = _clip(daemon, seconds=5)
    _open(page, daemon, clip)
    _pause(page, 2.5)
    at = page.evaluate("window.shown.at(-1)[1]")

    def press(key: str, wanted: int) -> None:
        page.keyboard.press(key)
        for _ in range(100):
            if page.evaluate("window.shown.at(-1)[1]") == wanted:
                return
            page.wait_for_timeout(50)
        assert page.evaluate("window.shown.at(-1)[1]") == wanted, key

    for key, step in ((".", 1), (".", 1), (",", -1), (",", -1), (",", -1), (".", 1)):
        at += step
        press(key, at)
    video = page.locator(".clip-dialog video")
    now = page.evaluate("document.querySelector('.clip-dialog video').currentTime")
    page.keyboard.press("ArrowLeft")
    expect(video).to_have_js_property("currentTime", 0)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('.clip-dialog video').currentTime") > now
    page.keyboard.press("m")
    expect(video).to_have_js_property("muted", True)
    page.keyboard.press("j")
    expect(video).to_have_js_property("currentTime", 0)
    page.keyboard.press("Space")
    expect(video).to_have_js_property("paused", False)
    page.keyboard.press("k")
    expect(video).to_have_js_property("paused", True)
    page.keyboard.press("f")
    for _ in range(50):
        if page.evaluate("document.fullscreenElement !== null"):
            break
        page.wait_for_timeout(50)
    page.keyboard.press("f")
    expect(page.locator(".clip-dialog")).to_be_visible()


def test_the_neighbours_are_those_of_the_list_below(page: Page, daemon: Daemon) -> None:
    """By key and by button; Back returns to the list; Escape closes."""
    made = [_clip(daemon, f"Row {n} zebra") for n in range(3)]
    newest, middle, oldest = (clip["id"] for clip in reversed(made))
    page.goto(f"{daemon.url}/#/clips?q=zebra")
    page.locator("hs-gallery-grid hs-clip-card a").first.click()
    expect(page).to_have_url(re.compile(f"#/clips/{newest}\\?q=zebra"))
    expect(page.locator("#clip-title")).to_have_value("Row 2 zebra")
    expect(page.get_by_role("button", name="Previous clip")).to_be_hidden()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(f"#/clips/{middle}\\?q=zebra"))
    expect(page.locator("#clip-title")).to_have_value("Row 1 zebra")
    page.get_by_role("button", name="Next clip").click()
    expect(page).to_have_url(re.compile(oldest))
    expect(page.get_by_role("button", name="Next clip")).to_be_hidden()
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile(middle))
    page.keyboard.press("Escape")
    expect(page.locator(".clip-dialog")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"#/clips\?q=zebra$"))


def test_a_draft_is_put_into_words_published_seen_in_the_feed_and_taken_back(
    page: Page, daemon: Daemon
) -> None:
    """Each state has its own buttons; from the feed a clip opens with its sound on."""
    clip = _clip(daemon, seconds=3)
    _open(page, daemon, clip)
    page.fill("#clip-title", "Into the feed")
    page.fill("#clip-tags", "fox, night , fox")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_have_text("Saved.")
    assert daemon.clip(clip["id"])["tags"] == ["fox", "night"]
    expect(page.locator(".heart")).to_be_hidden()
    page.get_by_role("button", name="Favourite").click()
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".clip-actions .badge")).to_have_text("Published")
    expect(page.get_by_role("button", name="Publish later…")).to_be_hidden()
    page.locator(".heart").click()
    expect(page.locator(".heart")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    page.goto(f"{daemon.url}/#/feed")
    item = page.locator(f'hs-feed-item[data-id="{clip["id"]}"]')
    item.locator(".feed-picture").click()
    video = page.locator(".clip-dialog video")
    expect(video).to_have_js_property("readyState", 4)
    expect(video).to_have_js_property("muted", False)
    page.get_by_role("button", name="Unpublish").click()
    expect(page.locator(".clip-actions .badge")).to_have_text("Draft")
    expect(item).to_have_count(0)
    found = daemon.clip(clip["id"])
    assert (found["status"], found["likes"], found["keep"]) == ("draft", 1, True)


def test_a_draft_publishes_itself_at_the_time_that_was_set_in_the_viewers_zone(
    page: Page, daemon: Daemon
) -> None:
    """Set, changed, called off, set again a few seconds ahead; the page shows it without a reload."""
    clip = _clip(daemon)
    _open(page, daemon, clip)

    def plan(ahead: timedelta) -> datetime:
        at = (datetime.now(UTC) + ahead).replace(microsecond=0)
        # The browser's own zone, which is not the daemon's.
        local = page.evaluate(
            """(at) => { const d = new Date(at); return new Date(d - d.getTimezoneOffset() * 6e4)
                .toISOString().slice(0, 19); }""",
            at.isoformat(),
        )
        page.fill("#publish-at", local)
        page.get_by_role("button", name="Set the time").click()
        expect(page.locator(".publishing-words")).to_contain_text("Publishes itself")
        told = daemon.wait(lambda: daemon.clip(clip["id"])["publish_at"], 10, "promised")
        assert datetime.fromisoformat(told) == at
        return at

    page.get_by_role("button", name="Publish later…").click()
    plan(timedelta(days=3))
    expect(page.locator(".clip-actions .badge")).to_have_text("Scheduled")
    page.get_by_role("button", name="Do not publish").click()
    expect(page.locator(".publishing-words")).to_be_hidden()
    assert daemon.clip(clip["id"])["publish_at"] is None
    page.get_by_role("button", name="Publish later…").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Publish later…").click()
    plan(timedelta(seconds=5))
    expect(page.locator(".clip-actions .badge")).to_have_text("Published", timeout=20_000)


def test_a_recording_that_failed_is_tried_again_from_its_dialog(page: Page, daemon: Daemon) -> None:
    """It says why, offers what its state allows, and plays once the cause is gone."""
    made = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 1}).json()
    folder = daemon.data_dir / "clips" / made["id"]
    (folder / "clip.mp4.tmp").mkdir()
    page.goto(f"{daemon.url}/#/clips/{made['id']}")
    expect(page.locator(".clip-actions .badge")).to_have_text("Failed", timeout=20_000)
    expect(page.locator(".clip-alert")).not_to_be_empty()
    expect(page.get_by_role("button", name="Publish", exact=True)).to_be_hidden()
    expect(page.locator(".clip-actions a").first).to_be_hidden()
    (folder / "clip.mp4.tmp").rmdir()
    page.locator(".clip-actions").get_by_role("button", name="Retry").click()
    expect(page.locator(".clip-actions .badge")).to_have_text("Draft", timeout=20_000)
    expect(page.locator(".clip-dialog video")).to_have_js_property("readyState", 4, timeout=20_000)


def test_a_clip_that_hides_pictures_can_be_downloaded_without_them(page: Page, daemon: Daemon) -> None:
    """For what is passed on: some players show what the file hides."""
    clips = daemon.get("/api/clips?status=draft&media_type=video").json()["clips"]
    hiding = next(clip for clip in clips if clip["lead_in_seconds"] > 0)
    page.goto(f"{daemon.url}/#/clips/{hiding['id']}")
    clean = page.get_by_role("link", name="Clean copy")
    expect(clean).to_have_attribute("href", f"{hiding['download_url']}?form=clean")
    assert daemon.get(f"{hiding['download_url']}?form=clean").status == 200
    assert daemon.post(f"/api/clips/{hiding['id']}/publish", {}).status == 200
    expect(page.get_by_role("link", name="Download")).to_have_attribute("href", re.compile("form=clean"))
    expect(clean).to_be_hidden()


def _uneven(times_ms: list[int]) -> bytes:
    """A video whose frames are shown at these times; the last for 40 ms."""
    made = BytesIO()
    with av.open(made, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, at_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number * 25, np.uint8), format="rgb24")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return made.getvalue()


def test_single_frames_are_single_also_where_their_lengths_differ(page: Page, modules_url: str) -> None:
    """A picture that was held through an outage, and a burst faster than usual, forth and back."""
    times_ms = [0, 40, 80, 90, 100, 700, 740, 750]
    page.route("**/blank.html", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.route("**/uneven.mp4", lambda route: route.fulfill(body=_uneven(times_ms), content_type="video/mp4"))
    page.goto(f"{modules_url}/blank.html")
    found = page.evaluate(
        """async (times_ms) => {
          const { FrameOnScreen } = await import("/clip/frame.js");
          const video = document.createElement("video");
          document.body.append(video);
          const greyOf = (video) => {
            const canvas = new OffscreenCanvas(64, 64).getContext("2d");
            canvas.drawImage(video, 0, 0);
            return canvas.getImageData(32, 32, 1, 1).data[0];
          };
          const start_time = "2026-01-01T00:00:00.000000Z", end_time = "2026-01-01T00:00:00.790000Z";
          const frame_offsets_us = times_ms.map((ms) => ms * 1000);
          const frame = new FrameOnScreen(
            video, async () => ({ start_time, end_time, frame_offsets_us, media_start_seconds: 0 }));
          const ready = new Promise((done) => video.addEventListener("loadeddata", done));
          video.src = URL.createObjectURL(await (await fetch("/uneven.mp4")).blob());
          await ready;
          const found = [];
          for (const direction of [1, -1]) {
            for (let n = 1; n < times_ms.length; n += 1) {
              await frame.step(direction);
              found.push(times_ms[await frame.number()], greyOf(video));
            }
          }
          return found;
        }""",
        times_ms,
    )
    steps = [*range(1, len(times_ms)), *range(len(times_ms) - 2, -1, -1)]
    assert found[::2] == [times_ms[number] for number in steps]
    # Each picture is brighter than the one before it, so the pictures themselves tell which is shown.
    assert [round(grey / 25) for grey in found[1::2]] == steps
