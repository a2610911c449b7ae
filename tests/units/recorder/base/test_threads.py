"""Blocking work runs in the executor's thread, and the loop gets what it returned or raised."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from recorder.base.threads import in_thread


async def test_work_runs_in_a_thread_of_the_executor() -> None:
    """The name tells which pool."""
    with ThreadPoolExecutor(1, thread_name_prefix="disk") as disk:
        assert (await in_thread(disk, lambda: threading.current_thread().name)).startswith("disk")


async def test_what_the_work_raises_reaches_the_caller() -> None:
    """Callers catch OSError around the await."""

    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await in_thread(None, fail)
