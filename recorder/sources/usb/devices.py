"""Lists the cameras attached to this machine (Video4Linux) and their formats.

Uses four ioctls of the V4L2 API on device nodes, which are opened only for that. Not here: reading pictures
(`webcam`), finding a camera again after replugging (`replug`). Blocking, because opening a device is; any
thread.
"""

import errno
import fcntl
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NODE = re.compile(r"video(\d+)")

# linux/videodev2.h: struct layouts and _IOR/_IOWR numbers; all of them are the same on 32 and 64 bits.
_QUERYCAP, _CAPABILITY = 0x80685600, struct.Struct("=16s32s32s3I12x")
_ENUM_FMT, _FMTDESC = 0xC0405602, struct.Struct("=3I32sI16x")
_ENUM_FRAMESIZES, _FRMSIZE = 0xC02C564A, struct.Struct("=9I8x")
_ENUM_FRAMEINTERVALS, _FRMIVAL = 0xC034564B, struct.Struct("=11I8x")
_VIDEO_CAPTURE, _VIDEO_CAPTURE_MPLANE = 0x1, 0x1000
_BUF_TYPES = {_VIDEO_CAPTURE: 1, _VIDEO_CAPTURE_MPLANE: 9}
_DISCRETE = 1
_MOST_LISTED = 256  # a driver may never end its list


@dataclass(frozen=True, slots=True)
class Identity:
    """The properties that identify a camera when its node changes. `serial` is empty if it has none."""

    card: str
    bus: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """One format and size. `rates` are frames per second, fastest first; empty if unknown."""

    fourcc: str
    width: int
    height: int
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """One node from which pictures can be read."""

    node: str
    driver: str
    identity: Identity
    stable_path: str | None
    """A path for the same camera that survives replugging, if udev made one."""
    formats: tuple[PictureFormat, ...]

    @property
    def number(self) -> int:
        """N of /dev/videoN."""
        return _number(self.node)


@dataclass(frozen=True, slots=True)
class DeviceList:
    """All cameras found; `refused` are nodes that this user may not open."""

    devices: tuple[Device, ...]
    refused: tuple[str, ...]


def list_devices(dev: Path = Path("/dev"), sys: Path = Path("/sys")) -> DeviceList:
    """All cameras, by number. Nodes without pictures (metadata, decoders) are skipped."""
    nodes = sorted((str(path) for path in dev.iterdir() if _NODE.fullmatch(path.name)), key=_number)
    devices, refused = [], []
    for node in nodes:
        try:
            found = _inspect(node, sys)
        except PermissionError:
            refused.append(node)
        except OSError:
            continue  # unplugged meanwhile, or not a V4L2 device
        else:
            if found is not None:
                devices.append(found)
    return DeviceList(tuple(devices), tuple(refused))


def identify(node: str, sys: Path = Path("/sys")) -> Identity | None:
    """The identity of the camera at `node`; None if no camera is there."""
    try:
        with _opened(node) as file:
            found = _capability(file, node, sys)
    except OSError:
        return None
    return None if found is None else found[1]


def _inspect(node: str, sys: Path) -> Device | None:
    with _opened(node) as file:
        capability = _capability(file, node, sys)
        if capability is None:
            return None
        driver, identity, buffers = capability
        formats = tuple(
            PictureFormat(fourcc, width, height, _rates(file, fourcc, width, height))
            for fourcc in _fourccs(file, buffers)
            for width, height in _sizes(file, fourcc)
        )
    return Device(node, driver, identity, _stable_path(node), formats)


@contextmanager
def _opened(node: str) -> Iterator[int]:
    file = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def _capability(file: int, node: str, sys: Path) -> tuple[str, Identity, int] | None:
    """Driver, identity and buffer type; None for a node that captures no pictures."""
    answer = fcntl.ioctl(file, _QUERYCAP, bytes(_CAPABILITY.size))
    driver, card, bus, _, capabilities, device_caps = _CAPABILITY.unpack(answer)
    own = device_caps or capabilities
    buffers = next((kind for flag, kind in _BUF_TYPES.items() if own & flag), None)
    if buffers is None:
        return None
    return _text(driver), Identity(_text(card), _text(bus), _serial(node, sys)), buffers


def _fourccs(file: int, buffers: int) -> Iterator[str]:
    for index in range(_MOST_LISTED):
        answer = _ask(file, _ENUM_FMT, _FMTDESC.pack(index, buffers, 0, b"", 0))
        if answer is None:
            return
        yield _FMTDESC.unpack(answer)[4].to_bytes(4, "little").decode("ascii", "replace").rstrip()


def _sizes(file: int, fourcc: str) -> Iterator[tuple[int, int]]:
    for index in range(_MOST_LISTED):
        answer = _ask(file, _ENUM_FRAMESIZES, _FRMSIZE.pack(index, _code(fourcc), *[0] * 7))
        if answer is None:
            return
        _, _, kind, *numbers = _FRMSIZE.unpack(answer)
        if kind == _DISCRETE:
            yield numbers[0], numbers[1]
        else:  # any size up to the largest: min, max, step of width, then of height
            yield numbers[1], numbers[4]
            return


def _rates(file: int, fourcc: str, width: int, height: int) -> tuple[float, ...]:
    rates = set()
    for index in range(_MOST_LISTED):
        question = _FRMIVAL.pack(index, _code(fourcc), width, height, *[0] * 7)
        answer = _ask(file, _ENUM_FRAMEINTERVALS, question)
        if answer is None:
            break
        _, _, _, _, kind, *numbers = _FRMIVAL.unpack(answer)
        if numbers[0] and numbers[1]:  # an interval; of a range the shortest
            rates.add(round(numbers[1] / numbers[0], 3))
        if kind != _DISCRETE:
            break
    return tuple(sorted(rates, reverse=True))


def _ask(file: int, request: int, question: bytes) -> bytes | None:
    """The driver's reply; None after the last item of a list."""
    try:
        return fcntl.ioctl(file, request, question)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            return None
        raise


def _serial(node: str, sys: Path) -> str:
    """The serial number of the node's USB device, or an empty string."""
    interface = sys / "class" / "video4linux" / Path(node).name / "device"
    try:
        return (interface.resolve().parent / "serial").read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _stable_path(node: str) -> str | None:
    # By USB port if the camera has no unique id.
    for folder in ("by-id", "by-path"):
        try:
            links = sorted((Path(node).parent / "v4l" / folder).iterdir())
        except OSError:
            continue
        for link in links:
            if link.resolve() == Path(node):
                return str(link)
    return None


def _number(node: str) -> int:
    match = _NODE.search(node)
    return int(match[1]) if match else -1


def _code(fourcc: str) -> int:
    return int.from_bytes(fourcc.ljust(4).encode("ascii", "replace"), "little")


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace").strip()
