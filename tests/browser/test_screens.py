"""Insights, schedules and settings in a real browser, against what the API says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.daemon import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    cameras = [
        {"id": "front", "name": "Front", "source": "synthetic?size=320x180&fps=8&gop_s=1"},
        {"id": "gone", "name": "Gone", "source": "rtsp://127.0.0.1:9/nothing"},
    ]
    schedules = [{"name": "Fixed", "camera": "front", "cron": "0 6 * * *", "length": "10s"}]
    with Daemon(tmp_path_factory.mktemp("screens"), cameras, schedules=schedules) as started:
        started.wait_for_buffer(2, "front")
        for _ in range(3):
            asked = {"camera": "front", "before_seconds": 1, "after_seconds": 0}
            assert started.post("/api/clips", asked).status == 201
        yield started


def test_insights_show_what_needs_somebody_and_how_many_clips_there_were(page: Page, daemon: Daemon) -> None:
    """The camera that is away is named with its reason; the table behind a picture holds the numbers."""
    page.goto(f"{daemon.url}/#/insights")
    expect(page.locator(".warnings")).to_contain_text("Gone")
    assert page.locator(".figure").first.inner_text().startswith("Needs attention")
    figure = page.locator(".figure", has=page.get_by_text("Clips a day"))
    figure.get_by_text("As a table").click()
    today = figure.locator("tbody tr").last
    expect(today.locator("td").last).to_have_text("3")
    page.locator("#range").select_option("week")
    expect(page).to_have_url(re.compile("range=week"))
    expect(page.locator(".forecast")).not_to_be_empty()


def test_a_german_page_has_german_numbers_everywhere(browser: Browser, daemon: Daemon) -> None:
    """The corner of the picture, sizes, shares and axes, the strip: a comma where decimals begin."""
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{daemon.url}/#/?camera=front")
    expect(page.locator(".live-latency")).to_have_text(re.compile(r"^-?\d+,\d\d s zurück$"))
    expect(page.locator(".cost")).to_contain_text(re.compile(r"etwa \d+(,\d)?\xa0[kM]B"))
    page.locator("hs-rewind-timeline").click()
    expect(page.locator(".rewind-ago")).to_have_text(re.compile(r"^\w+ \d+,\d s$"))
    expect(page.locator(".timeline-cursor")).to_have_attribute(
        "aria-valuetext", re.compile(r"^\w+ \d+,\d s$")
    )
    expect(page.locator(".timeline-cursor")).to_have_attribute("aria-valuenow", re.compile(r"^-\d+(\.\d)?$"))
    for screen, ready in (("insights", ".figure"), ("settings", ".facts dd"), ("clips", "hs-clip-card")):
        page.goto(f"{daemon.url}/#/{screen}")
        expect(page.locator(ready).first).not_to_be_empty()
        assert re.findall(r"\d\.\d+ ?(?:\xa0|%|s\b|[kMG]B)", page.locator("main").inner_text()) == []
    context.close()


def test_a_phone_is_not_told_about_keys(browser: Browser, page: Page, daemon: Daemon) -> None:
    """No button for their list, no switch for them: there are none. A desktop has both."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    for looked, shown in ((context.new_page(), False), (page, True)):
        looked.goto(f"{daemon.url}/#/settings")
        expect(looked.locator("#theme")).to_be_visible()
        for name in (
            looked.get_by_title("Keyboard shortcuts"),
            looked.get_by_text("Use single-key shortcuts"),
        ):
            expect(name).to_be_visible(visible=shown)
    context.close()


def test_a_schedule_is_made_switched_off_and_deleted(page: Page, daemon: Daemon) -> None:
    """In the viewer's own time zone; what config.yaml says can only be looked at."""
    page.goto(f"{daemon.url}/#/schedules")
    fixed = page.locator(".schedule", has_text="Fixed")
    expect(fixed).to_contain_text("From config.yaml")
    expect(fixed.get_by_role("checkbox")).to_have_count(0)
    page.get_by_label("Name").fill("Weekday mornings")
    page.get_by_label("At", exact=True).fill("06:45")
    for day in ("Monday", "Friday"):
        page.get_by_label(day).check()
    page.get_by_role("button", name="Add").click()
    row = page.locator(".schedule", has_text="Weekday mornings")
    expect(row).to_contain_text("Mon, Fri 06:45 (America/St_Johns)")
    (made,) = [one for one in _schedules(daemon) if one["origin"] == "api"]
    assert (made["cron"], made["timezone"]) == ("45 6 * * mon,fri", "America/St_Johns")
    row.get_by_role("checkbox").uncheck()
    expect(row).to_contain_text("Switched off")
    assert [one["enabled"] for one in _schedules(daemon) if one["origin"] == "api"] == [False]
    question = page.get_by_role("alertdialog")
    row.get_by_role("button", name="Delete").click()
    expect(question).to_contain_text("Delete “Weekday mornings”?")
    question.get_by_role("button", name="Keep").click()
    assert len(_schedules(daemon)) == 2
    row.get_by_role("button", name="Delete").click()
    question.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def _schedules(daemon: Daemon) -> list[Any]:
    found: list[Any] = daemon.get("/api/schedules").json()["schedules"]
    return found


def test_settings_name_the_camera_that_is_away_as_insights_do(page: Page, daemon: Daemon) -> None:
    """Two screens of one box never contradict each other about what needs somebody."""
    page.goto(f"{daemon.url}/#/settings")
    expect(page.locator(".warnings")).to_contain_text("Gone: ")
    expect(page.get_by_text("Everything works as it should.")).to_be_hidden()


def test_settings_say_why_a_browser_comes_in_without_a_session(page: Page, daemon: Daemon) -> None:
    """There is nothing to sign out of, and no list of devices for a program that borrows a browser."""
    page.goto(f"{daemon.url}/#/settings")
    expect(page.locator("hs-devices")).to_contain_text("This browser is not signed in. It needs no key")
    expect(page.get_by_role("button", name=re.compile("Sign"))).to_have_count(0)


def test_settings_change_theme_and_language_on_this_device(page: Page, daemon: Daemon) -> None:
    """Both hold after a reload; facts of the box hold no secret."""
    page.goto(f"{daemon.url}/#/settings")
    page.locator("#theme").select_option("dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.locator("#language").select_option("de")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
        "de",
        "dark",
    ]
    page.locator("#language").select_option("en")
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    expect(page.locator(".setting-camera").first).to_contain_text("320 × 180")
