"""A USB camera that is not there: what it can send, and the hand that pulls its plug.

    with FakeCamera(tmp_path, [mjpeg(Material(...))]) as camera:
        Daemon(tmp_path, [{"id": "usb", "source": "0"}], environment=camera.environment)
        camera.unplug(); camera.plug_in(node=3); camera.corrupt(2)

`device.c` is the camera itself: a library that a process preloads. It is compiled on first use into
the system's temporary directory, under its content's hash. Control and counters are one small file
that both sides map, so a command takes effect with the next frame.
"""

import atexit
import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from recorder.sources.test_picture.test_card import TestCard, draw_counter
from tests.support.components import require

BY_ID = "/dev/v4l/by-id/usb-Fake_Camera-video-index0"
CARD = "Fake Camera"
_SOURCE = Path(__file__).with_name("device.c")
_CONTROL = struct.Struct("<11i32s32s")
_FIELDS = (
    "node",
    "plugged_in",
    "stalled",
    "frozen",
    "corrupt",
    "empty",
    "shown",
    "dropped",
    "streams",
    "refused",
    "unstamped",
)
_MODE = struct.Struct("<4s5IQ")
_FRAME = struct.Struct("<Q2I")

Picture = npt.NDArray[np.uint8]
Encode = Callable[[Picture], bytes]


@dataclass(frozen=True, slots=True)
class Mode:
    """One format and size that the camera offers, and its loop of frames."""

    fourcc: bytes
    width: int
    height: int
    fps: int
    frames: tuple[bytes, ...]


def mjpeg(width: int = 320, height: int = 240, fps: int = 30, count: int = 300) -> Mode:
    """The test card as JPEG, counter from 0."""
    return _mode(b"MJPG", _as_jpeg, (width, height, fps, count))


def yuyv(width: int = 320, height: int = 240, fps: int = 30, count: int = 300) -> Mode:
    """The test card as raw pictures, 4:2:2, in the limited range that webcams send.

    The lowest lines are noise, as a sensor's are: no two frames are equal there.
    """
    return _mode(b"YUYV", _as_yuyv, (width, height, fps, count))


def _mode(fourcc: bytes, encode: Encode, shape: tuple[int, int, int, int]) -> Mode:
    width, height, fps, count = shape
    card = TestCard(width, height)
    frames = tuple(encode(card.paint(number, "")) for number in range(count))
    return Mode(fourcc, width, height, fps, frames)


