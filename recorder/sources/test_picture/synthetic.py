"""A synthetic camera: the test card with its counter and clock, encoded and paced like a real one.

Not here: drawing the card (`test_card`). The encoder is libx264 at its fastest preset. Frames that fall due
while the machine is busy arrive late; only a machine that is permanently too slow leaves holes in the
counter.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from urllib.parse import parse_qsl

import av
from av.video.codeccontext import VideoCodecContext

from recorder.base.clock import Clock
from recorder.base.errors import SourceUnsupported
from recorder.base.media_time import NS_PER_S
from recorder.bitstream.access_unit import SourceUnit
from recorder.sources.packets import UnitAssembler
from recorder.sources.test_picture.test_card import TestCard

_MAX_LATE_NS = 10 * NS_PER_S
"""Frames may be late by this much on a busy machine; beyond it, frames are skipped."""
_EXAMPLE = "synthetic?size=1280x720&fps=30&gop_s=1&bframes=0"


@dataclass(frozen=True, slots=True)
class SyntheticOptions:
    """Options of the test card."""

    width: int = 1280
    height: int = 720
    fps: Fraction = Fraction(30)
    gop_s: float = 1.0
    bframes: int = 0


def parse_options(address: str) -> SyntheticOptions:
    """Options from `synthetic` or `synthetic?size=1280x720&fps=30&gop_s=1&bframes=0`.

    Raises SourceUnsupported for unknown options and values out of range.
    """
    try:
        given = dict(
            parse_qsl(address.partition("?")[2], keep_blank_values=True, strict_parsing="?" in address)
        )
        width, height = (int(part) for part in given.pop("size", "1280x720").split("x"))
        options = SyntheticOptions(
            width=width,
            height=height,
            fps=Fraction(given.pop("fps", "30")).limit_denominator(1001),
            gop_s=float(given.pop("gop_s", "1")),
            bframes=int(given.pop("bframes", "0")),
        )
        _check(options, given)
    except (ValueError, ZeroDivisionError) as error:
        msg = f"{address!r} is no test card ({error}); write for example {_EXAMPLE!r}."
        raise SourceUnsupported(msg) from error
    return options


class SyntheticSource:
    """A source of test card frames, starting at frame 0."""

    def __init__(self, address: str, clock: Clock, stop: threading.Event) -> None:
        self.description = address
        self._clock = clock
        self._stop = stop
        self._options = parse_options(address)
        self._card: TestCard | None = None
        self._encoder: VideoCodecContext | None = None
        self._assembler = UnitAssembler(clock)
        self._first_ns = 0
        self._number = 0

    @property
    def damaged(self) -> int:
        """See `Source.damaged`."""
        return self._assembler.damaged

    def open(self) -> None:
        """Start the encoder; frame 0 is due at once."""
        self._card = TestCard(self._options.width, self._options.height)
        self._encoder = _make_encoder(self._options)
        self._assembler = UnitAssembler(self._clock)
        self._first_ns = self._clock.monotonic_ns()
        self._number = 0

    def read(self) -> list[SourceUnit]:
        """Wait until the next frame is due, draw and encode it."""
        if self._encoder is None or self._card is None or not self._wait_until_due():
            return []
        now = datetime.fromtimestamp(self._clock.realtime_ns() / NS_PER_S, tz=UTC)
        text = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d} UTC"
        frame = av.VideoFrame.from_ndarray(self._card.paint(self._number, text), format="yuv420p")
        frame.pts = self._number
        frame.time_base = 1 / self._options.fps
        self._number += 1
        return [unit for packet in self._encoder.encode(frame) for unit in self._assembler.take(packet)]

    def close(self) -> None:
        """Release the encoder, without flushing it."""
        self._encoder = None
        self._card = None

    def _wait_until_due(self) -> bool:
        late_ns = self._clock.monotonic_ns() - self._due_ns()
        if late_ns > _MAX_LATE_NS:
            self._number += int(late_ns * self._options.fps / NS_PER_S)
            late_ns = 0
        return not self._stop.wait(max(0, -late_ns) / NS_PER_S)

    def _due_ns(self) -> int:
        return self._first_ns + int(self._number * NS_PER_S / self._options.fps)


def _make_encoder(options: SyntheticOptions) -> VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = options.width, options.height, "yuv420p"
    encoder.time_base = 1 / options.fps
    encoder.framerate = options.fps
    encoder.thread_count = 1
    gop = max(1, round(options.gop_s * options.fps))
    parameters = (
        f"keyint={gop}:min-keyint={gop}:scenecut=0:repeat-headers=1:bframes={options.bframes}:b-adapt=0"
    )
    encoder.options = {"preset": "ultrafast", "crf": "28", "x264-params": parameters}
    if options.bframes == 0:
        encoder.options |= {"tune": "zerolatency"}
    encoder.open()
    return encoder


def _check(options: SyntheticOptions, unknown: dict[str, str]) -> None:
    problems = {
        f"unknown option {', '.join(unknown)}": bool(unknown),
        "size must be even and from 80x48 to 3840x2160": not (
            80 <= options.width <= 3840
            and 48 <= options.height <= 2160
            and options.width % 2 == 0
            and options.height % 2 == 0
        ),
        "fps must be from 1 to 120": not 1 <= options.fps <= 120,
        "gop_s must be from 0.01 to 60": not 0.01 <= options.gop_s <= 60,
        "bframes must be from 0 to 3": not 0 <= options.bframes <= 3,
    }
    for problem, found in problems.items():
        if found:
            raise ValueError(problem)
