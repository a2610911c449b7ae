"""The recorder's capture thread in a process of its own, with the fake camera preloaded.

    with Capture(camera, source="0") as capture:
        capture.wait(lambda status: status["state"] == "live")
        capture.units()

The process answers a line with a line of JSON; it ends when its input does.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from recorder.base.clock import LabelLine, SystemClock
from recorder.base.settings import CameraSettings
from recorder.capture.background_stream import BackgroundStream
from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.fake_v4l2.camera import FakeCamera

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True, slots=True)
class Kept:
    """One unit of the ring, decoded far enough to know which frame it is."""

    counter: int | None
    run: int
    pts_ns: int
    width: int
    height: int
    codec: str
    colours: list[list[int]]
    """Blue, green, red at 16 places along a line through the colour bars and one through the grey ramp."""


class Capture:
    """Starts and asks the process; `settings` are more of CameraSettings."""

    def __init__(self, camera: FakeCamera, source: str = "0", **settings: Any) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.support.cameras.fake_v4l2.capture",
            json.dumps({"source": source} | settings),
        ]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = os.environ | camera.environment
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)  # type: ignore[call-overload]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()
        try:
            assert self._process.wait(10) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("status")
        return found

    def units(self) -> list[Kept]:
        """Everything in the ring, oldest first."""
        return [Kept(**values) for values in self._ask("units")]

    def counters(self) -> list[int | None]:
        return [unit.counter for unit in self.units()]

    def wait(self, condition: Callable[[dict[str, Any]], Any], deadline_s: float = 20.0) -> dict[str, Any]:
        """The first status for which `condition` holds."""
        end_s = time.monotonic() + deadline_s
        while True:
            status = self.status()
            if condition(status):
                return status
            assert time.monotonic() < end_s, status
            time.sleep(0.03)

    def wait_for_frames(self, more: int) -> None:
        """Until so many more frames have come than now."""
        wanted = self.status()["units"] + more
        self.wait(lambda status: status["units"] >= wanted)

    def _ask(self, question: str) -> Any:
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the capturing process ended"
        return json.loads(answer)


def _main(settings: dict[str, Any]) -> None:
    clock = SystemClock()
    stream = BackgroundStream(
        CameraSettings("usb", "Usb", read_timeout_s=3.0, **settings),
        clock,
        LabelLine(clock),
        on_units=lambda: None,
        on_change=lambda: None,
    )
    stream.start()
    for line in sys.stdin:
        answer = _status(stream) if line.strip() == "status" else _units(stream)
        print(json.dumps(answer), flush=True)
    stream.close()


def _status(stream: BackgroundStream) -> dict[str, Any]:
    status = stream.status()
    plain = {
        name: getattr(status, name) for name in ("reason", "last_error", "codec", "width", "height", "fps")
    }
    return plain | asdict(status.counters) | {"state": status.state.value}


def _units(stream: BackgroundStream) -> list[dict[str, Any]]:
    found = []
    for unit in stream.units.after(-1):
        counter, colours = _seen(unit.data)
        epoch = unit.epoch
        kept = Kept(counter, unit.run, unit.pts_ns, epoch.width, epoch.height, epoch.codec.value, colours)
        found.append(asdict(kept))
    return found


def _seen(data: bytes) -> tuple[int | None, list[list[int]]]:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None, []
    height, width = picture.shape[:2]
    lines = (height // 2, height * 11 // 16)
    places = [width * (2 * index + 1) // 32 for index in range(16)]
    return read_counter(picture), [[int(v) for v in picture[y, x]] for y in lines for x in places]


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
