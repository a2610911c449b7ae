"""The `clips` commands; here those for many at once: publish, unpublish, delete, retry, archive."""

import argparse
import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.cli.client import client_for
from backend.cli.exits import CommandFailed, Exit
from backend.cli.remote import list_clips
from backend.cli.tables import print_table
from backend.config.model import Config


def command(action: str) -> Callable[[Config, argparse.Namespace], Exit]:
    """What stands behind `clips ACTION`."""
    if action == "list":
        return list_clips
    return _archive if action == "archive" else _change


def _change(config: Config, options: argparse.Namespace) -> Exit:
    """Exit 1 when one of them could not be done; the others are done all the same."""
    return asyncio.run(_run_action(config, options))


def _archive(config: Config, options: argparse.Namespace) -> Exit:
    """Into a file that is whole or not there."""
    return asyncio.run(_downloaded(config, options))


async def _run_action(config: Config, options: argparse.Namespace) -> Exit:
    body: dict[str, Any] = {"action": options.action, "ids": options.ids}
    for name in ("caption", "at"):
        if getattr(options, name, None) is not None:
            body[name] = getattr(options, name)
    async with client_for(config, options.url) as client:
        answer = await client.call("POST", "/api/clips/batch", body=body)
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        print_table(("id", "", ""), [_line(result) for result in answer["results"]])
    return Exit.OK if answer["failed"] == 0 else Exit.FAILED


def _line(result: dict[str, Any]) -> tuple[str, str, str]:
    if not result["ok"]:
        return result["id"], "not done", result["error"]["detail"]
    clip = result["clip"]
    if clip is None:
        return result["id"], "deleted", ""
    return result["id"], clip["status"], f"at {clip['publish_at']}" if clip["publish_at"] else ""


async def _downloaded(config: Config, options: argparse.Namespace) -> Exit:
    target: Path = options.output
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        async with client_for(config, options.url) as client:
            form = "original" if options.original else "clean"
            path = f"/api/clips/archive.zip?ids={','.join(options.ids)}&form={form}"
            size = await client.download(path, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise CommandFailed(Exit.FAILED, f"{target} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    if options.json:
        print(json.dumps({"path": str(target), "size_bytes": size, "clips": len(options.ids)}))
    else:
        print(f"{target}  {size / 1e6:.1f} MB  {len(options.ids)} clips")
    return Exit.OK
