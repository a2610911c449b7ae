"""A process with one busy and one idle worker, for the test that kills it. Prints their pids."""

import asyncio
import time

from recorder.workers import WorkerPool


async def main() -> None:
    """Hang in one job until killed."""
    pool = WorkerPool(size=2)
    pool.start()
    print(*pool.pids(), flush=True)
    await pool.run(time.sleep, 600.0, timeout_s=600.0)


if __name__ == "__main__":
    asyncio.run(main())
