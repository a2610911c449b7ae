"""What an update decides, as pure functions: which tag is newest, what a daemon is, which unit runs it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", re.ASCII)
_STARTED = re.compile(r"\bpath=(\S+)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd service; `is_user`: of a user's own systemd."""

    name: str
    is_user: bool


def newest(tags: Iterable[str]) -> str | None:
    """The tag with the highest version number; tags that are no release (v1.2-rc1, nightly) do not count."""
    versions = {tag: found for tag in tags if (found := _version(tag))}
    return max(versions, key=versions.__getitem__, default=None)


def _version(tag: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(tag)
    if match is None:
        return ()
    numbers = [int(number) for number in match[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()  # 1.2.0 is 1.2
    return tuple(numbers)


def folder_name(text: str) -> str | None:
    """A name for the folder of a version, made from a tag or a description; None if that makes no name."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "-", text)
    return name if _NAME.fullmatch(name) else None


def run_arguments(command_line: Sequence[str]) -> tuple[str, ...] | None:
    """What follows `run` on the command line of a daemon; None when it is another program's."""
    if "run" not in command_line:
        return None
    at = command_line.index("run")
    before = command_line[1:at]
    is_ours = before[-2:] == ["-m", "backend"] or (
        bool(before) and PurePosixPath(before[-1]).name == "hindsight"
    )
    return tuple(command_line[at + 1 :]) if is_ours else None


def unit_of(cgroup: str) -> Unit | None:
    """The service that /proc/PID/cgroup names; None for a login session or a container."""
    for line in cgroup.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number != "0" and controllers != "name=systemd":
            continue
        parts = PurePosixPath(path).parts
        if parts and parts[-1].endswith(".service") and not parts[-1].startswith("user@"):
            return Unit(parts[-1], any(part.startswith("user@") for part in parts[:-1]))
    return None


def program_of_unit(exec_start: str) -> str | None:
    """The program in the answer of `systemctl show -p ExecStart`."""
    match = _STARTED.search(exec_start)
    return match[1] if match else None