def _as_jpeg(picture: Picture) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_I420)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _as_yuyv(picture: Picture) -> bytes:
    width, height = picture.shape[1], picture.shape[0] * 2 // 3
    packed = np.empty((height, width // 2, 4), np.uint8)
    packed[:, :, 0], packed[:, :, 2] = picture[:height, 0::2], picture[:height, 1::2]
    chroma = picture[height:].reshape(2, height // 2, width // 2).repeat(2, axis=1)
    packed[:, :, 1], packed[:, :, 3] = chroma[0], chroma[1]
    packed[-4:] = np.random.default_rng(zlib.crc32(picture.tobytes())).integers(100, 140, packed[-4:].shape)
    return packed.tobytes()


PATCHES = [
    (0, 0, 0), (64, 64, 64), (128, 128, 128), (200, 200, 200), (255, 255, 255), (32, 32, 32),
    (0, 0, 255), (0, 255, 0), (255, 0, 0), (30, 120, 200), (200, 60, 30), (90, 200, 140),
]  # fmt: skip
"""The colours of `chart`: blue, green, red."""


def chart(fourcc: bytes, fps: int, width: int = 320, height: int = 240, count: int = 300) -> Mode:
    """Flat patches under the counter, as JPEG (`MJPG`) or raw pictures (`YUYV`).

    The lowest lines are noise, as of a sensor.
    """
    noise = np.random.default_rng(1)
    frames = []
    for number in range(count):
        picture = np.full((height, width, 3), 128, np.uint8)
        for places, colour in zip(patches(picture), PATCHES, strict=True):
            places[:] = colour
        draw_counter(picture, number)
        picture[-4:] = noise.integers(100, 140, picture[-4:].shape, np.uint8)
        frames.append(_ENCODERS[fourcc](picture))
    return Mode(fourcc, width, height, fps, tuple(frames))


def patches(picture: Picture) -> list[Picture]:
    """Views of a chart's patches, whole."""
    height, width = picture.shape[:2]
    rows, columns = 2, len(PATCHES) // 2
    top, cell_h, cell_w = height // 8, (height - 2 * (height // 8)) // rows, width // columns
    return [
        picture[top + row * cell_h : top + (row + 1) * cell_h, column * cell_w : (column + 1) * cell_w]
        for row in range(rows)
        for column in range(columns)
    ]


def pictured(mode: Mode) -> Picture:
    """The first frame of a mode as anybody would see it: blue, green, red."""
    data = np.frombuffer(mode.frames[0], np.uint8)
    if mode.fourcc == b"YUYV":
        return cv2.cvtColor(data.reshape(mode.height, mode.width, 2), cv2.COLOR_YUV2BGR_YUYV).astype(np.uint8)
    seen = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert seen is not None
    return seen.astype(np.uint8)


_ENCODERS: dict[bytes, Encode] = {
    b"MJPG": lambda bgr: cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes(),
    b"YUYV": lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_YUYV).tobytes(),
}


class FakeCamera:
    """One camera for the processes started with `environment`; plugged in from the beginning."""

    def __init__(self, directory: Path, modes: Sequence[Mode], node: int = 0) -> None:
        self._directory = directory / "fake_v4l2"
        self._directory.mkdir(exist_ok=True)
        (self._directory / "material").write_bytes(_packed(modes))
        control = self._directory / "control"
        control.write_bytes(_CONTROL.pack(node, 1, *[0] * 9, CARD.encode(), b"usb-fake-1"))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), _CONTROL.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to have this camera."""
        return {"LD_PRELOAD": str(library()), "FAKE_V4L2": str(self._directory)}

    @property
    def shown(self) -> int:
        """Frames handed to the reader so far, by all its connections."""
        return self._get("shown")

    @property
    def dropped(self) -> int:
        """Frames lost because the reader had given no buffer back in time."""
        return self._get("dropped")

    @property
    def streams(self) -> int:
        """How often a reader began to stream."""
        return self._get("streams")

    def unplug(self) -> None:
        self._set("node", -1)

    def plug_in(self, node: int = 0, *, card: str = CARD, bus: str = "usb-fake-1") -> None:
        """Plug in, perhaps as another node, into another socket, or as another camera."""
        struct.pack_into("<32s32s", self._control, 4 * len(_FIELDS), card.encode(), bus.encode())
        self._set("plugged_in", self._get("plugged_in") + 1)
        self._set("node", node)

    def stall(self, stalled: bool = True) -> None:
        self._set("stalled", int(stalled))

    def freeze(self, frozen: bool = True) -> None:
        self._set("frozen", int(frozen))

    def refuse(self) -> None:
        """Let nobody open it."""
        self._set("refused", 1)

    def stamp_nothing(self) -> None:
        """Send frames without a time, as some drivers do."""
        self._set("unstamped", 1)

    def corrupt(self, count: int) -> None:
        """Cut so many of the coming frames in half."""
        self._set("corrupt", count)

    def send_nothing(self, count: int) -> None:
        """Let so many of the coming frames be empty."""
        self._set("empty", count)

    @property
    def has_done_damage(self) -> bool:
        """Whether every frame asked to be corrupt or empty has been sent."""
        return self._get("corrupt") == self._get("empty") == 0

    def _get(self, name: str) -> int:
        value: Any = struct.unpack_from("<i", self._control, 4 * _FIELDS.index(name))[0]
        return int(value)

    def _set(self, name: str, value: int) -> None:
        struct.pack_into("<i", self._control, 4 * _FIELDS.index(name), value)


@lru_cache
def without_cameras() -> dict[str, str]:
    """What a process needs to see none of this machine's own cameras: nothing, where there are none."""
    if not any(Path("/dev").glob("video*")):
        return {}
    with FakeCamera(_directory_of_this_process(), [mjpeg(80, 60, count=1)], node=-1) as nobody:
        return nobody.environment


@lru_cache
def _directory_of_this_process() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="hindsight-no-camera-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def library() -> Path:
    """The compiled device."""
    compiler = require("cc", "apt-get install gcc libc6-dev linux-libc-dev")
    name = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / "hindsight-test-material" / f"fake_v4l2-{name}.so"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        options = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
        files = ["-o", str(unfinished), str(_SOURCE), "-ldl", "-lpthread"]
        subprocess.run([str(compiler), *options, *files], check=True, timeout=60)
        unfinished.replace(path)
    return path


def _packed(modes: Sequence[Mode]) -> bytes:
    """The material file, as `device.c` reads it."""
    position = 8 + _MODE.size * len(modes)
    heads, bodies = [], []
    for mode in modes:
        largest = max(map(len, mode.frames))
        rate = (mode.fps, len(mode.frames), largest)
        heads.append(_MODE.pack(mode.fourcc, mode.width, mode.height, *rate, position))
        offset = position + _FRAME.size * len(mode.frames)
        index = []
        for frame in mode.frames:
            index.append(_FRAME.pack(offset, len(frame), 0))
            offset += len(frame)
        padding = -offset % 8
        bodies.append(b"".join((*index, *mode.frames)) + bytes(padding))
        position = offset + padding
    return struct.pack("<2I", len(modes), 0) + b"".join((*heads, *bodies))
