"""`hindsight retention`: what would leave the disk, and why; a person's word that it may."""

import argparse
import asyncio
import json
from typing import Any

from backend.base.text.human_units import readable_bytes
from backend.cli.client import client_for
from backend.cli.exits import Exit
from backend.cli.tables import print_table
from backend.config.model import Config


def retention(config: Config, options: argparse.Namespace) -> Exit:
    """Ask the running daemon; nothing is deleted but with --approve."""
    return asyncio.run(_retention(config, options))


async def _retention(config: Config, options: argparse.Namespace) -> Exit:
    async with client_for(config, options.url) as client:
        if options.approve:
            found = await client.call("POST", "/api/retention/approve")
        else:
            found = await client.call("GET", "/api/retention/preview")
    if options.json:
        print(json.dumps(found, indent=2))
    elif options.approve:
        held = found["held"]
        print(f"Approved: {held['clips']} clips ({readable_bytes(held['size_bytes'])}) are deleted now.")
    else:
        _print(found)
    return Exit.OK


def _print(found: Any) -> None:
    rows = [
        (
            clip["clip_id"],
            clip["camera"],
            clip["status"],
            readable_bytes(clip["size_bytes"]),
            clip["dated"],
            "waits" if clip["waits"] else clip["deed"],
            clip["reason"],
        )
        for clip in found["clips"]
    ]
    if rows:
        print_table(("clip", "camera", "status", "size", "made", "", "why"), rows)
    print(f"{found['leaving']} clips ({readable_bytes(found['leaving_bytes'])}) go with the next sweep.")
    if found["held"] is not None:
        print(f"Waiting for you: {found['held']['reason']}.")
    if not found["clock"]["trusted"]:
        print(f"Age rules rest: {found['clock']['reason']}.")
    free, reserve = readable_bytes(found["free_bytes"]), readable_bytes(found["reserve_bytes"])
    print(f"Free: {free}, kept in reserve: {reserve}.")
    if found["missing_bytes"]:
        missing = readable_bytes(found["missing_bytes"])
        print(f"{missing} of the reserve are missing, and no clip that may go would bring them back.")
