"""What the tests' cameras show: encoded once, cached by its parameters, told apart frame by frame.

Real footage when the checkout has it beside it, a drawn picture otherwise, both under the test card's
counter. The cache lives in the system's temporary directory; a file is one camera loop of whole GOPs
in decode order, so that it can go round without a seam.

File format: one line of JSON, `{"codec": "h264", "fps": [30, 1], "frames": 3000, "size": [640, 360],
"units": [[size, pts, dts, key], …]}` with times in frames, then the access units (Annex B with parameter
sets at every keyframe, or JPEGs), end to end.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from recorder.bitstream.access_unit import Codec
from recorder.sources.test_picture.test_card import TestCard, draw_counter

FOOTAGE = Path(__file__).parents[4] / "shared" / "footage" / "car-detection.mp4"
_FORMAT = 4


@dataclass(frozen=True, slots=True)
class Material:
    """One camera's loop. `frames` is rounded up to whole GOPs; `bitrate_kbps` None: cheap constant quality.

    The counter in the picture runs from `first_counter` to the end of the loop, then begins again.
    """

    width: int = 640
    height: int = 360
    fps: int = 30
    gop: int = 30
    bframes: int = 0
    frames: int = 3000
    bitrate_kbps: int | None = None
    slices: int = 1
    codec: Codec = Codec.H264
    """MJPEG has no GOPs, so `gop` only rounds up `frames` there; `bframes` and `bitrate_kbps` say nothing."""
    first_counter: int = 0
    flash: bool = False
    """Dark, and white at each whole second (frame % fps == 0)."""

    def file(self) -> Path:
        """The encoded loop; made now if it is not in the cache."""
        values = {**asdict(self), "footage": FOOTAGE.exists(), "format": _FORMAT}
        name = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / "hindsight-test-material" / f"{name}.units"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(self._encode())
            unfinished.replace(path)
        return path

    def _encode(self) -> bytes:
        count = -(-self.frames // self.gop) * self.gop
        index: list[tuple[int, int, int, bool]] = []
        payload = bytearray()
        encoder = self._encoder()
        for number, picture in enumerate(self._pictures(count)):
            if self.flash:
                picture[:] = 128
                picture[: self.height] = 235 if number % self.fps == 0 else 16
            draw_counter(picture[: self.height], self.first_counter + number)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            _collect(encoder.encode(frame), index, payload)
        _collect(encoder.encode(None), index, payload)
        header = {"codec": self.codec.value, "fps": [self.fps, 1], "frames": count}
        return (
            json.dumps({**header, "size": [self.width, self.height], "units": index}).encode()
            + b"\n"
            + bytes(payload)
        )

    def _encoder(self) -> av.VideoCodecContext:
        names = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}
        encoder = av.CodecContext.create(names[self.codec], "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height = self.width, self.height
        encoder.pix_fmt = "yuvj420p" if self.codec is Codec.MJPEG else "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, self.fps), Fraction(self.fps)
        # libav asks x264 for one slice per thread unless told otherwise.
        encoder.thread_type = "FRAME"
        match self.codec:
            case Codec.H264:
                self._set_up_h264(encoder)
            case Codec.H265:
                parameters = f"log-level=none:keyint={self.gop}:min-keyint={self.gop}:scenecut=0"
                parameters += f":repeat-headers=1:open-gop=0:bframes={self.bframes}:b-adapt=0:crf=34"
                encoder.options = {"preset": "ultrafast", "x265-params": parameters}
            case Codec.MJPEG:
                # RTP carries no Huffman tables (RFC 2435), so only the standard ones will do.
                encoder.options = {"huffman": "default", "qmin": "5", "qmax": "5"}
                encoder.thread_count = 1
        return encoder

    def _set_up_h264(self, encoder: av.VideoCodecContext) -> None:
        parameters = (
            f"keyint={self.gop}:min-keyint={self.gop}:scenecut=0:repeat-headers=1:open-gop=0"
            f":bframes={self.bframes}:b-adapt=0:slices={self.slices}"
        )
        encoder.options = {"preset": "ultrafast", "x264-params": parameters}
        if self.bitrate_kbps is None:
            encoder.options |= {"crf": "32"}
        else:
            encoder.bit_rate = self.bitrate_kbps * 1000
            constant = f":nal-hrd=cbr:vbv-maxrate={self.bitrate_kbps}:vbv-bufsize={self.bitrate_kbps}"
            encoder.options |= {"x264-params": parameters + constant}

    def _pictures(self, count: int) -> Iterator[npt.NDArray[np.uint8]]:
        """`count` pictures as I420; each may be drawn upon."""
        if FOOTAGE.exists():
            yield from self._footage(count)
            return
        card = TestCard(self.width, self.height)
        for number in range(count):
            yield card.paint(number, "")

    def _footage(self, count: int) -> Iterator[npt.NDArray[np.uint8]]:
        number = 0
        while number < count:
            begun = number
            with av.open(FOOTAGE) as container:
                rate = container.streams.video[0].average_rate or Fraction(25, 2)
                for position, picture in enumerate(_scaled(container, self.width, self.height)):
                    # Repeat or skip source frames so that the picture moves at its own speed.
                    until = begun + int((position + 1) * self.fps / rate)
                    while number < min(until, count):
                        yield picture
                        number += 1


def _scaled(container: InputContainer, width: int, height: int) -> Iterator[npt.NDArray[np.uint8]]:
    for frame in container.decode(video=0):
        scaled = frame.reformat(width, height, "yuv420p", interpolation="FAST_BILINEAR")
        yield np.ascontiguousarray(scaled.to_ndarray()).astype(np.uint8, copy=False)


def _collect(
    packets: "list[av.Packet[av.VideoStream]]", index: list[tuple[int, int, int, bool]], payload: bytearray
) -> None:
    for packet in packets:
        assert packet.pts is not None
        assert packet.dts is not None
        index.append((packet.size, packet.pts, packet.dts, packet.is_keyframe))
        payload += bytes(packet)


SOUND_HZ = 48_000
CLICK_S = 0.01


def click_track() -> Path:
    """Eight seconds of AAC with a click of 1 kHz at each whole second, that can go round: 375 frames.

    File format: one line of JSON with the sizes of the frames, then the frames.
    """
    path = Path(tempfile.gettempdir()) / "hindsight-test-material" / f"clicks-{_FORMAT}.aac"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = _click_frames()
        unfinished = path.with_suffix(f".{os.getpid()}")
        sizes = json.dumps([len(frame) for frame in frames])
        unfinished.write_bytes(sizes.encode() + b"\n" + b"".join(frames))
        unfinished.replace(path)
    return path


def _click_frames() -> list[bytes]:
    """The middle third of three rounds, so that it joins itself without a seam."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SOUND_HZ, "mono", "fltp"
    encoder.bit_rate, encoder.time_base = 64_000, Fraction(1, SOUND_HZ)
    times = np.arange(SOUND_HZ) / SOUND_HZ
    second = np.where(times < CLICK_S, 0.8 * np.sin(2 * np.pi * 1000 * times), 0.0).astype(np.float32)
    samples = np.tile(second, 24)
    packets: list[av.Packet[av.AudioStream]] = []
    for begin in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, begin : begin + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, begin, Fraction(1, SOUND_HZ)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    middle = range(8 * SOUND_HZ, 16 * SOUND_HZ)
    return [bytes(packet) for packet in packets if packet.pts in middle]
