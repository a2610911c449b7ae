"""The gallery in a real browser: found by its address, true without a reload, and fast when it is long."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Complaints
from tests.support.clock.steps import Clock
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("recordings in real time")

CAMERAS = (
    {"id": "front", "name": "Front door", "source": "synthetic?size=320x180&fps=8&gop_s=1"},
    {"id": "yard", "name": "Yard", "source": "synthetic?size=320x180&fps=8&gop_s=1"},
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("gallery"), CAMERAS) as started:
        for camera in ("front", "yard"):
            started.wait_for_buffer(2, camera)
        yield started


def _clip(daemon: Daemon, camera: str = "front", **more: Any) -> Any:
    asked = {"camera": camera, "before_seconds": 0.5, "after_seconds": 0, **more}
    answer = daemon.post("/api/clips", asked)
    assert answer.status == 201, answer.body
    return answer.json()


def _cards(page: Page) -> Any:
    return page.locator("hs-gallery-grid hs-clip-card")


def test_filters_live_in_the_address_and_a_link_shows_the_same(page: Page, daemon: Daemon) -> None:
    """Words, camera and kind; the same address opened anew finds the same clips."""
    wanted = _clip(daemon, "yard", title="A fox at dusk")
    _clip(daemon, "yard", title="A cat")
    _clip(daemon, "front", title="A fox at noon")
    page.goto(f"{daemon.url}/#/clips")
    page.get_by_role("searchbox").fill("fox")
    page.locator("#filter-camera").select_option("yard")
    expect(_cards(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("#/clips\\?.*q=fox"))
    page.goto("about:blank")
    page.goto(f"{daemon.url}/#/clips?camera=yard&q=fox")
    expect(_cards(page)).to_have_attribute("data-id", wanted["id"])
    page.get_by_role("searchbox").fill("no such words")
    expect(page.get_by_role("heading", name="No clips match")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(f'hs-clip-card[data-id="{wanted["id"]}"]')).to_be_visible()


def test_the_list_stays_true_without_a_reload(page: Page, complaints: Complaints, daemon: Daemon) -> None:
    """A clip that is made, changed or deleted elsewhere comes, moves and goes here."""
    complaints.expected.append("status of 404")  # its picture, deleted while it loaded
    page.goto(f"{daemon.url}/#/clips?show=published")
    expect(page.locator("#filter-show")).to_have_value("published")
    clip = _clip(daemon, title="From elsewhere")
    card = page.locator(f'hs-clip-card[data-id="{clip["id"]}"]')
    expect(card).to_have_count(0)
    assert daemon.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
    expect(card).to_be_visible()
    assert daemon.request("DELETE", f"/api/clips/{clip['id']}").status == 204
    expect(card).to_have_count(0)


def test_the_newest_stands_on_top_though_the_clock_was_set_back(page: Page, tmp_path: Path) -> None:
    """Clips and feed are in the server's order at once, and a reload changes nothing."""
    clock = Clock(tmp_path / "offset")
    with Daemon(tmp_path, CAMERAS[:1], environment=clock.environment()) as daemon:
        daemon.wait_for_buffer(1)
        page.goto(f"{daemon.url}/#/clips")
        made = []
        for title in ("Before the clock was set", "After it was set back"):
            made.append(_clip(daemon, title=title))
            daemon.wait_for_clip(made[-1]["id"])
            expect(_cards(page).first).to_contain_text(title)
            clock.set_by(-timedelta(hours=1))
        assert made[0]["created_at"] > made[1]["created_at"]
        expect(_cards(page).first.locator(".card-note")).to_be_empty()
        expect(_cards(page).last.locator(".card-note")).to_have_text("then the clock was set back")
        page.goto(f"{daemon.url}/#/feed")
        titles = page.locator(".feed-title")
        for shown, clip in enumerate(made, 1):
            assert daemon.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
            expect(titles).to_have_count(shown)
            expect(titles.first).to_have_text(clip["title"])
            clock.set_by(-timedelta(hours=1))
        for screen, texts in (("feed", titles), ("clips", _cards(page).locator("h3"))):
            page.goto(f"{daemon.url}/#/{screen}")
            page.reload()
            expect(texts).to_have_text([clip["title"] for clip in reversed(made)])


def test_a_clip_kept_from_the_past_says_so_above_those_made_before_it(page: Page, daemon: Daemon) -> None:
    """It was made last and shows the earliest time; also on the live screen, and in the clip itself."""
    daemon.wait_for_buffer(4, "yard")
    newest = daemon.get("/video/buffer/status?camera=yard").json()["newest_frame_utc"]
    _clip(daemon, "yard", title="Kept before")
    begin = datetime.fromisoformat(newest) - timedelta(seconds=3)
    span = {"start": begin.isoformat(), "end": (begin + timedelta(seconds=1)).isoformat()}
    answer = daemon.post("/api/clips", {"camera": "yard", "title": "Kept from the past", **span})
    assert answer.status == 201, answer.body
    made = datetime.fromisoformat(answer.json()["created_at"]).astimezone(ZoneInfo("America/St_Johns"))
    card = page.locator(f'hs-clip-card[data-id="{answer.json()["id"]}"]')
    for screen in ("clips?q=kept", ""):
        page.goto(f"{daemon.url}/#/{screen}")
        expect(card.locator(".card-note")).to_have_text(f"saved {made:%H:%M:%S}")
        expect(page.locator("hs-clip-card", has_text="Kept before").locator(".card-note")).to_be_empty()
    card.locator("a").click()
    expect(page.locator(".facts")).to_contain_text(f"Saved{made:%H:%M:%S}")


