"""`hindsight storage check`: one round trip through the object store. Works beside a running daemon."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from backend.cli.exits import CommandFailed, Exit
from backend.config.model import Config
from backend.storage.check import StoreCheckOutcome, StoreCheckStep, check_store
from backend.storage.object_store import ObjectStore
from backend.storage.storage import open_store


def storage_check(config: Config, options: argparse.Namespace) -> Exit:
    """Print each step as it is done; exit 1 when one failed."""
    store = open_store(config.storage)
    if store is None:
        raise CommandFailed(
            Exit.CONFIG,
            "storage.s3 is not configured: clips are kept on the local disk only. Nothing to check.",
        )
    origin = options.origin or f"{config.server.scheme}://localhost:{config.server.port}"
    steps = asyncio.run(_steps(store, origin, (lambda step: None) if options.json else _print))
    ok = not any(step.outcome is StoreCheckOutcome.FAILED for step in steps)
    if options.json:
        json.dump({"ok": ok, "steps": [asdict(step) for step in steps]}, sys.stdout, indent=2)
        print()
    return Exit.OK if ok else Exit.FAILED


async def _steps(
    store: ObjectStore, origin: str, report: Callable[[StoreCheckStep], None]
) -> list[StoreCheckStep]:
    steps = []
    try:
        async for step in check_store(store, origin=origin, public=store.has_public_urls):
            report(step)
            steps.append(step)
    finally:
        await store.close()
    return steps


def _print(step: StoreCheckStep) -> None:
    took = "" if step.outcome is StoreCheckOutcome.SKIPPED else f"{step.seconds * 1000:8.0f} ms"
    print(f"{step.outcome:8} {step.name:10}{took}", flush=True)
    if step.detail is not None:
        print(f"         {step.cause}: {step.detail}", flush=True)
