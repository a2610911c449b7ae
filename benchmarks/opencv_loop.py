"""The obvious way: decode everything into a deque, and write it out when somebody presses.

A program of its own, so that it can be measured like the others. On SIGUSR1 it writes what it holds
and prints one line of JSON; on SIGTERM it ends.
"""

import json
import signal
import sys
import time
from collections import deque
from types import FrameType

import cv2
import numpy as np
import numpy.typing as npt


def main() -> None:
    """`opencv_loop.py SOURCE FPS SECONDS OUTPUT [WIDTH HEIGHT]`: a URL, or a webcam's number and its size."""
    url, fps, seconds, output = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    frames: deque[npt.NDArray[np.uint8]] = deque(maxlen=round(fps * seconds))
    pressed = False

    def press(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True

    signal.signal(signal.SIGUSR1, press)
    capture = webcam(int(url), *map(int, sys.argv[5:7])) if url.isdecimal() else cv2.VideoCapture(url)
    while capture.isOpened():
        good, frame = capture.read()
        if not good:
            break
        frames.append(frame.astype(np.uint8, copy=False))
        if pressed:
            pressed = False
            print(json.dumps(write(list(frames), fps, output)), flush=True)


def webcam(number: int, width: int, height: int) -> cv2.VideoCapture:
    """As people ask for the size they want."""
    capture = cv2.VideoCapture(number)
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # noqa: TID251  only the code's number
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    return capture


def write(frames: list[npt.NDArray[np.uint8]], fps: float, output: str) -> dict[str, float]:
    """MPEG-4 part 2, the best these wheels can write."""
    began = time.perf_counter()
    height, width = frames[0].shape[:2]
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")  # noqa: TID251  the peer is what people write, not what we do
    writer = cv2.VideoWriter(output, fourcc, fps, (width, height))  # noqa: TID251
    for frame in frames:
        writer.write(frame)
    writer.release()
    return {"frames": len(frames), "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    main()
