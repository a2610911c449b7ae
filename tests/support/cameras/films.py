"""Films for cameras that play one: dark, with a white flash and a click in the middle of each second.

Here: writing them, and a clock that lets a file be played without waiting. Not here: measuring (`sound`).
"""

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.support.fakes import NS_PER_S, SimulatedClock

FPS = 30
CLICK_S = 0.01


def click_samples(rate_hz: int, count: int, ppm: float = 0.0) -> npt.NDArray[np.float32]:
    """Sound with a click in the middle of each second, as a crystal hears it that runs `ppm` too fast."""
    times = np.arange(count) / (rate_hz * (1 + ppm / 1e6))
    second = (times + 0.5) % 1.0
    return np.where(second < CLICK_S, 0.8 * np.sin(2 * np.pi * 1000 * second), 0.0).astype(np.float32)


def write_flash_film(
    path: Path, sound: str = "aac", *, frames: int = 108, rate_hz: int = 48_000, video: str = "libx264"
) -> None:
    """`sound`: the name of an encoder, for example aac or pcm_s16le; empty for none."""
    with av.open(path, "w") as container:
        pictures = container.add_stream(video, rate=FPS)
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height = 320, 180
        pictures.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
        pictures.time_base = Fraction(1, FPS)
        if video == "libx264":
            pictures.options = {"preset": "ultrafast", "x264-params": "keyint=15:scenecut=0"}
        heard = container.add_stream(sound, rate=rate_hz, layout="mono") if sound else None
        clicks = (click_samples(rate_hz, frames * rate_hz // FPS) * 32767).astype(np.int16)
        for number in range(frames):
            level = 235 if number % FPS == FPS // 2 else 16
            picture = np.full((180, 320, 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            container.mux(pictures.encode(frame))
            if isinstance(heard, av.AudioStream):
                begin, end = (n * rate_hz // FPS for n in (number, number + 1))
                container.mux(heard.encode(_samples(clicks, begin, end, rate_hz)))
        container.mux(pictures.encode(None))
        if isinstance(heard, av.AudioStream):
            container.mux(heard.encode(None))


def _samples(clicks: npt.NDArray[np.int16], begin: int, end: int, rate_hz: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(clicks[None, begin:end], format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), begin
    return frame


class Hurry(threading.Event):
    """A word to stop that nobody has to wait for: what is waited passes on `clock` at once."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.advance(round((timeout or 0.0) * NS_PER_S))
        return self.is_set()
