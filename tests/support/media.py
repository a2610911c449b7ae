"""Pictures with a counter, encoded into access units, and the counters read back from a file.

Here: what the tests of ring, part file, muxer and decoder feed on. Not here: cameras, servers, the daemon.
Encoding is libx264 at a small size, so a minute of "camera" costs well under a second.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from recorder.bitstream import h264, h265
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.sources.test_picture.test_card import draw_counter, read_counter

NS_PER_S = 1_000_000_000
WIDTH, HEIGHT = 320, 48
_SETS: dict[Codec, tuple[Callable[[memoryview], int], tuple[int, ...]]] = {
    Codec.H264: (h264.nal_type, (h264.NAL_SPS, h264.NAL_PPS)),
    Codec.H265: (h265.nal_type, (h265.NAL_VPS, h265.NAL_SPS, h265.NAL_PPS)),
    Codec.MJPEG: (h264.nal_type, ()),
}


@dataclass(frozen=True, slots=True)
class Camera:
    """How the imagined camera encodes. `inline` False: parameter sets out of band only."""

    fps: Fraction = Fraction(30)
    gop: int = 30
    bframes: int = 0
    pyramid: bool = True
    inline: bool = True
    width: int = WIDTH
    height: int = HEIGHT
    codec: Codec = Codec.H264


@lru_cache(maxsize=32)
def encode(camera: Camera, count: int, first: int = 0) -> tuple[tuple[bytes, int, int, bool], ...]:
    """`count` pictures as (Annex B data, pts, dts, is_keyframe), timestamps counted in frames."""
    codec = _encoder(camera)
    packets = []
    for index in range(count):
        picture = np.full((camera.height, camera.width, 3), 90, np.uint8)
        draw_counter(picture, first + index)
        frame = av.VideoFrame.from_ndarray(picture, "bgr24")
        frame.pts = index
        frame.pict_type = PictureType.NONE
        packets += codec.encode(frame)
    packets += codec.encode(None)
    found = []
    for packet in packets:
        assert packet.pts is not None
        assert packet.dts is not None
        found.append((bytes(packet), packet.pts, packet.dts, packet.is_keyframe))
    return tuple(found)


def _encoder(camera: Camera) -> av.VideoCodecContext:
    names = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}
    codec = av.CodecContext.create(names[camera.codec], "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height = camera.width, camera.height
    codec.pix_fmt = "yuvj420p" if camera.codec is Codec.MJPEG else "yuv420p"
    codec.time_base, codec.framerate = 1 / camera.fps, camera.fps
    params = f"keyint={camera.gop}:min-keyint={camera.gop}:scenecut=0:bframes={camera.bframes}:b-adapt=0"
    match camera.codec:
        case Codec.H264:
            pyramid = "normal" if camera.pyramid and camera.bframes > 1 else "none"
            params += f":b-pyramid={pyramid}:rc-lookahead=0:threads=1:ref=3"
            codec.options = {"preset": "superfast", "crf": "30", "x264-params": params}
        case Codec.H265:
            params += ":log-level=none:open-gop=0:repeat-headers=1"
            codec.options = {"preset": "ultrafast", "x265-params": params}
        case Codec.MJPEG:
            codec.thread_count = 1
    return codec


def units_of(
    camera: Camera, count: int, *, first: int = 0, start_ns: int = 5 * NS_PER_S, run: int = 0
) -> list[AccessUnit]:
    """`count` units whose picture number i shows counter `first + i` at `start_ns` + i frames."""
    packets = encode(camera, count, first)
    kind_of, kinds = _SETS[camera.codec]
    first_nals = h264.split_nal_units(packets[0][0])
    sets = h264.annex_b(nal for kind in kinds for nal in first_nals if kind_of(nal) == kind)
    epoch = Epoch(camera.codec, camera.width, camera.height, sets)
    frame_ns = NS_PER_S / camera.fps
    units = []
    for sequence, (data, pts, dts, is_keyframe) in enumerate(packets):
        nals = h264.split_nal_units(data)
        kept = [nal for nal in nals if camera.inline or kind_of(nal) not in kinds]
        units.append(
            AccessUnit(
                sequence=sequence,
                run=run,
                epoch=epoch,
                is_keyframe=is_keyframe,
                pts_ns=start_ns + round(pts * frame_ns),
                dts_ns=start_ns + round(dts * frame_ns),
                duration_ns=round(frame_ns),
                data=data if camera.codec is Codec.MJPEG else h264.annex_b(kept),
            )
        )
    return units


def counter_in(picture: npt.NDArray[np.uint8]) -> int:
    """The counter of a decoded picture; fails loudly where none is to be seen."""
    counter = read_counter(picture)
    assert counter is not None, "the picture shows no counter"
    return counter


def joined(*runs: Sequence[AccessUnit]) -> list[AccessUnit]:
    """Several runs as one camera's units: sequence numbers go on, run numbers count up."""
    units: list[AccessUnit] = []
    for run, own in enumerate(runs):
        units += [replace(unit, run=run, sequence=len(units) + index) for index, unit in enumerate(own)]
    return units


def counter_times(start_ns: int, fps: Fraction, counters: Iterable[int]) -> list[int]:
    """The pts_ns of the given counters in `units_of`."""
    return [start_ns + round(counter * NS_PER_S / fps) for counter in counters]


@dataclass(frozen=True, slots=True)
class Played:
    """What a player shows of a file: counters in presentation order and their times."""

    counters: tuple[int, ...]
    times_s: tuple[Fraction, ...]
    container_s: Fraction
    stream_s: Fraction
    last_duration_s: Fraction


def play(path: Path) -> Played:
    """Decode `path` as a player that honours edit lists does: discarded packets are not shown."""
    counters, times, last = [], [], Fraction(0)
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        assert container.duration is not None
        assert stream.duration is not None
        assert stream.time_base is not None
        length = Fraction(container.duration, 1_000_000)
        stream_length = stream.duration * stream.time_base
        for frame in container.decode(stream):
            counters.append(counter_in(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)))
            times.append((frame.pts or 0) * stream.time_base)
            last = (frame.duration or 0) * stream.time_base
    return Played(tuple(counters), tuple(times), length, stream_length, last)
