"""Commands that ask the running daemon: status, record, clips list."""

import argparse
import asyncio
import json
from typing import Any

from backend.cli.client import DaemonClient, client_for, wait_until
from backend.cli.exits import CommandFailed, Exit
from backend.cli.tables import print_table
from backend.config.model import Config

_DONE = frozenset({"draft", "published", "failed"})
_LONGEST_FINISH_S = 600.0


def status(config: Config, options: argparse.Namespace) -> Exit:
    """Is it ready, and what are the cameras doing."""
    return asyncio.run(_status(config, options))


def record(config: Config, options: argparse.Namespace) -> Exit:
    """Press Record."""
    return asyncio.run(_record(config, options))


def list_clips(config: Config, options: argparse.Namespace) -> Exit:
    """Newest first."""
    return asyncio.run(_list_clips(config, options))


async def _status(config: Config, options: argparse.Namespace) -> Exit:
    async with client_for(config, options.url) as client:
        await client.call("GET", "/readyz")
        cameras = (await client.call("GET", "/api/cameras"))["cameras"]
    if options.json:
        print(json.dumps({"url": client.url, "ready": True, "cameras": cameras}, indent=2))
    else:
        print(f"Ready at {client.url}")
        rows = [
            (
                camera["id"],
                camera["state"],
                f"{camera['buffer']['duration_seconds']:.1f} of {camera['buffer']['capacity_seconds']:g} s",
                f"{camera['buffer']['frame_count']} frames",
                camera["last_error"] or "",
            )
            for camera in cameras
        ]
        print_table(("camera", "state", "buffer", "", "last error"), rows)
    all_live = all(camera["state"] == "live" for camera in cameras)
    return Exit.OK if all_live or not options.require_live else Exit.FAILED


async def _record(config: Config, options: argparse.Namespace) -> Exit:
    body: dict[str, Any] = {
        "camera": options.camera,
        "before_seconds": options.before,
        "after_seconds": options.after,
        "title": options.title,
    }
    async with client_for(config, options.url) as client:
        given = {name: value for name, value in body.items() if value is not None}
        clip = await client.call("POST", "/api/clips", body=given)
        if options.wait:
            clip = await _finished(client, clip, options.after)
    if options.json:
        print(json.dumps(clip, indent=2))
    else:
        print(f"{clip['id']}  {clip['status']}  {clip['camera']}  from {clip['start_time']}")
        if clip["status"] in {"draft", "published"}:
            print(client.address(clip["download_url"]))
    if clip["status"] == "failed":
        raise CommandFailed(Exit.FAILED, f"The clip could not be finished: {clip['error']}")
    return Exit.OK


async def _finished(client: DaemonClient, clip: Any, after_s: float | None) -> Any:
    longest_s = (after_s or 3600.0) + _LONGEST_FINISH_S
    try:
        return await wait_until(client, f"/api/clips/{clip['id']}", _DONE, longest_s)
    except TimeoutError:
        raise CommandFailed(Exit.FAILED, f"The clip {clip['id']} is still not finished.") from None


async def _list_clips(config: Config, options: argparse.Namespace) -> Exit:
    wanted = {"status": options.status, "camera": options.camera, "q": options.q, "limit": str(options.limit)}
    query = {name: value for name, value in wanted.items() if value is not None}
    async with client_for(config, options.url) as client:
        page = await client.call("GET", "/api/clips", query=query)
    if options.json:
        print(json.dumps(page, indent=2))
        return Exit.OK
    rows = [
        (
            clip["id"],
            clip["status"],
            clip["camera"],
            clip["start_time"],
            "" if clip["duration_seconds"] is None else f"{clip['duration_seconds']:.2f} s",
            clip["title"] or "",
        )
        for clip in page["clips"]
    ]
    print_table(("id", "status", "camera", "start", "length", "title"), rows)
    return Exit.OK
