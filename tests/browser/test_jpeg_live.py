"""The live picture of cameras that send no H.264, in a real browser."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from recorder.bitstream.access_unit import Codec
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon

PAINTED = Path(__file__).with_name("painted.js")
JPEG = Material(width=320, height=176, frames=300, codec=Codec.MJPEG)
H265 = Material(width=320, height=180, frames=60, codec=Codec.H265)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    require_rtsp_server()
    with ExitStack() as stack:
        cameras = [
            {
                "id": name,
                "name": name,
                "source": stack.enter_context(RtspCamera(material)).url(),
                "rotation": rotation,
            }
            for name, material, rotation in (("jpeg", JPEG, 0), ("new", H265, 0), ("turned", JPEG, 90))
        ]
        started = stack.enter_context(
            Daemon(tmp_path_factory.mktemp("page"), cameras, buffer={"codec": "source"})
        )
        for camera in ("jpeg", "new", "turned"):
            started.wait_for_buffer(2, camera)
        yield started


def test_jpegs_are_painted_with_their_label_and_no_mjpeg_is_opened(page: Page, daemon: Daemon) -> None:
    """The label of what is on screen is that of the very frame, and the picture goes on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(daemon.url + "/#/?camera=jpeg")
    expect(page.locator(".live-latency")).to_be_visible()
    expect(page.locator("hs-live-view video")).to_be_hidden()
    seen = page.evaluate(
        """async () => {
          const m = await import("/painted.js");
          const live = document.querySelector("hs-live-view");
          const canvas = live.querySelector(".live-picture");
          const looks = [];
          for (let i = 0; i < 3; i += 1) {
            const label_us = live.labelAt(0);
            const painted = m.counterOf(canvas, canvas.width, canvas.height);
            const at = new Date(label_us / 1000).toISOString().slice(0, -4)
              + String(label_us % 1000000).padStart(6, "0") + "Z";
            const same = await m.counterOfPicture(`/api/cameras/jpeg/frame.jpg?at=${at}`);
            looks.push({ painted, same, label_us, on_screen: live.labelOnScreen });
            await new Promise((resolve) => setTimeout(resolve, 300));
          }
          return { looks, size: [canvas.width, canvas.height] };
        }"""
    )
    assert seen["size"] == [320, 176]
    for look in seen["looks"]:
        assert look["painted"] == look["same"]
        assert look["on_screen"] is not None
    assert seen["looks"][0]["painted"] != seen["looks"][2]["painted"]
    assert not [url for url in asked if ".mjpeg" in url]


def test_h265_is_shown_encoded_where_the_browser_cannot_play_it(page: Page, daemon: Daemon) -> None:
    """The frame on screen is that of its label, and the encoder ends when nobody looks any more."""
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(daemon.url + "/#/?camera=new")
    expect(page.locator(".live-latency")).to_be_visible(timeout=20_000)
    counters = page.evaluate(
        """async () => {
          const m = await import("/painted.js");
          const video = document.querySelector("hs-live-view video");
          const looks = [];
          for (let i = 0; i < 3; i += 1) {
            looks.push(m.counterOf(video, video.videoWidth, video.videoHeight));
            await new Promise((resolve) => setTimeout(resolve, 400));
          }
          return looks;
        }"""
    )
    assert None not in counters
    assert len(set(counters)) == 3
    page.goto(daemon.url + "/#/?camera=jpeg")
    expect(page.locator(".live-latency")).to_be_visible()


def test_the_jpegs_of_a_turned_camera_are_painted_upright(page: Page, daemon: Daemon) -> None:
    """Turned back by as much, the canvas shows the counter again."""
    page.route("**/painted.js", lambda route: route.fulfill(path=PAINTED, content_type="text/javascript"))
    page.goto(daemon.url + "/#/?camera=turned")
    expect(page.locator(".live-latency")).to_be_visible()
    seen = page.evaluate(
        """async () => {
          const m = await import("/painted.js");
          const canvas = document.querySelector("hs-live-view .live-picture");
          const back = document.createElement("canvas");
          [back.width, back.height] = [canvas.height, canvas.width];
          const context = back.getContext("2d");
          context.translate(0, back.height);
          context.rotate(-Math.PI / 2);
          context.drawImage(canvas, 0, 0);
          return { size: [canvas.width, canvas.height], counter: m.counterOf(back, back.width, back.height) };
        }"""
    )
    assert seen["size"] == [176, 320]
    assert seen["counter"] is not None
