"""`hindsight schedules`: what will happen by the clock, and what became of what was due."""

import argparse
import asyncio
import json
from datetime import datetime
from typing import Any

from backend.cli.client import client_for
from backend.cli.exits import Exit
from backend.cli.tables import print_table
from backend.config.model import Config
from backend.recurrence.rules import is_zone, zone

HEADS = ("id", "name", "camera", "what", "next", "last run")
RUN_HEADS = ("due", "state", "times", "clips", "reason")


def list_schedules(config: Config, options: argparse.Namespace) -> Exit:
    """Every schedule with its next time, as clocks of its zone will show it."""
    return asyncio.run(_list(config, options))


def list_runs(config: Config, options: argparse.Namespace) -> Exit:
    """What became of one schedule, newest first."""
    return asyncio.run(_runs(config, options))


async def _list(config: Config, options: argparse.Namespace) -> Exit:
    async with client_for(config, options.url) as client:
        answer = await client.call("GET", "/api/schedules")
    if options.json:
        print(json.dumps(answer, indent=2))
        return Exit.OK
    print_table(HEADS, [_row(schedule) for schedule in answer["schedules"]])
    return Exit.OK


async def _runs(config: Config, options: argparse.Namespace) -> Exit:
    path = f"/api/schedules/{options.schedule}"
    async with client_for(config, options.url) as client:
        schedule = await client.call("GET", path)
        answer = await client.call("GET", f"{path}/runs", query={"limit": str(options.limit)})
    if options.json:
        print(json.dumps(answer, indent=2))
        return Exit.OK
    shown_in = schedule["timezone"]
    rows = [
        (
            on_the_wall(run["due_at"], shown_in),
            run["state"],
            str(run["missed"]) if run["missed"] > 1 else "",
            " ".join(run["clips"]),
            run["reason"] or "",
        )
        for run in answer["runs"]
    ]
    print_table(RUN_HEADS, rows)
    return Exit.OK


def _row(schedule: dict[str, Any]) -> tuple[str, ...]:
    last = schedule["last_run"]
    if not schedule["enabled"]:
        coming = "disabled"
    else:
        coming = on_the_wall(schedule["next"][0], schedule["timezone"]) if schedule["next"] else "never"
    last_result = "" if last is None else " ".join(filter(None, (last["state"], last["reason"])))
    return schedule["id"], schedule["name"], schedule["camera"], what(schedule), coming, last_result


def what(schedule: dict[str, Any]) -> str:
    """A schedule in a few words."""
    every_s = schedule["every_seconds"]
    if schedule["kind"] == "timelapse":
        join = schedule["join"]
        period = join if isinstance(join, str) else f"{join} s"
        return f"a picture every {every_s} s, a clip every {period}"
    when = f"cron {schedule['cron']}" if schedule["cron"] else f"every {every_s} s"
    return f"{when}, for {schedule['length_seconds']:g} s"


def on_the_wall(time: str, name: str) -> str:
    """A time of the API as clocks in a zone show it; as it came where this machine knows no such zone."""
    if not is_zone(name):
        return time
    return f"{datetime.fromisoformat(time).astimezone(zone(name)):%a %Y-%m-%d %H:%M %Z}"
