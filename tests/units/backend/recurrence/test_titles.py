"""Titles with the time in them."""

from datetime import datetime

import pytest

from backend.recurrence.titles import title, unknown_placeholder
from tests.support.backend.schedule_specs import a_recording

WINTER = datetime(2026, 1, 5, 6, 30)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "morning, 2026-01-05 07:30"),
        ("{camera} on {weekday}", "Front door on Monday"),
        ("{name}: {date} at {time}", "morning: 2026-01-05 at 07:30"),
        ("no placeholder, one } and one {", "no placeholder, one } and one {"),
        ("{camera}" * 40, ("Front door" * 20)),
    ],
)
def test_a_title_tells_the_time_of_its_zone(template: str, said: str) -> None:
    """Date and time are those on the wall where the schedule lives; long ones are cut."""
    assert title(a_recording(title=template, timezone="Europe/Berlin"), "Front door", WINTER) == said


def test_an_unknown_placeholder_is_named() -> None:
    """So that a typing mistake is not found on a year of clips."""
    assert unknown_placeholder("{camera} {timee}") == "timee"
    assert unknown_placeholder("{camera} {") is None
