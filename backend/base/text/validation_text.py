"""What pydantic found wrong, in words for people; its own speak of tuples, parsing and class paths.

For requests (`http.problems`) and the configuration (`config.load`) alike. Pure. Never repeats a value: it
might be a password.
"""

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be a path",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values",
    "model_attributes_type": "must hold keys and values",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}


def plain_words(error: Mapping[str, Any]) -> str:
    """What a value must be, for one of `ValidationError.errors()`: a sentence, ended, without its field."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"too_short", "string_too_short"} and context["min_length"] == 1:
        return "must not be empty."
    if kind in _WORDS:
        return f"{_WORDS[kind].format(**context)}."
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").strip()
    return text if text.endswith(".") else f"{text}."
