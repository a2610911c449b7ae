"""The kinds of values that sections of the configuration are made of: quantities as people write them.

Not here: the sections themselves (`config` and the `config_*` files beside it). Pure. No message made
here repeats a value: it might be a password.
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Seconds = Annotated[float, BeforeValidator(parse_seconds)]
CameraId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]


class Section(BaseModel):
    """Base of every section: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
