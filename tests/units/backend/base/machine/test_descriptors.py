"""The limit of open files."""

import os
import resource
from collections.abc import Callable

import pytest

from backend.base.machine import descriptors

Set = Callable[[int, tuple[int, int]], None]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 20_000), (20_000, 20_000)),
        ((1024, 1024), (1024, 1024)),
        ((1024, 1_048_576), (65_536, 1_048_576)),
        ((1024, resource.RLIM_INFINITY), (65_536, resource.RLIM_INFINITY)),
        ((300_000, 300_000), (300_000, 300_000)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    ],
)
def test_the_soft_limit_is_raised_to_the_hard_one_within_reason_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """A shell gives 1024, and a service manager sometimes a billion."""
    held = [before]
    monkeypatch.setattr(resource, "getrlimit", lambda which: held[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: held.append(limits))
    assert descriptors.raise_limit() == min(after[0] % 2**63, descriptors.MOST)
    assert held[-1] == after
    assert len(held) == (1 if before == after else 2)


def test_what_is_open_is_counted() -> None:
    """Not the look itself."""
    before = descriptors.count_open()
    ends = os.pipe()
    try:
        assert descriptors.count_open() == before + 2
    finally:
        for end in ends:
            os.close(end)
