"""What the box itself is doing: disk, memory, processor. Reads /proc and the disk; blocking."""

import os
import platform
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """What is free on a disk, and what of it must stay free."""

    free_bytes: int
    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class BoxNow:
    """The box as measured at one moment."""

    uptime_s: float
    platform: str
    python: str
    memory_rss_bytes: int
    cpu_s: float
    load_average: tuple[float, float, float]
    disk_total_bytes: int
    disk_free_bytes: int


def boot_s() -> float:
    """Seconds by the clock that nobody sets, and that goes on in suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_box(clips_dir: Path, began_s: float) -> BoxNow:
    """Measure the box. `began_s`: the daemon's start, by `boot_s`. OSError if the clips' disk is gone."""
    disk = shutil.disk_usage(clips_dir)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return BoxNow(
        uptime_s=boot_s() - began_s,
        platform=platform.platform(),
        python=platform.python_version(),
        memory_rss_bytes=_resident_bytes(),
        cpu_s=usage.ru_utime + usage.ru_stime,
        load_average=os.getloadavg(),
        disk_total_bytes=disk.total,
        disk_free_bytes=disk.free,
    )


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
