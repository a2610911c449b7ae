"""Worker processes for decoding and encoding, so a codec that crashes or hangs affects neither ring nor API.

Here: starting, feeding, ending and replacing them. Not here: the jobs (`thumbnail`, `transcode_job`,
`clean_copy`).

Workers are forked from a fork server, never from the daemon with its threads and locks. They run at low
priority with bounded memory and die with the daemon, however it ends. Each is driven by a thread of its own
(`worker-N`) over a pipe; jobs wait in one bounded queue. `run` and `run_long` belong to an event loop,
`start` and `close` block.
"""

import asyncio
import fcntl
import multiprocessing
import os
import pickle
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, cast

from recorder.base.errors import Busy, DecodeFailed, RecorderError, WorkerLost, WorkerTimedOut

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Report = Callable[[Any], None]
"""How a long job reports its progress; the value must be picklable."""

_PRELOADED = ["recorder.stills.thumbnail", "recorder.recording.transcode_job", "recorder.mp4.clean_copy"]
_NICENESS = 10
_END_WITHIN_S = 5.0
_POLL_EVERY_S = 0.25


@dataclass(slots=True)
class WorkerCounters:
    """Outcomes of all jobs since the pool was created."""

    done: int = 0
    failed: int = 0
    """Failed in the job itself: damaged or undecodable input."""
    refused: int = 0
    """Rejected because the queue was full."""
    timed_out: int = 0
    workers_lost: int = 0
    """Processes that died during a job: crashed, killed, out of memory, or timed out."""


class WorkerPool:
    """`size` worker processes with one bounded queue."""

    def __init__(
        self, size: int = 2, max_waiting: int = 32, memory_bytes: int = 2 << 30, niceness: int = _NICENESS
    ) -> None:
        """Starts no process yet; `memory_bytes` limits what one worker may allocate."""
        self.counters = WorkerCounters()
        self._lock = threading.Lock()  # guards counters, _unfinished, _closed
        self._unfinished = 0
        self._limit = size + max_waiting
        self._closed = False
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="worker")
        self._all = [_Worker(memory_bytes, niceness) for _ in range(size)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)

    def start(self) -> None:
        """Start the processes now, so the first job does not wait for them. Optional; blocks."""
        for worker in self._all:
            worker.start()

    async def run(self, function: Callable[[*Ts], T], *args: *Ts, timeout_s: float) -> T:
        """Run `function(*args)` in a worker. It must be a module-level function; all values are pickled.

        The process is killed `timeout_s` after the job starts. Raises Busy, the job's own RecorderError,
        WorkerLost or WorkerTimedOut if the process died, and DecodeFailed for any other exception.
        """
        future = self._submit(_Job(function, args, timeout_s))
        return cast("T", await asyncio.wrap_future(future))

    async def run_long(
        self,
        function: Callable[[*Ts, Report], T],
        *args: *Ts,
        silence_s: float,
        on_report: Report,
    ) -> T:
        """Run `function(*args, report)` in a worker, for jobs of minutes or hours.

        The process is killed after `silence_s` without a report or when this call is cancelled, and has
        exited by the time the call returns. `on_report` gets the newest report, on the loop. Raises as `run`.
        """
        job = _Job(function, args, silence_s, reports=True)
        future = asyncio.wrap_future(self._submit(job))
        reported: object = None
        try:
            while True:
                done, _ = await asyncio.wait({future}, timeout=_POLL_EVERY_S)
                if job.latest is not reported:
                    reported = job.latest
                    on_report(reported)
                if done:
                    return cast("T", future.result())
        except asyncio.CancelledError:
            job.cancel()
            await asyncio.wait({future})
            if not future.cancelled():
                future.exception()  # mark it as retrieved
            raise

    def close(self) -> None:
        """End all workers. Running jobs fail, queued ones are cancelled. Blocks briefly."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.end()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.end()

    def pids(self) -> list[int]:
        """Ids of the running processes. Blocks briefly."""
        return [pid for worker in self._all if (pid := worker.pid) is not None]

    def _submit(self, job: "_Job") -> "Future[Any]":
        with self._lock:
            if self._closed:
                raise Busy("The workers are being shut down.")
            if self._unfinished >= self._limit:
                self.counters.refused += 1
                raise Busy("Too many pictures are being decoded; try again in a moment.")
            self._unfinished += 1
        future = self._threads.submit(self._run_blocking, job)
        future.add_done_callback(self._count_out)
        return future

    def _count_out(self, _: "Future[Any]") -> None:
        with self._lock:
            self._unfinished -= 1

    def _run_blocking(self, job: "_Job") -> Any:
        worker = self._idle.get()
        try:
            done, result = worker.run(job)
        except _WorkerDied as error:
            with self._lock:
                self.counters.workers_lost += not job.cancelled
                self.counters.timed_out += error.timed_out
            raise (WorkerTimedOut if error.timed_out else WorkerLost)(str(error)) from error
        finally:
            self._idle.put(worker)
        with self._lock:
            self.counters.done += done
            self.counters.failed += not done
        if not done:
            raise result
        return result


class _WorkerDied(Exception):
    """The process ended during a job."""

    def __init__(self, message: str, *, timed_out: bool) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(slots=True)
class _Job:
    """A job for a worker. The pool's thread writes `latest`, the loop reads it."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    timeout_s: float
    """Time limit of the whole job, or between two reports."""
    reports: bool = False
    latest: object = None
    cancelled: bool = False
    _worker: "_Worker | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, worker: "_Worker") -> None:
        with self._lock:
            if self.cancelled:
                raise _WorkerDied("The job was cancelled.", timed_out=False)
            self._worker = worker

    def end(self) -> None:
        with self._lock:
            self._worker = None

    def cancel(self) -> None:
        """Kill its process if it runs; otherwise prevent it from starting."""
        with self._lock:
            self.cancelled = True
            if self._worker is not None:
                self._worker.kill()


