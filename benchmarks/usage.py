"""Processor time and memory of a process and all its children, as the kernel counts them."""

import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu_s` since the processes began; `own_bytes` is memory nobody else holds (USS), summed."""

    at_s: float
    cpu_s: float
    own_bytes: int


def usage(pid: int) -> Usage:
    """Now. Children that have ended are not in it: nothing measured here ends any."""
    process = psutil.Process(pid)
    cpu_s, own_bytes = 0.0, 0
    for one in [process, *process.children(recursive=True)]:
        times = one.cpu_times()
        cpu_s += times.user + times.system
        own_bytes += one.memory_full_info().uss
    return Usage(time.monotonic(), cpu_s, own_bytes)


def cores(before: Usage, after: Usage) -> float:
    """Share of one core used in between, in percent."""
    return 100 * (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s)
