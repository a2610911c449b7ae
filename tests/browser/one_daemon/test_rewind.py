"""Looking back in a real browser: what is shown is the asked frame, what is saved is the marked span."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Page, expect

from recorder.bitstream.access_unit import Codec
from recorder.sources.test_picture.test_card import read_counter
from tests.browser.conftest import Complaints
from tests.support.cameras.material import Material
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("buffers of seven seconds, of three cameras")

PAINTED = Path(__file__).parents[1] / "painted.js"
JPEG = Material(width=320, height=176, frames=300, codec=Codec.MJPEG)
SHOWN = """async (only) => {
  const m = await import("/painted.js");
  const shown = document.querySelector(".replay > :first-child");
  const width = shown.videoWidth || shown.naturalWidth;
  const height = shown.videoHeight || shown.naturalHeight;
  const { at_us } = document.querySelector("hs-rewind-panel");
  const second = new Date(Math.floor(at_us / 1e6) * 1000).toISOString().slice(0, 19);
  const label = `${second}.${String(at_us % 1e6).padStart(6, "0")}Z`;
  const camera = new URLSearchParams(location.hash.split("?")[1]).get("camera");
  const counter = m.counterOf(shown, width, height);
  const asked = only ? null : await m.counterOfPicture(`/api/cameras/${camera}/frame.jpg?at=${label}`);
  return { shown: counter, asked, label, at_us };
}"""

NEVER = "HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0"
"""A browser that has the callback for painted frames and never calls it."""

AT = "document.querySelector('hs-rewind-panel').at_us"


@pytest.fixture
def page(page: Page, daemon: Daemon) -> Iterator[Page]:
    """Left at the end as a person leaves it, which gives its replay back: a camera has four.

    A context that is closed leaves no time for that.
    """
    yield page
    page.goto("about:blank")
    runtime_dir = daemon.data_dir / "runtime"
    daemon.wait(lambda: not any(runtime_dir.glob("*.mp4")), 10, "the replay given back")


def _open(page: Page, daemon: Daemon, camera: str) -> Any:
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(f"{daemon.url}/#/?camera={camera}")
    line = page.locator("hs-rewind-timeline")
    expect(line).to_be_visible(timeout=20_000)
    return line


def _drag(page: Page, line: Any, *shares: float) -> None:
    """Press on the line and move along it; shares of its length."""
    box = line.bounding_box()
    spots = [(box["x"] + share * box["width"], box["y"] + box["height"] / 2) for share in shares]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=6)
    page.mouse.up()


def _counters(mp4: bytes) -> list[int | None]:
    with av.open(io.BytesIO(mp4), "r") as video:
        return [read_counter(frame.to_ndarray(format="bgr24")) for frame in video.decode(video=0)]


def _after(camera: str, counter: int) -> int:
    """The counter of the next frame; those of the JPEG camera come around again."""
    return (counter + 1) % JPEG.frames if camera == "jpeg" else counter + 1


def _settled(page: Page) -> None:
    """The exact picture is there, and its stand-in gone."""
    expect(page.locator(".replay")).to_be_visible()
    expect(page.locator(".replay")).not_to_have_attribute("aria-busy", "true", timeout=20_000)
    expect(page.locator(".replay-near")).to_be_hidden(timeout=20_000)


def _when(page: Page, script: str, holds: Callable[[Any], bool]) -> Any:
    """What the page says once it holds. Playwright's own waiting evaluates text, which the policy forbids."""
    seen = None
    for _ in range(200):
        if holds(seen := page.evaluate(script)):
            break
        page.wait_for_timeout(100)
    assert holds(seen), f"still {seen}"
    return seen


