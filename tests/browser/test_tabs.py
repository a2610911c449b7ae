"""Several pages of one browser: one event stream for all, and no page keeps another waiting."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Complaints
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("six cameras, and pages that wait for each other's events")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    cameras = [{"id": f"cam-{n}", "source": "synthetic?size=320x180&fps=10&gop_s=1"} for n in range(6)]
    with Daemon(tmp_path_factory.mktemp("tabs"), cameras) as started:
        for camera in cameras:
            started.wait_for_buffer(2, camera["id"])
        yield started


def _event_streams(daemon: Daemon) -> int:
    found: int = daemon.get("/api/system").json()["event_streams"]
    return found


def test_three_pages_share_one_event_stream_and_record_answers_at_once(
    context: BrowserContext, complaints: Complaints, daemon: Daemon
) -> None:
    """Six cameras, three tabs: a browser opens six connections to one server, and none is wasted."""
    pages = [context.new_page() for _ in range(3)]
    for number, page in enumerate(pages):
        complaints.listen(page)
        page.goto(f"{daemon.url}/#/?camera=cam-{number}")
        expect(page.locator(".live-latency")).to_be_visible(timeout=20_000)
    assert _event_streams(daemon) == 1
    page = pages[0]
    page.bring_to_front()
    begun_s = time.monotonic()
    with page.expect_response(lambda r: r.url.endswith("/api/clips") and r.request.method == "POST") as made:
        page.locator(".record-button").click()
    assert made.value.status == 201
    answered_s = time.monotonic() - begun_s
    assert answered_s < 5, "bounded so that a hung page fails; how fast it is, the benchmarks say"
    card = f'hs-clip-card[data-id="{made.value.json()["id"]}"]'
    for other in pages:
        expect(other.locator(card)).to_have_count(1)


def test_pages_stay_true_when_the_one_that_came_first_is_closed(
    context: BrowserContext, page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """The stream belongs to all of them; the last one takes it along."""
    other = context.new_page()
    complaints.listen(other)
    for one in (page, other):
        one.goto(f"{daemon.url}/#/?camera=cam-0")
        expect(one.locator(".camera-name")).to_have_text("cam-0")
    page.close()
    clip = daemon.post("/api/clips", {"camera": "cam-0", "before_seconds": 1, "after_seconds": 0}).json()
    expect(other.locator(f'hs-clip-card[data-id="{clip["id"]}"]')).to_have_count(1)
