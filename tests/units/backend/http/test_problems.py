"""From errors to problem documents."""

import json

import pytest
from aiohttp import web

from backend.catalogue import errors as catalogue_errors
from backend.catalogue.errors import BadCursor, CatalogueError, IllegalTransition
from backend.catalogue.lifecycle import Status
from backend.http.problems import TABLE, Problem, as_problem, internal_problem, problem_response, suggestion
from recorder.base import errors as recorder_errors
from recorder.base.errors import BufferEmpty, RecorderError, SpanOutsideBuffer


def test_every_error_of_the_recorder_and_the_catalogue_has_its_answer() -> None:
    """Only what a start-up can raise, and the roots of the trees, never reach HTTP."""
    never_over_http = {
        RecorderError,
        recorder_errors.SpanError,
        CatalogueError,
        catalogue_errors.SchemaTooNew,
    }
    for module, root in ((recorder_errors, RecorderError), (catalogue_errors, CatalogueError)):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, root) and kind not in never_over_http:
                assert any(issubclass(kind, row[0]) for row in TABLE), kind


def test_a_row_is_never_hidden_behind_a_more_general_one() -> None:
    """The first match wins."""
    for place, (kind, *_) in enumerate(TABLE):
        assert not any(issubclass(kind, earlier[0]) for earlier in TABLE[:place]), kind


def test_an_answer_holds_the_errors_own_sentence_and_the_cure() -> None:
    """What happened, and what to do."""
    problem = as_problem(SpanOutsideBuffer("The span ended before the buffer begins.", "end"))
    assert problem is not None
    assert (problem.status, problem.field) == (409, "end")
    assert problem.detail.startswith("The span ended before the buffer begins. Ask for one that")
    bare = as_problem(BufferEmpty())
    assert bare is not None
    assert bare.detail.startswith("Nothing is buffered yet. Wait")
    cursor = as_problem(BadCursor("It is damaged."))
    assert cursor is not None
    assert cursor.field == "cursor"
    state = as_problem(IllegalTransition(Status.DRAFT, Status.PENDING))
    assert state is not None
    assert state.status == 409


def test_refusals_of_the_router_become_problems_with_their_headers() -> None:
    """405 names the methods that work."""
    problem = as_problem(web.HTTPMethodNotAllowed("PUT", ["GET", "POST"]))
    assert problem is not None
    assert (problem.status, problem.headers) == (405, {"Allow": "GET,POST"})
    assert problem.detail == "This address takes GET, POST."


def test_what_nobody_foresaw_is_no_problem_of_ours() -> None:
    """The caller logs it and answers with the one that tells nothing."""
    assert as_problem(ZeroDivisionError()) is None
    assert internal_problem().status == 500


def test_the_document_has_its_type_and_no_credentials() -> None:
    """Details quote what libraries say, and libraries quote addresses."""
    answer = problem_response(Problem(502, "Broken", "rtsp://u:canary@cam/ broke", field="camera", limit=3))
    assert answer.content_type == "application/problem+json"
    assert isinstance(answer.body, bytes)
    said = json.loads(answer.body)
    assert said["detail"] == "rtsp://***@cam/ broke"
    assert (said["field"], said["limit"], said["status"]) == ("camera", 3, 502)


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