def test_twenty_chosen_clips_become_one_archive_and_are_published_and_deleted_together(
    page: Page, complaints: Complaints, daemon: Daemon
) -> None:
    """Each wish is one request, and what the cards say is the server's word."""
    complaints.expected.append("status of 404")  # pictures of clips that were deleted while they loaded
    made = [_clip(daemon, title=f"Many {n}") for n in range(20)]
    page.goto(f"{daemon.url}/#/clips?q=many")
    expect(_cards(page)).to_have_count(20)
    _choose_all(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="As ZIP").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist())) == 20
        assert archive.testzip() is None
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator('.badge[data-status="published"]')).to_have_count(20)
    assert {daemon.clip(clip["id"])["status"] for clip in made} == {"published"}
    _choose_all(page)
    page.get_by_role("button", name="Delete").click()
    page.locator("hs-confirm-dialog").get_by_role("button", name="Delete").click()
    expect(_cards(page)).to_have_count(0)


def _choose_all(page: Page) -> None:
    page.locator(".card-choose").first.check()
    page.get_by_role("button", name="All shown").click()
    expect(page.locator(".bar-count")).to_have_text("20 chosen")


def test_a_long_list_keeps_only_what_is_near_the_screen(page: Page, daemon: Daemon) -> None:
    """However far somebody scrolls, the document does not grow; and the way back is the same."""
    for n in range(130):
        _clip(daemon, title=f"Long {n}")
    page.goto(f"{daemon.url}/#/clips?q=long")
    expect(_cards(page).first).to_be_visible()
    most = 0
    for _ in range(60):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(60)
        most = max(most, _cards(page).count())
        if page.locator('[aria-posinset="130"]').count():
            break
    expect(page.locator('[aria-posinset="130"]')).to_be_visible()
    assert 0 < most < 70
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator('[aria-posinset="1"]')).to_be_visible()
    # Cards are used again for other clips: everything on one must be of the same, once it has its picture.
    mixed = """() => [...document.querySelectorAll("hs-gallery-grid li")].filter((item) => {
      const { id } = item.querySelector("hs-clip-card").dataset;
      const [link, image, box] = ["a", "img", "input"].map((name) => item.querySelector(name));
      return !link.href.includes(id) || !image.src.includes(id) || box.value !== id;
    }).length"""
    for _ in range(200):
        if page.evaluate(mixed) == 0:
            break
        page.wait_for_timeout(100)
    assert page.evaluate(mixed) == 0
    places = page.locator("hs-gallery-grid li h3").evaluate_all("(all) => all.map((h3) => h3.textContent)")
    assert places == [f"Long {n}" for n in range(129, 129 - len(places), -1)]


def test_a_card_says_where_else_its_clip_is(page: Page, daemon: Daemon) -> None:
    """Nothing while it is only here; why it waits; the share while it is copied; then a sign with words."""
    clip = _clip(daemon)
    page.goto(f"{daemon.url}/#/clips")
    found = page.evaluate(
        """async (clip) => {
          const { src } = document.querySelector("script[type=module]");
          const { ClipCard } = await import(new URL("components/clip_card.js", src));
          const card = document.body.appendChild(new ClipCard());
          const copy = card.querySelector(".card-copy");
          const told = [["local"], ["local", "It is away."], ["local", 0.426], ["both"], ["remote"]];
          return told.map(([location, share]) => {
            card.show({ ...clip, location }, [], Date.now(), share);
            return [copy.hidden, copy.textContent, copy.title];
          });
        }""",
        clip,
    )
    assert found == [
        [True, "", ""],
        [False, "…", "Waits for the object store: It is away."],
        [False, "43 %", "Copying to the object store: 43 %"],
        [False, "", "Also in the object store"],
        [False, "", "Only in the object store"],
    ]


def test_all_cards_are_equally_high(browser: Browser, daemon: Daemon) -> None:
    """Whatever stands on them: a long list is laid out by the height of one."""
    clip = _clip(daemon, "yard", title="Uneven " * 20, after_seconds=1)
    in_the_way = daemon.data_dir / "clips" / clip["id"] / "clip.mp4.tmp"
    in_the_way.mkdir()  # the file cannot be finished
    daemon.wait_for_clip(clip["id"], "failed")
    in_the_way.rmdir()
    for title in ("Uneven", "Uneven, and it goes on"):
        _clip(daemon, title=title)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{daemon.url}/#/clips?q=uneven")
    expect(page.locator(".card-error:visible")).not_to_be_empty()
    heights = page.locator("hs-gallery-grid li").evaluate_all(
        "(all) => all.map((item) => item.getBoundingClientRect().height)"
    )
    assert len(heights) == 3
    assert len(set(heights)) == 1
    context.close()