@pytest.mark.parametrize("camera", ["front", "far", "jpeg"])
def test_a_look_back_shows_exactly_the_asked_frame(page: Page, daemon: Daemon, camera: str) -> None:
    """Wherever the finger stops, the picture is the frame of that moment; so is the next one by key."""
    line = _open(page, daemon, camera)
    _drag(page, line, 0.95, 0.9, 0.93)
    _settled(page)
    first = page.evaluate(SHOWN)
    assert first["shown"] == first["asked"]
    page.get_by_role("slider", name="Moment shown").press("ArrowLeft")
    _settled(page)
    second = page.evaluate(SHOWN)
    assert second["shown"] == second["asked"]
    assert _after(camera, second["shown"]) == first["shown"]


def test_where_no_painting_is_reported_only_the_first_picture_is_waited_for(
    page: Page, daemon: Daemon
) -> None:
    """Two seconds; after that each frame counts as shown at once, and is the right one."""
    page.add_init_script(NEVER)
    line = _open(page, daemon, "front")
    _drag(page, line, 0.95, 0.9)
    _settled(page)
    page.clock.install()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.get_by_role("slider", name="Moment shown").press(key)
        for _ in range(20):
            page.clock.run_for(50)
            if page.locator(".replay[aria-busy]").count() == 0:
                break
        else:
            pytest.fail("not shown within a second")
        seen = page.evaluate(SHOWN)
        assert seen["shown"] == seen["asked"]


@pytest.mark.parametrize("camera", ["front", "far", "jpeg"])
def test_a_microsecond_before_a_frame_is_the_frame_before(page: Page, daemon: Daemon, camera: str) -> None:
    """Players round and pages cut; here neither shows the neighbour, wherever in the GOP the border is."""
    line = _open(page, daemon, camera)
    _drag(page, line, 0.9, 0.93)
    _settled(page)
    for _ in range(6):
        border_us, counter = page.evaluate(AT), page.evaluate(SHOWN)["shown"]
        seen = []
        for us in (border_us - 1, border_us):
            page.evaluate("(us) => document.querySelector('hs-rewind-panel').lookAt(us)", us)
            _settled(page)
            seen.append(page.evaluate(SHOWN))
        assert [one["shown"] for one in seen] == [one["asked"] for one in seen]
        assert [_after(camera, seen[0]["shown"]), seen[1]["shown"]] == [counter, counter]
        page.keyboard.press("ArrowRight")
        _settled(page)


@pytest.mark.parametrize("camera", ["front", "far", "jpeg"])
def test_either_end_of_the_line_is_a_frame(
    page: Page, daemon: Daemon, camera: str, complaints: Complaints
) -> None:
    """Home and End show it; of pictures that are not kept for the look, the oldest there still is."""
    complaints.expected.append("409")  # an old picture of the JPEG camera
    line = _open(page, daemon, camera)
    _drag(page, line, 0.9, 0.93)
    _settled(page)

    def press(key: str) -> Any:
        page.get_by_role("slider", name="Moment shown").press(key)
        _settled(page)
        return page.evaluate(SHOWN, "shown")

    last, beyond, before = press("End"), press("ArrowRight"), press("ArrowLeft")
    first, outside, after = press("Home"), press("ArrowLeft"), press("ArrowRight")
    assert (beyond["at_us"], outside["at_us"]) == (last["at_us"], first["at_us"])
    assert (outside["shown"], beyond["shown"]) == (first["shown"], last["shown"])
    if camera == "jpeg":
        # The oldest picture may be gone by the next key; then it shows the oldest one at that time.
        assert after["at_us"] > first["at_us"]
        assert last["shown"] == _after(camera, before["shown"])
    else:
        whole = _counters(daemon.get(page.locator(".replay video").get_attribute("src") or "").body)
        assert [first["shown"], after["shown"]] == whole[:2]
        assert [before["shown"], last["shown"]] == whole[-2:]


