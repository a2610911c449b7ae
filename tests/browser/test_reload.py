"""An open page follows a reload of the daemon's configuration by itself."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.support.daemon import Daemon


def card(camera: str, name: str) -> dict[str, Any]:
    return {"id": camera, "name": name, "source": "synthetic?size=320x180&fps=8"}


def test_cameras_come_and_go_and_the_default_lengths_hold_until_others_are_chosen(
    page: Page, complaints: Complaints, tmp_path: Path
) -> None:
    """No reload of the page; the camera on screen goes and the first one takes its place."""
    # The live picture and the cost of the camera that goes are asked for once more before the page knows.
    complaints.expected += ["/live/yard", "status of 404"]
    yard, front = card("yard", "Yard"), card("front", "Front")
    recording = {"before_seconds": 7, "after_seconds": None}
    with Daemon(tmp_path, [front, yard], recording=recording) as daemon:
        page.goto(f"{daemon.url}/#/?camera=yard")
        expect(page.locator(".camera-name")).to_have_text("Yard")
        expect(page.locator("#before")).to_have_value("7")
        expect(page.locator("#after")).to_have_value("open")
        daemon.configure(
            [card("front", "Front door"), card("door", "Back door")], recording={"before_seconds": 9}
        )
        daemon.hang_up()
        expect(page.locator(".camera-name")).to_have_text("Front door")
        expect(page.locator("hs-camera-tabs .tab")).to_have_text(["All cameras", "Front door", "Back door"])
        expect(page.locator("#before")).to_have_value("9")
        expect(page.locator("#after")).to_have_value("15")
        page.select_option("#before", "5")
        daemon.configure([front], recording={"before_seconds": 30})
        daemon.hang_up()
        expect(page.locator(".camera-name")).to_have_text("Front")
        expect(page.locator("#before")).to_have_value("5")
