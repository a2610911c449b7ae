"""Nothing that was promised is lost, whenever the process dies."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import ROOT, Daemon
from tests.support.kills import FPS, FRAME, PROMISED_LOSS, Campaign, Promise, rows_of
from tests.support.recorder_rig import counters_of

KILLS_PER_DAEMON, STOPS = 4, 2
"""In the default run; the whole campaign has more."""
WHOLE_KILLS_PER_DAEMON, WHOLE_STOPS = 26, 6
SEED_VARIABLE = "NOTHING_LOST_SEED"


@pytest.mark.timeout(300)
@pytest.mark.real_time("at most the last second of the wall clock is lost; recording keeps pace with it")
@pytest.mark.slow("two daemons start, record and die, again and again")
def test_every_201_survives_kills_at_random_moments(tmp_path: Path, is_whole: bool) -> None:
    """Two daemons are killed while they record, 52 times in the whole campaign; every clip that was promised
    is whole."""
    kills = WHOLE_KILLS_PER_DAEMON if is_whole else KILLS_PER_DAEMON
    seed = os.environ.get(SEED_VARIABLE) or str(time.time_ns())
    print(f"{SEED_VARIABLE}={seed}")
    campaigns = [Campaign(tmp_path / name, f"{seed} {name}") for name in ("first", "second")]
    with ThreadPoolExecutor(len(campaigns)) as threads:
        runs = [threads.submit(campaign.run, kills) for campaign in campaigns]
    for run in runs:
        run.result()
    for campaign in campaigns:
        check(campaign)


@pytest.mark.timeout(120)
@pytest.mark.slow("a daemon starts, records and stops, again and again")
def test_a_stop_at_a_random_moment_costs_no_more_than_a_kill(tmp_path: Path, is_whole: bool) -> None:
    """SIGTERM while recordings, POSTs and finishing are under way: it ends with 0 and keeps every promise."""
    seed = os.environ.get(SEED_VARIABLE) or str(time.time_ns())
    print(f"{SEED_VARIABLE}={seed}")
    campaign = Campaign(tmp_path / "stopped", seed, signal.SIGTERM)
    campaign.run(WHOLE_STOPS if is_whole else STOPS)
    check(campaign)


def check(campaign: Campaign) -> None:
    """Catalogue and disk agree, every promise is kept, and what was committed without a 201 is whole."""
    print(_told(campaign))
    assert fsck(campaign.daemon) == []
    rows = finished_rows(campaign.daemon)
    for promise in campaign.tally.promises:
        check_kept(promise, rows[promise.clip["id"]], campaign.daemon.data_dir)
    for clip_id in rows.keys() - {promise.clip["id"] for promise in campaign.tally.promises}:
        counters = counters_of(campaign.daemon.data_dir / "clips" / clip_id / "clip.mp4")
        check_row(rows[clip_id], counters)


def check_kept(promise: Promise, row: dict[str, Any], data_dir: Path) -> None:
    """The clip begins with the frame that the 201 told and lacks at most the last second before the kill."""
    counters = counters_of(data_dir / "clips" / row["id"] / "clip.mp4")
    check_row(row, counters)
    told, start, end = promise.clip, time_of(row, "start_time"), time_of(row, "end_time")
    pressed = time_of(told, "pressed_at")
    asked = max(promise.oldest, pressed - told_before(told))
    assert start == time_of(told, "start_time")
    assert asked <= start < asked + FRAME
    assert counters[0] == round((start - promise.oldest) / FRAME)
    must_reach = promise.newest - PROMISED_LOSS
    if promise.stopped_at is not None:
        must_reach = min(must_reach, promise.stopped_at - PROMISED_LOSS)
    if told["planned_end"] is not None:
        planned = time_of(told, "planned_end")
        must_reach = min(must_reach, planned)
        assert end < planned + FRAME
    assert end >= must_reach, f"{must_reach - end} too short: {row}"


def check_row(row: dict[str, Any], counters: list[int]) -> None:
    """What the row says is what the file shows, without a hole."""
    assert counters == list(range(counters[0], counters[0] + row["frame_count"])), row
    assert row["gaps"] == []
    length = time_of(row, "end_time") - time_of(row, "start_time")
    assert abs(length.total_seconds() - row["frame_count"] / FPS) < 0.002
    assert abs(row["duration_seconds"] - row["frame_count"] / FPS) < 0.002


def told_before(clip: dict[str, Any]) -> timedelta:
    return timedelta(seconds=clip["requested"]["before_seconds"])


def time_of(clip: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(clip[name])


def finished_rows(daemon: Daemon) -> dict[str, dict[str, Any]]:
    """Every clip, asked of a daemon that is started for it."""
    with daemon:
        return rows_of(daemon)


def fsck(daemon: Daemon) -> list[str]:
    """What `hindsight fsck --level hash` finds."""
    command = [sys.executable, "-m", "backend", "fsck", "--config", str(daemon.config_path)]
    ended = subprocess.run(
        [*command, "--level", "hash", "--json"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    report = json.loads(ended.stdout)
    assert (ended.returncode == 0) == report["ok"]
    return [finding["sentence"] for finding in report["findings"]]


def _told(campaign: Campaign) -> str:
    tally = campaign.tally
    return (
        f"ended {tally.kills} times, killed {tally.kills_at_start} more at start-up: "
        f"{len(tally.promises)} promises, {tally.drafts_at_once} of them drafts at once; "
        f"{tally.cut} requests cut, of which {tally.answered_late} had been committed; "
        f"refused: {sorted(set(tally.refused))}"
    )
