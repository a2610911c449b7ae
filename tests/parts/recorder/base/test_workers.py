"""Workers die, hang and refuse; the next job works all the same."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from recorder.base.errors import BufferEmpty, Busy, DecodeFailed, WorkerLost
from recorder.base.workers import Report, WorkerPool
from tests.support.daemon import ROOT

LONG_S = 60.0
SILENCE_S = 3.0
"""Longer than a busy machine makes a nice process wait for a processor; a start may take longer."""


def plus(left: int, right: int) -> int:
    """A job that works."""
    return left + right


def touch_and_hang(path: Path) -> None:
    """A job that says who it is and never ends."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(str(os.getpid()))
    temporary.rename(path)
    threading.Event().wait()


def refuse() -> None:
    """A job that ends with an error of the recorder's tree."""
    raise BufferEmpty("Nothing there.")


def stumble() -> None:
    """A job with a fault."""
    raise ZeroDivisionError


def allocate(size_bytes: int) -> int:
    """A job that wants memory."""
    return len(bytearray(size_bytes))


def manners() -> tuple[int, str]:
    """Niceness and name of the process that started this one."""
    return os.nice(0), Path(f"/proc/{os.getppid()}/cmdline").read_text()


async def until(condition: Callable[[], bool], deadline_s: float = 20.0) -> None:
    """Wait for `condition`, failing at the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.01)


def started(job: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """`job`, under way; every test awaits it."""
    return asyncio.get_running_loop().create_task(job)


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """One worker, so that what it suffered is suffered by the next job."""
    workers = WorkerPool(size=1, max_waiting=1)
    yield workers
    workers.close()


@pytest.fixture
async def ready(pool: WorkerPool) -> WorkerPool:
    """A pool whose worker has done a job: its process is up and has loaded this file."""
    await pool.run(plus, 1, 2, timeout_s=LONG_S)
    return pool


async def test_a_job_gives_its_result(pool: WorkerPool) -> None:
    """Arguments go over, the result comes back."""
    assert await pool.run(plus, 20, 22, timeout_s=LONG_S) == 42
    assert pool.counters.done == 1


async def test_a_worker_killed_in_its_job_fails_that_job_only(pool: WorkerPool, tmp_path: Path) -> None:
    """SIGKILL, as by the kernel when memory is short: DecodeFailed, and the next job has a new process."""
    note = tmp_path / "pid"
    job = started(pool.run(touch_and_hang, note, timeout_s=LONG_S))
    await until(note.exists)
    killed = int(note.read_text())
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(DecodeFailed, match="crashed"):
        await job
    assert await pool.run(plus, 1, 2, timeout_s=LONG_S) == 3
    assert killed not in await asyncio.to_thread(pool.pids)
    assert (pool.counters.workers_lost, pool.counters.timed_out) == (1, 0)


async def test_a_worker_killed_between_jobs_is_not_noticed(ready: WorkerPool) -> None:
    """A dead process is replaced before it is given work."""
    (pid,) = await asyncio.to_thread(ready.pids)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(pid))
    assert await ready.run(plus, 1, 2, timeout_s=LONG_S) == 3
    assert ready.counters.workers_lost == 0


async def test_a_hung_job_times_out_and_its_process_is_ended(ready: WorkerPool, tmp_path: Path) -> None:
    """Nothing goes on decoding after nobody waits for it."""
    note = tmp_path / "pid"
    with pytest.raises(DecodeFailed, match="too long"):
        await ready.run(touch_and_hang, note, timeout_s=SILENCE_S)
    assert not psutil.pid_exists(int(note.read_text()))
    assert await ready.run(plus, 1, 2, timeout_s=LONG_S) == 3
    assert (ready.counters.workers_lost, ready.counters.timed_out) == (1, 1)


async def test_a_stopped_worker_cannot_block_sending_beyond_the_deadline(ready: WorkerPool) -> None:
    """A job larger than the pipe's buffer, to a process that reads nothing."""
    (pid,) = await asyncio.to_thread(ready.pids)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(DecodeFailed, match="too long"):
        await ready.run(len, bytes(8 << 20), timeout_s=0.5)
    assert await ready.run(plus, 1, 2, timeout_s=LONG_S) == 3


async def test_errors_of_the_recorder_arrive_as_they_are_and_others_as_decode_failed(
    pool: WorkerPool,
) -> None:
    """A faulty job is told from a crashed one: its process stays."""
    with pytest.raises(BufferEmpty, match="Nothing there"):
        await pool.run(refuse, timeout_s=LONG_S)
    with pytest.raises(DecodeFailed, match="ZeroDivisionError"):
        await pool.run(stumble, timeout_s=LONG_S)
    assert (pool.counters.failed, pool.counters.workers_lost) == (2, 0)


async def test_a_worker_may_not_eat_the_machine(pool: WorkerPool) -> None:
    """More than the bound is refused, less is given."""
    with pytest.raises(DecodeFailed, match="memory"):
        await pool.run(allocate, 3 << 30, timeout_s=LONG_S)
    assert await pool.run(allocate, 64 << 20, timeout_s=LONG_S) == 64 << 20


