"""Schedules over HTTP, and on the command line that talks to the same application."""

import asyncio

import pytest

from backend.__main__ import main
from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORNING = {
    "name": "Morning",
    "cron": "30 7 * * mon-fri",
    "length_seconds": 600,
    "timezone": "Europe/Berlin",
}


async def test_a_schedule_is_made_once_for_one_key_changed_and_deleted(app: WholeApp) -> None:
    """A disabled one has no next times; a deleted one has no runs either."""
    made, again = [await app.post("/api/schedules", MORNING, Idempotency_Key="k1") for _ in range(2)]
    assert (made.status, made.json()) == (201, again.json())
    schedule = made.json()
    path = f"/api/schedules/{schedule['id']}"
    assert made.headers["location"] == path
    assert [time[14:] for time in schedule["next"]] == ["30:00.000000Z"] * 3
    changed = (await app.request("PATCH", path, {"enabled": False})).json()
    assert (changed["enabled"], changed["next"], changed["version"]) == (False, [], 2)
    assert (await app.request("DELETE", path)).status == 204
    assert [(await app.get(gone)).status for gone in (path, f"{path}/runs")] == [404, 404]


# The command reads the key on a loop of its own, in a thread of its own: it holds up nobody.
@pytest.mark.blocking
async def test_the_command_line_lists_schedules_and_their_runs(
    app: WholeApp, capfd: pytest.CaptureFixture[str]
) -> None:
    """A person without a browser sees what the API holds."""
    schedule = (await app.post("/api/schedules", MORNING | {"enabled": False})).json()
    where = ["--url", app.url, "--config", str(app.config_path)]
    assert await asyncio.to_thread(main, ["schedules", "list", *where]) == 0
    assert "cron 30 7 * * mon-fri, for 600 s  disabled" in capfd.readouterr().out
    assert await asyncio.to_thread(main, ["schedules", "runs", schedule["id"], *where]) == 0
    assert capfd.readouterr().out.startswith("due")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cron": "7:30", "length_seconds": 5}, "cron"),
        ({"every_seconds": 60, "length_seconds": 61}, "length_seconds"),
        ({"every_seconds": 3600, "length_seconds": 5, "timezone": "Mars"}, "timezone"),
        ({"kind": "timelapse", "every_seconds": 5}, "join"),
        ({"every_seconds": "5"}, "every_seconds"),
    ],
)
async def test_a_schedule_that_means_nothing_is_refused_with_its_field(
    app: WholeApp, wrong: dict[str, object], field: str
) -> None:
    """Nothing is stored."""
    before = (await app.get("/api/schedules")).json()["schedules"]
    refused = await app.post("/api/schedules", wrong)
    assert (refused.status, refused.json()["field"]) == (422, field), refused.body
    assert (await app.get("/api/schedules")).json()["schedules"] == before


async def test_a_schedule_of_an_unknown_camera_is_refused(app: WholeApp) -> None:
    """404, as for every other request that names one."""
    assert (await app.post("/api/schedules", MORNING | {"camera": "cellar"})).status == 404
