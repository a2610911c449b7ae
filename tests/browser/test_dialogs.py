"""Dialogs that close and open again before the browser has said that they closed."""

from typing import Any

import pytest
from playwright.sync_api import Page


@pytest.fixture
def run_in_html(page: Page, modules_url: str) -> Any:
    """Like `run`, in an HTML document: dialogs exist only there."""
    address = f"{modules_url}/empty.html"
    page.route(address, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto(address)

    def evaluate(module: str, body: str) -> Any:
        return page.evaluate(f"async (module) => {{ const m = await import(module); {body} }}", f"/{module}")

    return evaluate


def test_an_event_of_an_earlier_closing_does_not_close_what_is_open_now(run_in_html: Any) -> None:
    """Back and forward again within one task: the clip's dialog stays, and so does its address."""
    closings = run_in_html(
        "backdrop.js",
        """const dialog = document.createElement("dialog"), closings = [];
        document.body.append(dialog);
        m.whenClosed(dialog, () => closings.push(dialog.open), new AbortController().signal);
        const heard = () => new Promise((done) => dialog.addEventListener("close", done, { once: true }));
        dialog.showModal();
        let event = heard();
        dialog.close();
        dialog.showModal();
        await event;
        const early = closings.length;
        event = heard();
        dialog.close();
        await event;
        dialog.remove();
        return [early, ...closings];""",
    )
    assert closings == [0, False]


def test_a_second_question_is_not_answered_by_the_end_of_the_first(run_in_html: Any) -> None:
    """The first one's event must not say No to the second, and each gets its own answer."""
    answers = run_in_html(
        "components/confirm_dialog.js",
        """const words = { title: "t", body: "b", yes: "y", no: "n" };
        const asker = new m.ConfirmDialog(), answers = [];
        document.body.append(asker);
        const first = asker.ask(words);
        const closed = new Promise((done) => asker.dialog.addEventListener("close", done, { once: true }));
        asker.dialog.close("yes");
        const second = asker.ask(words);
        second.then((yes) => answers.push(yes));
        await closed;
        await null;
        answers.push(await first, "still open");
        asker.dialog.close("yes");
        await second;
        asker.remove();
        return answers;""",
    )
    assert answers == [True, "still open", True]
