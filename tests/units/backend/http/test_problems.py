"""From errors to problem documents."""

import json

import pytest
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from backend.catalogue.errors import BadCursor, IllegalTransition
from backend.catalogue.lifecycle import Status
from backend.http.problems import (
    STATUSES,
    as_problem,
    internal_problem,
    problem_of,
    problem_response,
    refused_by_validation,
    suggestion,
)
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder.base.errors import BufferEmpty, Busy, SpanOutsideBuffer


def test_every_kind_of_refusal_has_one_status() -> None:
    """But what aiohttp itself refuses, which brings its own."""
    assert set(Kind) - STATUSES.keys() == {Kind.REQUEST_REFUSED}
    assert all(400 <= status < 600 for status in STATUSES.values())


def test_an_answer_holds_the_errors_own_sentence_and_the_cure() -> None:
    """What happened, and what to do."""
    problem = as_problem(SpanOutsideBuffer("The span ended before the buffer begins.", "end"))
    assert problem is not None
    assert (problem.status, problem.refused.field) == (409, "end")
    assert problem.refused.detail.startswith("The span ended before the buffer begins. Ask for one that")
    bare = as_problem(BufferEmpty())
    assert bare is not None
    assert bare.refused.detail.startswith("Nothing is buffered yet. Wait")
    cursor = as_problem(BadCursor("It is damaged."))
    assert cursor is not None
    assert cursor.refused.field == "cursor"
    state = as_problem(IllegalTransition(Status.DRAFT, Status.PENDING))
    assert state is not None
    assert state.status == 409


def test_a_refusal_says_over_http_when_to_try_again_and_how_to_prove_oneself() -> None:
    """Retry-After, and the challenge that every 401 must have."""
    busy = as_problem(Busy("Two replays are being cut."))
    assert busy is not None
    assert (busy.status, busy.headers) == (503, {"Retry-After": "2"})
    key = problem_of(Refused(Kind.ACCESS_KEY_WRONG))
    assert (key.status, key.headers) == (401, {"WWW-Authenticate": 'Bearer realm="hindsight"'})


def test_refusals_of_the_router_become_problems_with_their_headers() -> None:
    """405 names the methods that work."""
    problem = as_problem(web.HTTPMethodNotAllowed("PUT", ["GET", "POST"]))
    assert problem is not None
    assert (problem.status, problem.headers) == (405, {"Allow": "GET,POST"})
    assert problem.refused.detail == "This address takes GET, POST."


def test_any_other_refusal_of_aiohttp_keeps_its_status() -> None:
    """One that we have no words of our own for."""
    problem = as_problem(web.HTTPExpectationFailed())
    assert problem is not None
    assert (problem.status, problem.refused.title) == (417, "Expectation Failed")
    too_large = as_problem(web.HTTPRequestEntityTooLarge(1, 2))
    assert too_large is not None
    assert (too_large.status, too_large.refused.kind) == (413, Kind.BODY_REFUSED)


def test_what_nobody_foresaw_is_no_problem_of_ours() -> None:
    """The caller logs it and answers with the one that tells nothing."""
    assert as_problem(ZeroDivisionError()) is None
    assert internal_problem().status == 500


def test_the_document_has_its_type_its_code_and_no_credentials() -> None:
    """Details quote what libraries say, and libraries quote addresses."""
    refused = Refused(
        Kind.STORE_FAILED, field="camera", members={"limit": 3}, reason="rtsp://u:canary@cam/ broke"
    )
    answer = problem_response(problem_of(refused))
    assert answer.content_type == "application/problem+json"
    assert isinstance(answer.body, bytes)
    said = json.loads(answer.body)
    assert said["detail"] == "rtsp://***@cam/ broke"
    assert (said["field"], said["limit"], said["status"]) == ("camera", 3, 502)
    assert (said["code"], said["params"]) == ("store_failed", {"reason": "rtsp://***@cam/ broke"})


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = 1


def test_every_finding_has_a_code_and_what_its_sentence_names() -> None:
    """A page says them in its own language."""
    with pytest.raises(ValidationError) as wrong:
        _Body.model_validate({"limit": "many", "limits": 2})
    refused = refused_by_validation(wrong.value, Kind.BODY_NOT_VALID, source="body", known=["limit"])
    found = refused.document(422)
    assert (found["code"], found["field"]) == ("body_not_valid", "limit")
    assert [(one["field"], one["code"]) for one in found["errors"]] == [
        ("limit", "int_parsing"),
        ("limits", "extra_forbidden"),
    ]
    assert "many" not in json.dumps(found)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("titl", " Did you mean 'title'?"),
        ("zzz", " Known here: caption, title."),
        ("x.titl", " Did you mean 'title'?"),
    ],
)
def test_a_misspelling_is_met_with_what_exists(wrong: str, said: str) -> None:
    """The cure is in the answer."""
    assert suggestion(wrong, ["title", "caption"]) == said
