"""What may be asked of a schedule, and the words of each refusal."""

from typing import Any

import pytest

from backend.problems.refused import Refused
from backend.recurrence.requests import check
from tests.support.backend.schedule_specs import a_recording, a_timelapse


@pytest.mark.parametrize(
    "spec",
    [
        a_recording(),
        a_recording(cron=None, every_s=3600, length_s=10.0),
        a_recording(cron="0 * * * *", length_s=3600.0),
        a_recording(cron="0 0 29 2 *", timezone="Asia/Kathmandu", title="{weekday} {time}"),
        a_timelapse(),
        a_timelapse(join="day", every_s=5),
        a_timelapse(join="5", every_s=1, fps=60),
    ],
)
def test_what_can_be_done_is_taken(spec: Any) -> None:
    """Every day, every hour touching the next, leap days, the shortest and the longest timelapse."""
    check(spec)


@pytest.mark.parametrize(
    ("spec", "field", "said"),
    [
        (a_recording(timezone="Berlin"), "timezone", "not in the time zone database; such as Europe/Berlin"),
        (a_recording(title="{when}"), "title", "known here: {name}, {camera}, {date}, {time}, {weekday}"),
        (a_recording(cron="7:30"), "cron", "needs five fields"),
        (a_recording(cron=None), "cron", "is required, or every"),
        (a_recording(every_s=60), "cron", "and every cannot both be given"),
        (a_recording(cron=None, every_s=4), "every", "must be between 5 and"),
        (a_recording(length_s=None), "length", "is required"),
        (a_recording(length_s=0.5), "length", "must be between 1 and 21600 seconds"),
        (a_recording(length_s=30_000.0), "length", "times that touch record for longer"),
        (a_recording(cron="*/5 * * * *"), "length", "longer than the 300 seconds from one time to the next"),
        (a_recording(cron="0,1 7 * * *"), "length", "longer than the 60 seconds"),
        (a_recording(cron=None, every_s=10, length_s=11.0), "length", "longer than the 10 seconds"),
        (a_recording(join="hour"), "join", "is for a timelapse"),
        (a_recording(fps=25), "fps", "is for a timelapse"),
        (a_timelapse(cron="0 * * * *"), "cron", "is for a recording"),
        (a_timelapse(length_s=10.0), "length", "is for a recording"),
        (a_timelapse(every_s=None), "every", "is required"),
        (a_timelapse(every_s=1801), "every", "between 1 and 1800 seconds"),
        (a_timelapse(every_s=4, join="day"), "every", "at least 5 seconds: a clip has at most 20000"),
        (a_timelapse(join=None), "join", "is required: hour, day or"),
        (a_timelapse(join="4"), "join", "must be hour, day or between 5 and"),
        (a_timelapse(fps=0), "fps", "between 1 and 60"),
    ],
)
def test_a_refusal_names_the_field_and_the_cure(spec: Any, field: str, said: str) -> None:
    """One mistake at a time, in a sentence that goes on from the field's name."""
    with pytest.raises(Refused) as refused:
        check(spec)
    assert refused.value.field == field
    assert said in refused.value.detail
