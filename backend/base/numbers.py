"""Counters as numbers with names, for /metrics. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any


def counted(subject: str, counters: Any) -> Mapping[str, float]:
    """The fields of a dataclass of counters, as `<subject>_<field>_total`."""
    return {f"{subject}_{name}_total": number for name, number in asdict(counters).items()}
