"""What the figures were measured on: a figure without its machine says nothing."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil

LIBRARIES = ("hindsight-recorder", "av", "opencv-python-headless", "aiohttp", "SQLAlchemy")


def describe() -> list[tuple[str, str]]:
    """Name and value of everything that moves the figures; never the host's name or its paths."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    facts = [
        ("Measured", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("Processor", _processor()),
        ("Cores", f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}"),
        ("Memory", f"{psutil.virtual_memory().total / 2**30:.1f} GiB"),
        ("System", f"{_system()}, Linux {platform.release()}"),
        ("Python", platform.python_version()),
        ("Libraries", versions),
        ("Busy before", f"{os.getloadavg()[0]:.1f} programs at work (load average)"),
    ]
    ffmpeg = _first_line("ffmpeg", "-version")
    if ffmpeg:
        facts.append(("Peer", " ".join(ffmpeg.split()[:3])))
    return facts


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware"):
            return value.strip()
    return platform.machine()


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())


def _first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return done.stdout.partition("\n")[0]
