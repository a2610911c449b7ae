"""Flashes and clicks: when each is seen and heard in a finished file, as a player that honours times does it.

Here: what the sound tests measure with. Not here: cameras (`rtsp`), the material they play (`material`).
"""

from pathlib import Path

import av
import numpy as np

LOUD = 0.2
BRIGHT = 128


def flashes_s(path: Path) -> list[float]:
    """When each white picture appears."""
    found: list[float] = []
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            picture = frame.to_ndarray(format="gray")
            if picture[picture.shape[0] // 2 :].mean() > BRIGHT:
                found.append(float((frame.pts or 0) * (stream.time_base or 0)))
    return found


def clicks_s(path: Path) -> list[float]:
    """When each click begins: the first loud sample after at least half a second of quiet."""
    found: list[float] = []
    with av.open(str(path), "r") as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > LOUD)
            begin_s = float((frame.pts or 0) * (stream.time_base or 0))
            for index in loud:
                at_s = begin_s + float(index) / frame.sample_rate
                if not found or at_s - found[-1] > 0.5:
                    found.append(at_s)
    return found


def heard_s(path: Path) -> tuple[float, float]:
    """When the sound begins and ends, in seconds of the clip."""
    with av.open(str(path), "r") as container:
        stream = container.streams.audio[0]
        frames = [(frame.pts or 0, frame.samples, frame.sample_rate) for frame in container.decode(stream)]
        base = float(stream.time_base or 0)
    return frames[0][0] * base, frames[-1][0] * base + frames[-1][1] / frames[-1][2]


def offsets_s(path: Path) -> list[float]:
    """How much later than its flash each click is heard; clicks without a flash within 0.4 s are left out."""
    flashes = flashes_s(path)
    nearest = [(click, min(flashes, key=lambda flash: abs(click - flash))) for click in clicks_s(path)]
    return [click - flash for click, flash in nearest if abs(click - flash) < 0.4]
