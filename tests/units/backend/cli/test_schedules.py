"""Schedules on the command line: a few words and the time on the wall."""

import pytest

from backend.cli.schedules import on_the_wall, what


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"kind": "recording", "cron": "30 7 * * *", "length_seconds": 600.0}, "cron 30 7 * * *, for 600 s"),
        (
            {"kind": "recording", "cron": None, "every_seconds": 3600, "length_seconds": 10.0},
            "every 3600 s, for 10 s",
        ),
        ({"kind": "timelapse", "every_seconds": 30, "join": "day"}, "a picture every 30 s, a clip every day"),
        ({"kind": "timelapse", "every_seconds": 5, "join": 900}, "a picture every 5 s, a clip every 900 s"),
    ],
)
def test_a_schedule_is_told_in_a_few_words(schedule: dict[str, object], said: str) -> None:
    """When, and how much."""
    assert what({"every_seconds": None} | schedule) == said


def test_times_are_those_on_the_wall_of_the_zone() -> None:
    """The two half past two of one night are told apart; a zone that is unknown here changes nothing."""
    shown = [on_the_wall(f"2026-10-25T0{hour}:30:00.000000Z", "Europe/Berlin") for hour in (0, 1)]
    assert shown == ["Sun 2026-10-25 02:30 CEST", "Sun 2026-10-25 02:30 CET"]
    assert on_the_wall("2026-10-25T00:30:00.000000Z", "Mars/Olympus") == "2026-10-25T00:30:00.000000Z"
