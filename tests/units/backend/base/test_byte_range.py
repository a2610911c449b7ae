"""Which bytes a request gets, for every form of Range and of its conditions."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.base.byte_range import Slice, Stored, choose_slice, is_single_range, suffix_bytes

CLIP = Stored(size=1000, etag='"abc"', modified=datetime(2025, 10, 26, 8, 0, 0, 250_000))
DATE = "Sun, 26 Oct 2025 08:00:00 GMT"


def ask(**headers: str) -> Slice:
    return choose_slice({name.replace("_", "-"): value for name, value in headers.items()}, CLIP)


@pytest.mark.parametrize(
    ("asked", "first", "length"),
    [
        ("bytes=0-", 0, 1000),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 10),
        ("bytes=990-5000", 990, 10),
        ("bytes=-10", 990, 10),
        ("bytes=-5000", 0, 1000),
        ("BYTES = 5 - 9", 5, 5),
        ("bytes=999-" + "9" * 400, 999, 1),
    ],
)
def test_one_range_is_answered_with_just_its_bytes(asked: str, first: int, length: int) -> None:
    """206, and Content-Range tells the bytes that follow."""
    answer = ask(Range=asked)
    assert (answer.status, answer.first, answer.length) == (206, first, length)
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + length - 1}/1000"


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=" + "9" * 400 + "-"])
def test_a_range_past_the_end_is_refused_with_the_size(asked: str) -> None:
    """416 tells how long the file is, so that the client can ask again."""
    answer = ask(Range=asked)
    assert (answer.status, answer.length) == (416, 0)
    assert answer.headers["Content-Range"] == "bytes */1000"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-9", "bytes=9-5", "bytes=-", "bytes=a-b", "items=0-1", "", "bytes=\u0663-"]
)
def test_several_ranges_or_nonsense_get_the_whole_file(asked: str) -> None:
    """RFC 9110 lets a server ignore Range; the client sees 200 and takes everything."""
    answer = ask(Range=asked)
    assert (answer.status, answer.first, answer.length) == (200, 0, 1000)
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"abc"', 206), ('"other"', 200), ('W/"abc"', 200), (DATE, 206), ("Sun, 26 Oct 2025 08:00:01 GMT", 200)],
)
def test_if_range_gives_the_part_only_of_the_same_file(condition: str, status: int) -> None:
    """A player that resumes after the file changed must not glue two files together."""
    assert ask(Range="bytes=5-9", If_Range=condition).status == status


@pytest.mark.parametrize(
    "known",
    [
        {"If_None_Match": '"abc"'},
        {"If_None_Match": '"x", W/"abc"'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": DATE},
    ],
)
def test_what_the_client_already_has_is_not_sent_again(known: dict[str, str]) -> None:
    """304 also when a range was asked: the condition is judged first."""
    answer = ask(Range="bytes=5-9", **known)
    assert (answer.status, answer.length, answer.headers["ETag"]) == (304, 0, '"abc"')


def test_another_etag_beats_the_date() -> None:
    """If-None-Match decides alone where both are given."""
    assert ask(If_None_Match='"x"', If_Modified_Since=DATE).status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If_Match": '"abc"'}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": 'W/"abc"'}, 412),
        ({"If_Match": '"x"'}, 412),
        ({"If_Unmodified_Since": DATE}, 200),
        ({"If_Unmodified_Since": "Sun, 26 Oct 2025 07:00:00 GMT"}, 412),
        ({"If_Unmodified_Since": "yesterday"}, 200),
    ],
)
def test_a_precondition_that_fails_sends_nothing(condition: dict[str, str], status: int) -> None:
    """412 where the client insists on a file that this is not."""
    assert ask(**condition).status == status


@given(asked=st.text(max_size=40) | st.from_regex(r"bytes=\d{0,5}-\d{0,5}", fullmatch=True))
def test_whatever_is_asked_the_bytes_lie_inside_the_file(asked: str) -> None:
    """No header makes the server read outside the file or fail."""
    answer = ask(Range=asked)
    assert answer.status in {200, 206, 416}
    assert 0 <= answer.first <= answer.first + answer.length <= CLIP.size


def test_an_empty_file_has_no_range() -> None:
    """Every range of nothing is unsatisfiable; without one the empty file is the answer."""
    nothing = Stored(0, '"e"', CLIP.modified)
    assert choose_slice({"Range": "bytes=0-"}, nothing).status == 416
    assert choose_slice({}, nothing) == Slice(200, 0, 0, choose_slice({}, nothing).headers)


@pytest.mark.parametrize(
    ("asked", "is_single", "suffix"),
    [
        ("bytes=0-", True, None),
        (" bytes=5-9 ", True, None),
        ("bytes=-10", True, 10),
        ("bytes=9-5", False, None),
        ("bytes=-", False, None),
        ("bytes=0-1,5-9", False, None),
        ("items=0-1", False, None),
    ],
)
def test_a_single_range_can_be_passed_on_to_a_store(asked: str, is_single: bool, suffix: int | None) -> None:
    """Every other header gets the whole file; "the last N bytes" are told apart, as stores refuse large N."""
    assert is_single_range(asked) is is_single
    assert suffix_bytes(asked) == suffix


@given(st.text(max_size=20) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True))
def test_what_is_no_single_range_never_gets_a_part(asked: str) -> None:
    """The two answers to one header agree, whichever of disk and store gives the bytes."""
    answer = ask(Range=asked)
    assert is_single_range(asked) is (answer.status in {206, 416})
