"""How much of the code the tests must reach, and where a run falls short of it.

The modules that decide (`PURE`) are covered by the units lane alone, every line and branch: what needs a
camera to be reached is not a decision. Everything else is covered by the whole run, daemons and workers
included.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage

ROOT = Path(__file__).resolve().parents[1]
FLOOR_PERCENT = 90.0
"""Of everything that is not pure, together."""
FILE_FLOOR_PERCENT = 75.0
"""Of any single file: one that nobody tests must not hide behind the others."""
PURE = (
    "recorder/base/media_time.py",
    "recorder/capture/timeline.py",
    "recorder/capture/decode_order.py",
    "recorder/buffer/ring_buffer.py",
    "recorder/buffer/shelf.py",
    "recorder/buffer/sound_ring.py",
    "recorder/recording/clip_session.py",
    "recorder/recording/part_file.py",
    "recorder/mp4/span_cut.py",
    "recorder/mp4/sound_cut.py",
    "recorder/mp4/clean_plan.py",
    "recorder/mp4/sample_table.py",
    "recorder/mp4/edit_list.py",
    "recorder/mp4/ticks.py",
    "recorder/stills/frame_choice.py",
    "recorder/capture/stream_condition.py",
    "backend/base/byte_range.py",
    "backend/catalogue/lifecycle.py",
    "backend/retention/plan.py",
    "backend/recurrence/cron.py",
    "backend/recurrence/due.py",
    "backend/recurrence/rules.py",
    "backend/recurrence/titles.py",
    "backend/recurrence/requests.py",
)


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """Lines and branches of one file."""

    name: str
    reached: int
    all: int
    missing: str
    """Line numbers, and branches as `from->to`."""

    @property
    def percent(self) -> float:
        return 100.0 * self.reached / self.all if self.all else 100.0

    def __str__(self) -> str:
        return f"{self.percent:6.1f} %  {self.name}  not reached: {self.missing or 'nothing'}"


def measure(data_files: Iterable[Path], scratch: Path) -> list[FileCoverage]:
    """Join the data of all processes; the least covered file first.

    `scratch` is a folder for the joined data.
    """
    joined = coverage.Coverage(data_file=str(scratch / "joined"), config_file=str(ROOT / "setup.cfg"))
    joined.combine([str(path) for path in data_files], keep=True)
    joined.save()
    told = scratch / "reached.json"
    joined.json_report(outfile=str(told))
    files = [_file(name, found) for name, found in json.loads(told.read_text("utf-8"))["files"].items()]
    return sorted(files, key=lambda each: (each.percent, each.name))


def shortfalls(units: Iterable[FileCoverage], whole: Iterable[FileCoverage]) -> list[str]:
    """A line for each floor that was missed; none if all held."""
    by_name = {each.name: each for each in units}
    lines = [
        f"the units lane alone must reach all of it: {by_name.get(name, name)}"
        for name in PURE
        if name not in by_name or by_name[name].reached < by_name[name].all
    ]
    others = [each for each in whole if each.name not in PURE]
    lines += [
        f"below {FILE_FLOOR_PERCENT:.0f} %: {each}" for each in others if each.percent < FILE_FLOOR_PERCENT
    ]
    percent = percent_of(others)
    if percent < FLOOR_PERCENT:
        lines.append(f"all that is not pure: {percent:.1f} %, and the floor is {FLOOR_PERCENT:.0f} %")
    return lines


def percent_of(files: Iterable[FileCoverage]) -> float:
    """Of the lines and branches of all `files` together."""
    files = list(files)
    everything = sum(each.all for each in files)
    return 100.0 * sum(each.reached for each in files) / everything if everything else 100.0


def _file(name: str, found: dict[str, Any]) -> FileCoverage:
    summary = found["summary"]
    lines = [str(number) for number in found["missing_lines"]]
    lines += [
        f"{start}->{end}" for start, end in found["missing_branches"] if start not in found["missing_lines"]
    ]
    return FileCoverage(
        Path(name).as_posix(),
        summary["covered_lines"] + summary["covered_branches"],
        summary["num_statements"] + summary["num_branches"],
        " ".join(lines[:20]) + (" …" if len(lines) > 20 else ""),
    )
