"""What people read instead of pydantic's words."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from backend.base.text.validation_text import plain_words
from backend.http.problems import refused_by_validation
from backend.problems.kinds import Kind


class _Kind(StrEnum):
    ONE = "one"


class _Inner(BaseModel):
    pass


def _refuse(value: str) -> str:
    raise ValueError("must be something else")


class _Model(BaseModel, strict=True):
    text: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    few: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] = ("a",)
    count: Annotated[int, Field(ge=1, le=5)] = 1
    ratio: Annotated[float, Field(gt=0, lt=9, allow_inf_nan=False)] = 1.0
    on: bool = False
    path: Path = Path()
    kind: _Kind = _Kind.ONE
    word: Literal["a", "b"] = "a"
    inner: _Inner = _Inner()
    own: Annotated[str, AfterValidator(_refuse)] = ""
    either: Literal["hour", "day"] | int = "hour"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": 5}, "must be text."),
        ({"text": ""}, "must not be empty."),
        ({"text": "long"}, "must have at most 3 characters."),
        ({"few": "a"}, "must be a list."),
        ({"few": ()}, "must not be empty."),
        ({"few": ("a", "b", "c")}, "must have at most 2 entries."),
        ({"count": "x"}, "must be a whole number."),
        ({"count": 0}, "must be at least 1."),
        ({"count": 6}, "must be at most 5."),
        ({"ratio": "1"}, "must be a number."),
        ({"ratio": 0}, "must be more than 0."),
        ({"ratio": 9}, "must be less than 9."),
        ({"ratio": float("nan")}, "must be a finite number."),
        ({"on": 2}, "must be true or false."),
        ({"word": "c"}, "must be 'a' or 'b'."),
        ({"inner": 3}, "must hold keys and values."),
        ({"own": "x"}, "must be something else."),
    ],
)
def test_a_wrong_value_is_met_with_what_it_must_be(values: dict[str, Any], said: str) -> None:
    """No tuples, no parsing, no class paths, and the value itself nowhere."""
    with pytest.raises(ValidationError) as refused:
        _Model.model_validate(values)
    assert plain_words(dict(refused.value.errors(include_url=False, include_input=False)[0])) == said


def test_a_value_of_no_kind_is_one_finding_of_its_field() -> None:
    """pydantic tells for each kind in turn, under a name of its own, why it is not that."""
    with pytest.raises(ValidationError) as refused:
        _Model.model_validate({"either": "week"})
    told = refused_by_validation(refused.value, Kind.BODY_NOT_VALID, source="body", known=["either"])
    assert told.field == "either"
    assert told.detail == "either: must be 'hour' or 'day', or must be a whole number."
