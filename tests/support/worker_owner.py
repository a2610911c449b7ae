"""A process with one busy and one idle worker, for the test that kills it. Prints their pids."""

import asyncio
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from recorder.base.workers import WorkerPool


def touch_and_sleep(path: Path) -> None:
    """Say that the job has begun, then hold the process for ten minutes."""
    path.touch()
    time.sleep(600.0)


async def main(note: Path) -> None:
    """Hang in one job until killed."""
    pool = WorkerPool(size=2)
    pool.start()
    job = asyncio.get_running_loop().create_task(pool.run(touch_and_sleep, note, timeout_s=600.0))
    while not note.exists():
        await asyncio.sleep(0.01)
    os.write(1, " ".join(map(str, pool.pids())).encode() + b"\n")
    await job


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        asyncio.run(main(Path(directory) / "busy"))
