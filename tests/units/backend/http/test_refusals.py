"""A refusal reads as a page in a browser's tab, and as a problem document everywhere else."""

import base64
import hashlib
import json
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from backend.http.canonical import OWN_PATH
from backend.http.problems import problem_of
from backend.http.refusals import language_for, prefers_page, refusal
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


def _refused(accept: str, refused: Refused, path: str = "/api/clips/1/download", method: str = "GET") -> str:
    answer = _answer(accept, refused, path, method)
    return answer.text or ""


def _answer(
    accept: str, refused: Refused, path: str = "/x", method: str = "GET", language: str = "en"
) -> web.Response:
    request = make_mocked_request(method, path, {"Accept": accept, "Accept-Language": language})
    request[OWN_PATH] = path
    return refusal(request, problem_of(refused))


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (FIREFOX, True),
        (CHROMIUM, True),
        ("text/html", True),
        ("application/json;q=0.5, text/html", True),
        ("*/*", False),
        ("", False),
        ("application/json, text/plain, */*", False),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", False),
        ("video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5", False),
        ("text/event-stream", False),
        (",;,q=1;text/html", False),
    ],
)
def test_a_tab_gets_a_page_and_programs_players_and_pictures_do_not(accept: str, is_page: bool) -> None:
    """As real browsers ask for tabs, images, videos and events."""
    assert prefers_page([accept]) is is_page


def test_the_page_says_what_happened_and_leads_back_to_hindsight() -> None:
    """The status and the headers are those of the problem."""
    answer = _answer(FIREFOX, Refused(Kind.ACCESS_KEY_NEEDED), "/api/clips/1/download")
    assert (answer.status, answer.content_type) == (401, "text/html")
    assert (answer.headers["WWW-Authenticate"], answer.headers["Vary"]) == (
        'Bearer realm="hindsight"',
        "Accept, Accept-Language",
    )
    assert answer.text is not None
    assert "<h1>Sign in first</h1>" in answer.text
    assert '<a href="../../../">Open Hindsight</a>' in answer.text


def test_the_page_runs_no_script_and_its_style_is_the_one_that_is_allowed() -> None:
    """Nothing that a request says can become markup either."""
    answer = _answer(FIREFOX, Refused(Kind.STORE_FAILED, reason="<script>alert(1)</script>"))
    assert answer.text is not None
    assert "<script" not in answer.text
    style = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{allowed}'" in policy
    assert policy.startswith("default-src 'none'")


def test_at_a_foreign_host_the_page_has_no_link() -> None:
    """It would lead to the same refusal."""
    assert "<a " not in _refused(FIREFOX, Refused(Kind.HOST_UNKNOWN), "/")


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("de,en-US;q=0.7,en;q=0.3", "de"),
        ("de-CH", "de"),
        ("fr,de;q=0.8,en;q=0.5", "de"),
        ("de,en", "de"),
        ("en,de", "en"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0", "en"),
        ("de;q=nan", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
    ],
)
def test_the_page_speaks_the_language_that_the_browser_prefers(accept_language: str, language: str) -> None:
    """Of the two that it speaks; the problem document is English."""
    assert language_for([accept_language]) == language
    text = _answer(FIREFOX, Refused(Kind.ROUTE_UNKNOWN), language=accept_language).text or ""
    assert f'<html lang="{language}">' in text
    assert ("Hindsight öffnen" in text) is ("Nothing here" not in text) is (language == "de")
    document = _answer("*/*", Refused(Kind.ROUTE_UNKNOWN), language=accept_language).text or ""
    assert json.loads(document)["title"] == "Not Found"


def test_words_that_are_english_are_marked_as_english() -> None:
    """A page in two languages would be read aloud wrongly."""
    text = _answer(FIREFOX, Refused(Kind.STORE_FAILED, reason="x"), language="de").text or ""
    assert '<html lang="en">' in text
    assert "Open Hindsight" in text


def test_what_changes_something_is_always_answered_in_json() -> None:
    """A form of another page gets no page of ours."""
    assert json.loads(_refused(FIREFOX, Refused(Kind.BODY_MISSING), method="POST"))["status"] == 400
    assert "Vary" not in _answer(FIREFOX, Refused(Kind.BODY_MISSING), method="POST").headers
    assert json.loads(_refused("*/*", Refused(Kind.ROUTE_UNKNOWN)))["code"] == "route_unknown"
