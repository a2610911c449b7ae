"""Reloads one after the other, in a daemon in this process: refused, broken and good ones."""

import asyncio
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

from backend.access.access_key import AccessKey
from backend.app import running
from backend.config.load import ConfigError
from backend.config.model import Config

CAMERA = {"id": "front", "source": "synthetic?size=160x96&fps=5"}


def config(data_dir: Path, port: int, before_s: float, *cameras: dict[str, str]) -> Config:
    return Config.model_validate(
        {
            "data_dir": data_dir,
            "server": {"host": "127.0.0.1", "port": port},
            "recording": {"before_seconds": before_s},
            "cameras": cameras or (CAMERA,),
        }
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_reload_that_fails_changes_nothing_and_the_next_one_is_heard(tmp_path: Path) -> None:
    """One that is refused, one that breaks, one that holds: each is counted, and the last is in force."""
    key = AccessKey(tmp_path)
    await asyncio.to_thread(key.load)
    outcomes = iter(
        (
            ConfigError(["config.yaml:1: cameras: is required."]),
            RuntimeError("a fault of ours"),
            config(tmp_path, 1, 5.0, CAMERA, {"id": "yard", "source": "synthetic?size=160x96&fps=5"}),
            config(tmp_path, 1, 6.0),
        )
    )

    def read() -> Config:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async with running(config(tmp_path, 0, 4.0), key) as daemon, asyncio.TaskGroup() as group:
        reloader, wanted = daemon.reloader, asyncio.Event()
        following = group.create_task(reloader.follow(wanted, read))
        seen = []
        for number in range(1, 5):
            wanted.set()
            await until(lambda number=number: sum(astuple(reloader.counters)) == number)  # type: ignore[misc]
            held = reloader.config
            seen.append((held.recording.before_seconds, len(held.cameras), held.server.port))
        following.cancel()
        assert astuple(reloader.counters) == (2, 1, 1)
    assert seen == [(4.0, 1, 0), (4.0, 1, 0), (5.0, 2, 0), (6.0, 1, 0)]
