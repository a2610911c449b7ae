"""Times and base classes on the JSON border.

Inside, every time is a timezone-naive UTC datetime. Outside it is RFC 3339 with `Z` and
microseconds, except in the two given status endpoints, which print it naive as they always did.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic import WithJsonSchema as Schema

from backend.base.times import rfc3339

_LOOKS_LIKE_A_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}", re.ASCII)


def naive(label: datetime) -> str:
    """A naive UTC label as the given status endpoints print it."""
    return label.isoformat(timespec="microseconds")


def parse_label(text: str) -> datetime:
    """An RFC 3339 time, aware or naive (then UTC), as a naive UTC label. Raises ValueError."""
    return _strip(datetime.fromisoformat(str(_only_text(text))))


def _only_text(value: Any) -> Any:
    # pydantic would take numbers for Unix seconds or milliseconds by their size, and a bare date
    # for midnight: guesses that cut the wrong minute.
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _LOOKS_LIKE_A_TIME.match(value):
        raise ValueError("must be a time such as 2025-10-26T08:00:00.000000Z")
    return value


def _strip(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None


Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    Schema({"type": "string", "format": "date-time", "examples": ["2025-10-26T08:00:00.000000Z"]}),
]
"""A label in a response."""

NaiveTime = Annotated[
    datetime,
    PlainSerializer(naive, return_type=str),
    Schema({"type": "string", "examples": ["2025-10-26T08:00:00.000000"]}),
]
"""A label in the responses of the two given status endpoints: UTC, without saying so."""

RequestTime = Annotated[
    datetime,
    BeforeValidator(_only_text),
    AfterValidator(_strip),
    Schema(
        {
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339; without an offset it is taken as UTC.",
        }
    ),
]
"""A time in a request, aware or naive, as a naive UTC label."""

JsonSeconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A duration in a request, as a JSON number: a string, a boolean, NaN and Infinity are refused."""


class RequestModel(BaseModel):
    """A request body or query. Unknown names are refused, so that a typo does not go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ResponseModel(BaseModel):
    """A JSON response."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)