async def test_too_many_waiting_jobs_are_refused_and_counted(pool: WorkerPool, tmp_path: Path) -> None:
    """One runs, one waits, the third is told to come again; a place freed is a place."""
    first = started(pool.run(touch_and_hang, tmp_path / "1", timeout_s=LONG_S))
    second = started(pool.run(plus, 1, 2, timeout_s=LONG_S))
    await until((tmp_path / "1").exists)
    with pytest.raises(Busy):
        await pool.run(plus, 3, 4, timeout_s=LONG_S)
    assert pool.counters.refused == 1
    os.kill(int((tmp_path / "1").read_text()), signal.SIGKILL)
    with pytest.raises(DecodeFailed):
        await first
    assert await second == 3
    assert await pool.run(plus, 3, 4, timeout_s=LONG_S) == 7


async def test_workers_are_nice_and_not_forked_from_us(pool: WorkerPool) -> None:
    """Their parent is the fork server, not the process that holds locks and threads."""
    niceness, parent = await pool.run(manners, timeout_s=LONG_S)
    assert niceness >= os.nice(0) + 10 or niceness == 19
    assert "forkserver" in parent


async def test_closing_ends_processes_and_jobs(tmp_path: Path) -> None:
    """A job under way fails, a later one is refused, no process is left."""
    pool = WorkerPool(size=1)
    job = started(pool.run(touch_and_hang, tmp_path / "pid", timeout_s=LONG_S))
    await until((tmp_path / "pid").exists)
    await asyncio.to_thread(pool.close)
    with pytest.raises(DecodeFailed):
        await job
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    with pytest.raises(Busy):
        await pool.run(plus, 1, 2, timeout_s=LONG_S)


async def test_workers_end_with_a_daemon_that_is_killed() -> None:
    """SIGKILL leaves no time for goodbye, and still neither an idle nor a busy worker stays behind."""
    script = ROOT / "tests/support/worker_owner.py"
    owner = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        line = await asyncio.to_thread(owner.stdout.readline)
    pids = [int(word) for word in line.split()]
    assert len(pids) == 2
    assert all(psutil.pid_exists(pid) for pid in pids)
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def count_to(path: Path, report: Report) -> int:
    """A long job: tells how far it is until `path` is there."""
    number = 0
    while not path.exists():
        number += 1
        report(number)
        time.sleep(0.02)
    return number


def report_once_and_hang(note: Path, report: Report) -> None:
    """A long job that falls silent."""
    report(os.getpid())
    touch_and_hang(note)


async def test_a_long_job_reports_and_outlives_its_silence(ready: WorkerPool, tmp_path: Path) -> None:
    """Each report is a sign of life; the newest one is handed over on the loop."""
    reports: list[int] = []
    stop = tmp_path / "stop"
    job = started(ready.run_long(count_to, stop, silence_s=SILENCE_S, on_report=reports.append))
    begun = time.monotonic()
    await until(lambda: time.monotonic() - begun > SILENCE_S + 0.5 and len(reports) > 2)
    stop.touch()
    assert await job >= reports[-1] > reports[0]
    assert ready.counters.timed_out == 0


async def test_a_long_job_that_falls_silent_is_ended(ready: WorkerPool, tmp_path: Path) -> None:
    """Its process goes, and the caller learns that trying again may help."""
    reports: list[int] = []
    with pytest.raises(WorkerLost, match="too long"):
        await ready.run_long(
            report_once_and_hang, tmp_path / "note", silence_s=SILENCE_S, on_report=reports.append
        )
    assert not psutil.pid_exists(reports[0])
    assert ready.counters.timed_out == 1


async def test_cancelling_a_long_job_ends_its_process_before_the_wait_is_over(
    pool: WorkerPool, tmp_path: Path
) -> None:
    """Nobody encodes on for a person who went away, nor writes into a file that is being removed."""
    reports: list[int] = []
    job = started(
        pool.run_long(report_once_and_hang, tmp_path / "note", silence_s=LONG_S, on_report=reports.append)
    )
    await until(lambda: bool(reports))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert not psutil.pid_exists(reports[0])
    assert await pool.run(plus, 1, 2, timeout_s=LONG_S) == 3
    assert pool.counters.workers_lost == 0


async def test_a_long_job_that_waits_can_be_cancelled(pool: WorkerPool, tmp_path: Path) -> None:
    """It never begins, and its place is free again."""
    first = started(pool.run_long(count_to, tmp_path / "stop", silence_s=LONG_S, on_report=print))
    await until(lambda: bool(pool.pids()))
    second = started(pool.run_long(count_to, tmp_path / "never", silence_s=LONG_S, on_report=print))
    await asyncio.sleep(0)
    second.cancel()
    (tmp_path / "stop").touch()
    assert await first >= 0
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await pool.run(plus, 1, 2, timeout_s=LONG_S) == 3
