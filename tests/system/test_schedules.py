"""What happens on time, through the real daemon: schedules, timelapses, a reload, and kills in between."""

import io
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from recorder.sources.test_picture.test_card import read_counter
from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("schedules of several seconds run by the real clock")

FPS = 30


def counters(video: bytes) -> list[int | None]:
    with av.open(io.BytesIO(video), "r") as container:
        return [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def runs(daemon: Daemon, schedule_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = daemon.get(f"/api/schedules/{schedule_id}/runs").json()["runs"]
    return found


def wait_for_run(daemon: Daemon, schedule_id: str, state: str, since: str = "") -> dict[str, Any]:
    """The oldest run with that state that was due later than `since`."""

    def found() -> dict[str, Any] | None:
        known = (run for run in reversed(runs(daemon, schedule_id)) if run["due_at"] > since)
        return next((run for run in known if run["state"] == state), None)

    return daemon.wait(found, 40, f"a run {state}")


@pytest.mark.timeout(300)  # many waits, each with a deadline for a busy machine
def test_a_schedule_becomes_clips_and_survives_a_kill_in_their_middle(tmp_path: Path) -> None:
    """From config.yaml: what was broken off goes on after the restart, in the same run, once."""
    entries = [
        {"name": "always", "every": "6h", "length": "6h", "title": "{camera} {date}"},
        {"name": "often", "every": "5s", "length": "2s"},
    ]
    with Daemon(tmp_path, schedules=entries, timezone="Europe/Berlin") as daemon:
        daemon.wait_for_buffer(1.0)
        always, often = daemon.get("/api/schedules").json()["schedules"]
        assert (always["origin"], always["camera"], always["timezone"]) == (
            "config",
            "front",
            "Europe/Berlin",
        )
        assert daemon.request("PATCH", f"/api/schedules/{always['id']}", {"enabled": False}).status == 409
        running = wait_for_run(daemon, always["id"], "running")
        since = daemon.get("/video/buffer/status").json()["oldest_frame_utc"]
        whole = wait_for_run(daemon, often["id"], "done", since)
        daemon.kill()
        daemon.start()

        def resumed() -> dict[str, Any] | None:
            (run,) = runs(daemon, always["id"])
            return run if run["reason"] == "It was broken off and resumed." else None

        again = daemon.wait(resumed, 40, "the run to be resumed")
        assert (again["id"], again["due_at"]) == (running["id"], running["due_at"])
        assert daemon.post(f"/api/clips/{again['clips'][1]}/stop").status == 200
        wait_for_run(daemon, always["id"], "done")
        first, second = (daemon.wait_for_clip(clip_id) for clip_id in again["clips"])
        assert (first["continued_by"], second["continued_from"]) == (second["id"], first["id"])
        assert first["end_time"] <= second["start_time"] < second["end_time"] < again["ends_at"]
        assert first["title"].startswith("Front door 20")
        clip = daemon.wait_for_clip(whole["clips"][-1])
        assert clip["duration_seconds"] == pytest.approx(2.0, abs=2 / FPS)
        assert clip["start_time"] >= whole["due_at"]
        due = [run["due_at"] for run in runs(daemon, often["id"])]
        assert len(due) == len(set(due))
        assert "hindsight_schedules_resumed_total" in daemon.get("/metrics").body.decode()


def test_a_reload_takes_the_schedules_of_the_configuration(tmp_path: Path) -> None:
    """SIGHUP: a new one begins, a changed one changes, one that is gone is gone."""
    camera = {"id": "front", "source": "synthetic?size=320x180"}
    old = {"name": "old", "every": "6h", "length": "1s"}
    with Daemon(tmp_path, [camera], schedules=[old]) as daemon:
        (before,) = daemon.get("/api/schedules").json()["schedules"]
        new = {"name": "new", "kind": "timelapse", "every": "10s", "join": "hour"}
        daemon.configure([camera], schedules=[old | {"length": "2s"}, new])
        daemon.hang_up()

        def listed(names: set[str]) -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = daemon.get("/api/schedules").json()["schedules"]
            return found if {schedule["name"] for schedule in found} == names else None

        kept, _ = daemon.wait(lambda: listed({"old", "new"}), 20, "the new schedule")
        assert (kept["id"], kept["length_seconds"]) == (before["id"], 2.0)
        daemon.configure([camera], schedules=[])
        daemon.hang_up()
        daemon.wait(lambda: listed(set()) is not None, 20, "no schedule")


@pytest.mark.timeout(300)  # many waits, each with a deadline for a busy machine
def test_a_timelapse_is_a_clip_of_its_pictures(tmp_path: Path) -> None:
    """A picture a second, a clip every six, the counter a second on each time; also after a kill."""
    with Daemon(tmp_path) as daemon:
        daemon.wait_for_buffer(1.0)
        asked = {"kind": "timelapse", "name": "street", "every_seconds": 1, "join": 6, "fps": 10}
        schedule = daemon.post("/api/schedules", asked).json()
        daemon.wait(lambda: len(runs(daemon, schedule["id"])) >= 2, 40, "a whole period to begin")
        whole = runs(daemon, schedule["id"])[0]

        def over() -> dict[str, Any] | None:
            run = next(run for run in runs(daemon, schedule["id"]) if run["id"] == whole["id"])
            return run if run["state"] == "done" else None

        done = daemon.wait(over, 60, "its clip")
        assert (done["pictures"], done["reason"]) == (6, None)
        clip = daemon.clip(done["clips"][0])
        assert (clip["status"], clip["tags"], clip["frame_count"]) == ("draft", ["timelapse"], 6)
        assert clip["end_time"] == done["ends_at"]
        begun, due_at = (datetime.fromisoformat(text) for text in (clip["start_time"], done["due_at"]))
        assert timedelta() <= due_at - begun < timedelta(seconds=1.5 / FPS)
        assert clip["duration_seconds"] == pytest.approx(0.6)
        with av.open(io.BytesIO(daemon.get(clip["playback_url"]).body)) as container:
            assert container.streams.video[0].codec_context.name == "h264"
        seen = counters(daemon.get(clip["playback_url"]).body)
        numbers = [number for number in seen if number is not None]
        assert len(numbers) == 6
        steps = {later - earlier for earlier, later in pairwise(numbers)}
        assert steps <= {FPS - 1, FPS, FPS + 1}
        under_way = wait_for_run(daemon, schedule["id"], "running", done["due_at"])
        daemon.kill()
        daemon.start()

        def joined() -> dict[str, Any] | None:
            (run,) = [run for run in runs(daemon, schedule["id"]) if run["due_at"] == under_way["due_at"]]
            return run if run["state"] == "done" else None

        broken = daemon.wait(joined, 60, "the clip of what was kept")
        assert (broken["id"], broken["clips"]) == (under_way["id"], under_way["clips"])
        assert daemon.clip(broken["clips"][0])["frame_count"] == broken["pictures"] >= 1
        left = {path.stem for path in (daemon.data_dir / "timelapses").glob("*.part")}
        assert not left & {done["id"], broken["id"]}
