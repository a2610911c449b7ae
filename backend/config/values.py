"""The kinds of values that sections of the configuration are made of: quantities as people write them.

Not here: the sections themselves (`model` and the files beside it). Pure. No message made
here repeats a value: it might be a password.
"""

import re
from typing import Annotated, Any, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

_UNITS_BYTES = {"": 1, "B": 1} | {
    f"{prefix}{suffix}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for suffix, base in (("iB", 1024), ("B", 1000))
}
_UNITS_S = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", re.ASCII)


def _quantity(value: Any, units: dict[str, Any], example: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"must be a quantity such as {example}")  # noqa: TRY004  pydantic wants ValueError
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        unit = match and {name.lower(): factor for name, factor in units.items()}.get(match[2].lower())
        if match is None or unit is None:
            raise ValueError(f"must be a quantity such as {example}; units: {', '.join(filter(None, units))}")
        return float(match[1]) * unit
    return value


def parse_bytes(value: Any) -> Any:
    """`256MiB`, `1GB` or a plain number of bytes."""
    found = _quantity(value, _UNITS_BYTES, "256MiB")
    return int(found) if isinstance(found, float) and found.is_integer() else found


def parse_seconds(value: Any) -> Any:
    """`5s`, `500ms`, `2m`, `1h`, `30d` or a plain number of seconds."""
    return _quantity(value, _UNITS_S, "5s")


def matching(pattern: str, words: str) -> AfterValidator:
    """Text of this form; `words` say which form that is: `must be …`."""
    form = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(words)
        return value

    return AfterValidator(check)


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Seconds = Annotated[float, BeforeValidator(parse_seconds)]
CameraId = Annotated[str, matching("[a-z0-9-]{1,40}", "must be 1 to 40 of a-z, 0-9 and -")]


class Section(BaseModel):
    """Base of every section: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_left_out(cls, values: Any) -> Any:
        """A section, or a list, all of whose lines are commented out is null to YAML."""
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if value is not None or not cls._holds_keys(key)}

    @classmethod
    def _holds_keys(cls, key: Any) -> bool:
        info = cls.model_fields.get(key)
        kind = info and info.annotation
        return get_origin(kind) is tuple or (isinstance(kind, type) and issubclass(kind, Section))
