"""The feed in a real browser: the newest on top without a reload; the one in view plays, and only that."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.daemon import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    camera = {"id": "front", "name": "Front", "source": "synthetic?size=320x180&fps=8&gop_s=1"}
    with Daemon(tmp_path_factory.mktemp("feed"), [camera]) as started:
        started.wait_for_buffer(2, "front")
        for n in range(4):
            _published(started, f"Clip {n}")
        yield started


def _published(daemon: Daemon, title: str) -> Any:
    clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0, "title": title}).json()
    assert daemon.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
    return clip


def _playing(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("hs-feed-item video")].filter((video) => !video.paused)
            .map((video) => video.closest("hs-feed-item").dataset.id)"""
    )
    return found


def _only(page: Page, clip_id: str | None) -> None:
    """Wait until exactly this clip plays."""
    wanted = [] if clip_id is None else [clip_id]
    for _ in range(150):
        if _playing(page) == wanted:
            return
        page.wait_for_timeout(100)
    assert _playing(page) == wanted


def test_the_clip_in_view_plays_silently_and_only_that(page: Page, daemon: Daemon) -> None:
    """Scrolling hands over; opening one pauses the feed and has controls."""
    page.goto(f"{daemon.url}/#/feed")
    items = page.locator("hs-feed-item")
    expect(items).to_have_count(4)
    ids = [items.nth(n).get_attribute("data-id") for n in range(4)]
    _only(page, ids[0])
    assert page.evaluate("[...document.querySelectorAll('hs-feed-item video')].every((video) => video.muted)")
    items.nth(2).scroll_into_view_if_needed()
    page.evaluate("document.querySelectorAll('hs-feed-item')[2].scrollIntoView({ block: 'center' })")
    _only(page, ids[2])
    items.nth(2).locator(".feed-picture").click()
    expect(page).to_have_url(re.compile(f"#/feed/{ids[2]}"))
    _only(page, None)
    expect(page.locator(".clip-dialog video")).to_have_js_property("controls", True)
    page.keyboard.press("Escape")
    _only(page, ids[2])


def test_a_publication_stands_on_top_by_itself_and_leaves_again(page: Page, daemon: Daemon) -> None:
    """Nobody presses reload."""
    page.goto(f"{daemon.url}/#/feed")
    expect(page.locator("hs-feed-item")).to_have_count(4)
    clip = _published(daemon, "Just now")
    expect(page.locator("hs-feed-item").first).to_have_attribute("data-id", clip["id"])
    assert daemon.post(f"/api/clips/{clip['id']}/unpublish").status == 200
    expect(page.locator("hs-feed-item")).to_have_count(4)


def test_a_card_says_when_its_pictures_are_from_and_when_it_was_published(page: Page, daemon: Daemon) -> None:
    """The feed goes by publication, and a clip may be older than the one below it."""
    page.goto(f"{daemon.url}/#/feed")
    times = page.locator("hs-feed-item").first.locator("time")
    expect(times).to_have_text([re.compile(r"^Today [\d:]+$"), re.compile(r"^published [\d:]+$")])


def test_a_like_counts_once_and_can_be_taken_back(page: Page, daemon: Daemon) -> None:
    """What the heart shows is the server's word, also after a reload."""
    page.goto(f"{daemon.url}/#/feed")
    item = page.locator("hs-feed-item").first
    heart = item.get_by_role("button", name=re.compile("^Like"))
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(item.locator(".feed-likes")).to_have_text("1")
    page.reload()
    expect(heart).to_have_attribute("aria-pressed", "true")
    heart.click()
    expect(item.locator(".feed-likes")).to_have_text("0")


def test_nothing_moves_by_itself_for_who_wants_things_still(browser: Browser, daemon: Daemon) -> None:
    """Reduced motion: posters, and clips start when they are opened."""
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{daemon.url}/#/feed")
    expect(page.locator("hs-feed-item")).to_have_count(4)
    page.wait_for_timeout(1500)
    assert _playing(page) == []
    context.close()
