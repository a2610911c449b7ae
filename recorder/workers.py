"""A few processes that decode, so that a codec that crashes or hangs costs neither ring nor API.

Here: starting, feeding, ending and replacing them. Not here: what they do (`thumbnail`).

Workers come from a fork server, never from a fork of the daemon with its threads and locks. They are
nice, bounded in memory, and end with the daemon, however it ends. Each is driven by a thread of its own
(`worker-N`) over a pipe; jobs wait in one bounded queue. `run` belongs to an event loop, `start` and
`close` block.
"""

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, cast

from recorder.errors import Busy, DecodeFailed, RecorderError

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PRELOADED = ["recorder.thumbnail"]
_PR_SET_PDEATHSIG = 1
_NICENESS = 10
_END_WITHIN_S = 5.0


@dataclass(slots=True)
class WorkerCounters:
    """What became of the jobs since the pool was made."""

    done: int = 0
    failed: int = 0
    """Refused by the job itself: damaged or undecodable material."""
    refused: int = 0
    """Turned away because too many were waiting."""
    timed_out: int = 0
    workers_lost: int = 0
    """Processes that died in a job: crashed, killed, out of memory, or timed out."""


class WorkerPool:
    """`size` worker processes and a bounded queue before them."""

    def __init__(self, size: int = 2, max_waiting: int = 32, memory_bytes: int = 2 << 30) -> None:
        """Starts nothing yet; `memory_bytes` bounds what one worker may allocate."""
        self.counters = WorkerCounters()
        self._lock = threading.Lock()  # guards counters, _unfinished, _closed
        self._unfinished = 0
        self._limit = size + max_waiting
        self._closed = False
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="worker")
        self._all = [_Worker(memory_bytes) for _ in range(size)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)

    def start(self) -> None:
        """Start the processes now, so that the first picture need not wait for them. Optional; blocks."""
        for worker in self._all:
            worker.start()

    async def run(self, function: Callable[[*Ts], T], *args: *Ts, timeout_s: float) -> T:
        """`function(*args)` in a worker; the function must be at module level, everything picklable.

        `timeout_s` counts from when the job begins; then its process is ended. Raises Busy, what the
        job raises of RecorderError, and DecodeFailed for everything else that can befall a job.
        """
        with self._lock:
            if self._closed:
                raise Busy("The workers are being shut down.")
            if self._unfinished >= self._limit:
                self.counters.refused += 1
                raise Busy("Too many pictures are being decoded; try again in a moment.")
            self._unfinished += 1
        future = self._threads.submit(self._run_blocking, function, args, timeout_s)
        future.add_done_callback(self._count_out)
        return cast("T", await asyncio.wrap_future(future))

    def close(self) -> None:
        """End all workers; jobs under way fail, waiting ones are cancelled. Blocks for a moment."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.end()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.end()

    def pids(self) -> list[int]:
        """The processes that are up. Blocks for a moment."""
        return [pid for worker in self._all if (pid := worker.pid) is not None]

    def _count_out(self, _: "Future[Any]") -> None:
        with self._lock:
            self._unfinished -= 1

    def _run_blocking(self, function: Callable[..., Any], args: tuple[Any, ...], timeout_s: float) -> Any:
        worker = self._idle.get()
        try:
            done, result = worker.run(function, args, timeout_s)
        except _WorkerDied as error:
            with self._lock:
                self.counters.workers_lost += 1
                self.counters.timed_out += error.timed_out
            raise DecodeFailed(str(error)) from error
        finally:
            self._idle.put(worker)
        with self._lock:
            self.counters.done += done
            self.counters.failed += not done
        if not done:
            raise result
        return result


class _WorkerDied(Exception):
    """The process ended in the middle of a job."""

    def __init__(self, message: str, *, timed_out: bool) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class _Worker:
    """One process and the pipe to it; replaced when it dies. Driven by one thread at a time."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()  # guards the process against start, end and the deadline at once
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
            self._let_go()
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_PRELOADED)
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._memory_bytes), daemon=True)
            process.start()
            theirs.close()  # so that its death is the end of the pipe
            self._process, self._pipe = process, ours
            return ours

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], timeout_s: float) -> tuple[bool, Any]:
        """(True, result) or (False, RecorderError). Raises _WorkerDied."""
        pipe = self.start()
        timed_out = threading.Event()

        def end_late() -> None:
            timed_out.set()
            self.kill()

        # A deadline of its own, because sending to a stopped process blocks like waiting for its answer.
        deadline = threading.Timer(timeout_s, end_late)
        deadline.daemon = True
        deadline.start()
        try:
            pipe.send((function, args))
            answer: tuple[bool, Any] = pipe.recv()
        except (EOFError, OSError) as error:
            self.end()
            if timed_out.is_set():
                raise _WorkerDied("Decoding took too long and was ended.", timed_out=True) from error
            raise _WorkerDied("The decoder crashed on this picture.", timed_out=False) from error
        finally:
            deadline.cancel()
        return answer

    def kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def end(self) -> None:
        self.kill()
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._process is not None:
            self._process.join(_END_WITHIN_S)
            if not self._process.is_alive():
                self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _serve(pipe: Connection, memory_bytes: int) -> None:
    """The life of a worker: take a job, answer, until the daemon is gone."""
    _behave(memory_bytes)
    while True:
        try:
            function, args = pipe.recv()
        except (EOFError, OSError):
            return
        answer = _answer(function, args)
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
        # The outermost frame of a job: it is counted by the pool, and the next job must still run.
        return False, DecodeFailed(f"The picture could not be decoded ({type(error).__name__}).")


def _behave(memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the daemon ends us
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Not RLIMIT_AS: allocators and threads reserve far more addresses than they ever use.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
