"""The sound of live pictures and of finished clips in a real browser: a click and a flash in one moment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.support.cameras.films import write_flash_film
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.real_time("sound beside its picture, as a browser plays them"),
    pytest.mark.slow("sound and picture are measured over seconds of real time"),
]

# Flashes by the painted frames, clicks by what leaves the page's sound; both on the page's clock.
MEASURE = Path(__file__).with_name("flashes.js")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("sound")
    write_flash_film(directory / "film.mp4", frames=300)
    write_flash_film(directory / "jpeg.mov", "pcm_alaw", frames=300, rate_hz=8_000, video="mjpeg")
    require_rtsp_server()
    flashing = Material(width=320, height=180, frames=600, flash=True)
    with RtspCamera(flashing, Behaviour(sound="pcma")) as rtsp:
        yield from _running(directory, rtsp.url())


def _running(directory: Path, rtsp: str) -> Iterator[Daemon]:
    cameras = [
        {"id": "rtsp", "name": "Rtsp", "source": rtsp},
        {"id": "film", "name": "Film", "source": f"file:{directory / 'film.mp4'}"},
        {"id": "jpeg", "name": "Jpeg", "source": f"file:{directory / 'jpeg.mov'}"},
        {"id": "quiet", "name": "Quiet", "source": "synthetic?size=320x180"},
    ]
    with Daemon(directory, cameras, buffer={"codec": "source"}) as started:
        for camera in cameras:
            started.wait_for_buffer(3, camera["id"])
        yield started


def open_page(page: Page, daemon: Daemon, camera: str) -> None:
    page.goto(f"{daemon.url}/#/?camera={camera}")
    page.route("**/flashes.js", lambda route: route.fulfill(path=MEASURE, content_type="text/javascript"))
    expect(page.locator(".live-latency")).to_be_visible()


def turn_on(page: Page) -> None:
    page.locator(".live-sound").click()
    expect(page.locator(".live-sound")).to_have_attribute("data-state", "on", timeout=20_000)


def measured(page: Page, expression: str) -> Any:
    """What a function of the measuring module finds; `live` is the live view."""
    return page.evaluate(
        f"""async () => {{
          const m = await import("/flashes.js");
          const live = document.querySelector("hs-live-view");
          return m.{expression};
        }}"""
    )


@pytest.mark.parametrize("camera", ["film", "jpeg"])
def test_the_live_sound_is_heard_with_its_picture(page: Page, daemon: Daemon, camera: str) -> None:
    """Off at first; turned on, a click is within 40 ms of its flash, and the picture never stands still."""
    open_page(page, daemon, camera)
    expect(page.locator(".live-sound")).to_have_attribute("aria-pressed", "false")
    turn_on(page)
    offsets: list[float] = []
    # A busy machine paints not every picture, and a flash is one.
    for _ in range(5):
        found = measured(page, "liveOffsets(live, 4)")
        offsets = sorted([*offsets, *(abs(offset) for offset in found["offsets_ms"])])
        assert found["longest_pause_ms"] < 1000
        if len(offsets) >= 3:
            break
    assert len(offsets) >= 3
    assert offsets[len(offsets) // 2] <= 40, offsets
    assert not page.evaluate("document.querySelector('hs-live-view video').paused") or camera == "jpeg"


def test_the_sound_is_left_as_it_was_and_ends_with_a_click(page: Page, daemon: Daemon) -> None:
    """Remembered on this device; off means that nothing listens any more."""
    open_page(page, daemon, "film")
    turn_on(page)
    page.reload()
    button = page.locator(".live-sound")
    expect(button).to_have_attribute("data-state", "on", timeout=20_000)
    expect(button).to_have_attribute("title", "Turn the sound off")
    button.click()
    expect(button).to_have_attribute("data-state", "off")
    nobody = b'hindsight_camera_listeners{camera="film"} 0.0'
    daemon.wait(lambda: nobody in daemon.get("/metrics").body, 10, "nobody listens")


def test_who_looks_back_hears_the_past_and_not_the_present(page: Page, daemon: Daemon) -> None:
    """One sound at a time; the live one comes back with its picture."""
    open_page(page, daemon, "film")
    turn_on(page)
    gain = "document.querySelector('hs-live-view').sound.sound.output.gain.value"
    wait_until(lambda: page.evaluate(f"{gain} === 1"))
    expect(page.locator("hs-rewind-panel")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    wait_until(lambda: page.evaluate(f"{gain} === 0"))
    wait_until(lambda: page.evaluate("document.querySelector('video.replay-picture')?.muted === false"))
    page.keyboard.press("Escape")
    wait_until(lambda: page.evaluate(f"{gain} === 1"))


def test_a_camera_without_sound_says_so(page: Page, daemon: Daemon) -> None:
    """In words, before and after the button is pressed."""
    open_page(page, daemon, "quiet")
    button = page.locator(".live-sound")
    expect(button).to_have_text("No sound")
    button.click()
    expect(button).to_have_attribute("data-state", "none")
    expect(button).to_have_attribute("title", "This camera sends no sound.")
    assert measured(page, "longestPause(live, 2)") < 1000


@pytest.mark.parametrize("trouble", ["garbage", "silence", "loss"])
def test_sound_that_is_broken_never_holds_up_the_picture(page: Page, daemon: Daemon, trouble: str) -> None:
    """Bytes no decoder takes, a connection that says nothing, one that is lost again and again."""
    noise = bytes([4, *[0] * 15]) + (10**15).to_bytes(8, "big") + bytes(range(256)) * 4

    def answer(socket: WebSocketRoute) -> None:
        if trouble != "silence":
            socket.send(json.dumps({"type": "init", "codec": "aac", "rate": 48_000, "channels": 1}))
        if trouble == "garbage":
            for _ in range(50):
                socket.send(noise)
        if trouble == "loss":
            socket.close()

    page.route_web_socket("**/live/film/sound", answer)
    open_page(page, daemon, "film")
    page.locator(".live-sound").click()
    assert measured(page, "longestPause(live, 2)") < 1000
    expect(page.locator(".live-latency")).to_be_visible()
    assert page.locator(".live-sound").get_attribute("data-state") == "opening"


def test_a_finished_clip_is_heard_as_it_is_seen(page: Page, daemon: Daemon) -> None:
    """Played to its end, and once more by its decoded sound and the pictures sought at each click."""
    open_page(page, daemon, "quiet")
    daemon.wait_for_buffer(9.5, "rtsp")
    asked = {"camera": "rtsp", "before_seconds": 5.23, "after_seconds": 0}
    clip = daemon.wait_for_clip(daemon.post("/api/clips", asked).json()["id"])
    assert clip["audio_codec"] == "aac"
    found = measured(page, f"clipOffsets('{clip['playback_url']}', 6)")
    assert len(found["offsets_ms"]) >= 2, found
    offsets = sorted(found["offsets_ms"])
    assert abs(offsets[len(offsets) // 2]) <= 40, found
    assert found["ended"] == pytest.approx(clip["duration_seconds"], abs=0.05)
    clicks = measured(page, f"clicksInFile('{clip['playback_url']}')")
    assert len(clicks) >= 4
    # The picture 20 ms before a click is dark, the one 20 ms behind it white: the click is at its flash.
    looks = [at for click in clicks for at in (click - 0.020, click + 0.020)]
    bright = measured(page, f"brightAt('{clip['playback_url']}', {json.dumps(looks)})")
    assert bright == [False, True] * len(clicks)