class _Deadline:
    """Kills a worker that is silent for too long.

    Uses a separate timer, because both sending to a stopped process and waiting for its result block.
    """

    def __init__(self, worker: "_Worker", silence_s: float) -> None:
        self._worker = worker
        self._silence_s = silence_s
        self._timer: threading.Timer | None = None
        self.passed = False

    def begin(self) -> None:
        """Start or restart the countdown."""
        self.stop()
        self._timer = threading.Timer(self._silence_s, self._end)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        self._worker.kill()


class _Worker:
    """One process and its pipe; the process is replaced when it dies. Driven by one thread at a time."""

    def __init__(self, memory_bytes: int, niceness: int) -> None:
        self._memory_bytes = memory_bytes
        self._niceness = niceness
        self._lock = threading.Lock()  # start, end and the deadline run concurrently
        self._process: ForkServerProcess | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def start(self) -> Connection:
        with self._lock:
            if self._pipe is not None and self._process is not None and self._process.is_alive():
                return self._pipe
            self._release()
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_PRELOADED)
            ours, theirs = context.Pipe()
            limits = (self._memory_bytes, self._niceness)
            process = context.Process(target=_serve, args=(theirs, *limits), daemon=True)
            process.start()
            theirs.close()  # so the pipe ends when the process dies
            self._process, self._pipe = process, ours
            return ours

    def run(self, job: _Job) -> tuple[bool, Any]:
        """(True, result) or (False, RecorderError). Raises _WorkerDied."""
        pipe = self.start()
        deadline = _Deadline(self, job.timeout_s)
        deadline.begin()
        try:
            job.begin(self)
            # Not `send`: if it fails, Python 3.13 complains on stderr about a leftover view of its buffer.
            pipe.send_bytes(pickle.dumps((job.function, job.args, job.reports)))
            while True:
                done, value = pipe.recv()
                if done is not None:
                    return done, value
                job.latest = value
                deadline.begin()
        except (EOFError, OSError) as error:
            self.end()
            if deadline.passed:
                raise _WorkerDied("It took too long and was ended.", timed_out=True) from error
            raise _WorkerDied("The codec crashed, or its process was killed.", timed_out=False) from error
        finally:
            job.end()
            deadline.stop()

    def kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def end(self) -> None:
        self.kill()
        with self._lock:
            self._release()

    def _release(self) -> None:
        if self._process is not None:
            self._process.join(_END_WITHIN_S)
            if not self._process.is_alive():
                self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _serve(pipe: Connection, memory_bytes: int, niceness: int) -> None:
    """Main loop of a worker: run jobs and send results until the daemon is gone."""
    _set_limits(memory_bytes, niceness)

    def report(value: object) -> None:
        pipe.send((None, value))

    while True:
        try:
            function, args, reports = pipe.recv()
        except (EOFError, OSError):
            return
        answer = _answer(function, (*args, report) if reports else args)
        with suppress(OSError):
            pipe.send(answer)


def _answer(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, function(*args)
    except RecorderError as error:
        return False, error
    except MemoryError:
        return False, DecodeFailed("The picture needs more memory than a worker may use.")
    except Exception as error:  # noqa: BLE001
        # The outermost frame of a job: the pool counts the failure, and the next job must still run.
        return False, DecodeFailed(f"The picture could not be decoded ({type(error).__name__}).")


def _end_with_the_daemon() -> None:
    """Have the kernel kill this process when the daemon dies, whatever it is doing.

    The fork server cannot be watched: each worker holds the pipe that keeps it alive. The sentinel is a pipe
    nobody writes to, so its only event is the closing of the daemon's end.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel
    fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(sentinel, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if wait([sentinel], timeout=0):  # the daemon died before the flags were set
        os.kill(os.getpid(), signal.SIGKILL)


def _set_limits(memory_bytes: int, niceness: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the daemon ends workers
    _end_with_the_daemon()
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Not RLIMIT_AS: allocators and threads reserve far more address space than they use.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
