"""Quantities in sentences."""

import pytest

from backend.base.text.human_units import readable_bytes, readable_s


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (5 * 1024**4, "5 TiB"),
    ],
)
def test_bytes_are_said_in_the_unit_people_compare(count: int, said: str) -> None:
    """Powers of two, as config.yaml writes them."""
    assert readable_bytes(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 second"),
        (59.6, "1 minute"),
        (90, "1 minute 30 seconds"),
        (3600, "1 hour"),
        (3605, "1 hour"),
        (11_520, "3 hours 12 minutes"),
        (30 * 86400, "30 days"),
        (90_000, "1 day 1 hour"),
    ],
)
def test_spans_are_said_in_their_two_largest_units(seconds: float, said: str) -> None:
    """Nobody waits for three hours, twelve minutes and four seconds; nobody waits for nothing."""
    assert readable_s(seconds) == said