@pytest.mark.parametrize("key", ["Home", "End"])
def test_one_frame_can_be_kept(page: Page, daemon: Daemon, key: str) -> None:
    """Start and end on the same picture, the first and the last of B-frames as well: a clip of that one."""
    line = _open(page, daemon, "far")
    _drag(page, line, 0.9, 0.93)
    _settled(page)
    page.get_by_role("slider", name="Moment shown").press(key)
    _settled(page)
    seen = page.evaluate(SHOWN, "shown")
    page.keyboard.press("i")
    page.keyboard.press("o")
    _settled(page)
    with page.expect_response(lambda r: r.url.endswith("/api/clips") and r.request.method == "POST") as saved:
        page.keyboard.press("Enter")
    clip = saved.value.json()
    assert (saved.value.status, clip["frame_count"], clip["start_time"]) == (201, 1, seen["label"])
    assert _counters(daemon.get(clip["download_url"]).body) == [seen["shown"]]


@pytest.mark.parametrize("camera", ["front", "far"])
def test_what_is_marked_becomes_a_clip_of_exactly_these_frames(
    page: Page, daemon: Daemon, camera: str
) -> None:
    """Two handles by keyboard, Save, and the clip begins and ends where they stood."""
    line = _open(page, daemon, camera)
    _drag(page, line, 0.9, 0.92)
    _settled(page)
    ends = []
    for handle, key in (("Start of the clip", "PageUp"), ("End of the clip", "PageDown")):
        page.get_by_role("slider", name=handle).press(key)
        _settled(page)
        ends.append(page.evaluate(SHOWN)["shown"])
    with page.expect_response(lambda r: r.url.endswith("/api/clips") and r.request.method == "POST") as saved:
        page.get_by_role("button", name=re.compile("^Save ")).click()
    clip = saved.value.json()
    asked: Any = saved.value.request.post_data_json
    assert (saved.value.status, clip["status"]) == (201, "draft")
    assert clip["start_time"] == asked["start"]
    assert _counters(daemon.get(clip["download_url"]).body) == list(range(ends[0], ends[1] + 1))
    expect(page.locator(f'hs-clip-card[data-id="{clip["id"]}"]')).to_be_visible()


def test_going_back_to_live_lets_the_replay_go(page: Page, daemon: Daemon) -> None:
    """Four replays of a camera may be open: six looks in a row all work."""
    line = _open(page, daemon, "front")
    for _ in range(6):
        _drag(page, line, 0.9, 0.95)
        _settled(page)
        page.get_by_role("button", name="Back to live").click()
        expect(page.locator(".replay")).to_be_hidden()
        expect(page.locator("hs-rewind-tools")).to_be_hidden()


def test_record_while_looking_back_keeps_the_moment_on_screen(page: Page, daemon: Daemon) -> None:
    """The person saw that moment, so the clip lies around it."""
    line = _open(page, daemon, "front")
    _drag(page, line, 0.9, 0.93)
    _settled(page)
    label = page.evaluate(SHOWN)["label"]
    page.select_option("#before", "5")
    page.select_option("#after", "0")
    with page.expect_request(lambda r: r.url.endswith("/api/clips") and r.method == "POST") as sent:
        page.locator(".record-button").click()
    asked: Any = sent.value.post_data_json
    assert asked["at"] == label


@pytest.mark.parametrize("camera", ["front", "jpeg"])
def test_the_marked_span_plays_from_memory_and_stops_at_its_end(
    page: Page, daemon: Daemon, camera: str
) -> None:
    """Space plays what would be kept, and nothing more: it ends on the last frame of it."""
    line = _open(page, daemon, camera)
    _drag(page, line, 0.9, 0.93)
    _settled(page)
    for handle, key, times in (("Start of the clip", "PageUp", 2), ("End of the clip", "PageDown", 4)):
        for _ in range(times):
            page.get_by_role("slider", name=handle).press(key)
    last_us = int(page.locator(".timeline-end").get_attribute("data-frame") or 0)
    page.get_by_role("button", name="Play what is marked").click()
    pressed = "document.querySelector('.rewind-steps [aria-pressed]').ariaPressed"
    _when(page, pressed, "true".__eq__)
    _when(page, pressed, "false".__eq__)
    assert page.evaluate(AT) == last_us
    _settled(page)
    seen = page.evaluate(SHOWN)
    assert seen["shown"] == seen["asked"]
