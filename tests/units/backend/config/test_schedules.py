"""The section `schedules`: read as people write it, refused by line."""

from pathlib import Path

import pytest

from backend.catalogue.schedule_values import ScheduleKind
from backend.config.load import ConfigError, load
from backend.config.model import Config

ROOT = Path(__file__).resolve().parents[4]
CAMERAS = "cameras: [{id: front, source: synthetic}]\n"


def _load(tmp_path: Path, text: str) -> Config:
    (tmp_path / "config.yaml").write_text(CAMERAS + text)
    return load(None, {}, tmp_path)


def test_the_example_of_the_shipped_file_is_accepted(tmp_path: Path) -> None:
    """Without its comment signs it makes three schedules."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    start = lines.index("# schedules:")
    example = [line.removeprefix("# ") for line in lines[start : lines.index("", start)]]
    config = _load(tmp_path, "timezone: America/New_York\n" + "\n".join(example))
    morning, hourly, site = (schedule.spec("front", config.timezone) for schedule in config.schedules)
    assert (morning.cron, morning.length_s, morning.timezone) == ("30 7 * * mon-fri", 600.0, "Europe/Berlin")
    assert (hourly.every_s, hourly.length_s, hourly.timezone) == (3600, 10.0, "America/New_York")
    assert (site.kind, site.every_s, site.join, site.fps) == (ScheduleKind.TIMELAPSE, 30, "day", 25)
    assert site.camera == "front"


def test_a_period_may_be_a_duration(tmp_path: Path) -> None:
    """`15m` is 900 seconds; null is no list."""
    (lapse,) = _load(tmp_path, "schedules: [{name: a, kind: timelapse, every: 5s, join: 15m}]").schedules
    assert lapse.spec("front", "UTC").join == "900"
    assert _load(tmp_path, "schedules: null").schedules == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schedules: [{cron: 0 7 * * *, length: 5s}]", r"schedules\[0\]\.name: is required"),
        ("schedules: [{name: a, cron: 0 7 * * *}]", r"schedules\[0\]: length is required"),
        (
            "schedules: [{name: a, cron: 0 25 * * *, length: 5s}]",
            r"schedules\[0\]: cron is outside 0 to 23 in its hour",
        ),
        ("schedules: [{name: a, every: 90.5, length: 5s}]", r"schedules\[0\]: every must be whole seconds"),
        (
            "schedules: [{name: a, every: 1h, length: 5s, camera: back}]",
            "number 1 names a camera that is not",
        ),
        (
            "schedules: [{name: a, every: 1h, length: 5s}, {name: a, every: 2h, length: 5s}]",
            "two schedules have the same name",
        ),
        ("schedules: [{name: a, everi: 1h, length: 5s}]", r"everi: unknown key. Did you mean '.*every'"),
        ("timezone: Berlin", "timezone: is not in the time zone database"),
    ],
)
def test_a_mistake_is_told_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Where it stands, and what to write."""
    with pytest.raises(ConfigError, match=said) as refused:
        _load(tmp_path, text)
    assert "config.yaml:2" in str(refused.value)
