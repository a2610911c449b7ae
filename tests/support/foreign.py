"""Units of cameras that do not send H.264, and part files of them: what the transcoder's tests feed on.

Here: JPEG and H.265 with the test card's counter, encoded small. Not here: the cameras (`rtsp`, the fake
V4L2 device).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from recorder.bitstream import h265
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.nal_units import annex_b, split_nal_units
from recorder.recording.part_file import PartHeader, PartWriter
from recorder.sources.test_picture.test_card import draw_counter

NS_PER_S = 1_000_000_000
FPS = 30
START_NS = 5 * NS_PER_S
BASE_LABEL_US = 1_750_000_000_000_000
SAMPLING = {
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


def time_of(number: int) -> int:
    """pts_ns of the frame that shows `number`."""
    return START_NS + round(number * NS_PER_S / FPS)


def jpeg_of(picture: npt.NDArray[np.uint8], sampling: str = "420") -> bytes:
    """`picture` (BGR) as a camera would send it."""
    done, data = cv2.imencode(
        ".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING[sampling]]
    )
    assert done
    return data.tobytes()


def jpeg_unit(data: bytes, number: int, size: tuple[int, int], run: int = 0) -> AccessUnit:
    """A JPEG as the unit of frame `number`."""
    return AccessUnit(
        sequence=number,
        run=run,
        epoch=Epoch(Codec.MJPEG, *size, b""),
        is_keyframe=True,
        pts_ns=time_of(number),
        dts_ns=time_of(number),
        duration_ns=round(NS_PER_S / FPS),
        data=data,
    )


def jpeg_units(numbers: Sequence[int], size: tuple[int, int] = (320, 96), run: int = 0) -> list[AccessUnit]:
    """A webcam's units, each showing its number."""
    units = []
    for number in numbers:
        picture = np.full((size[1], size[0], 3), 90, np.uint8)
        draw_counter(picture, number)
        units.append(jpeg_unit(jpeg_of(picture), number, size, run))
    return units


@dataclass(frozen=True, slots=True)
class H265Camera:
    """How an imagined H.265 camera encodes."""

    bframes: int = 2
    gop: int = 15
    width: int = 320
    height: int = 96


@lru_cache(maxsize=8)
def h265_units(camera: H265Camera, count: int, first: int = 0, run: int = 0) -> tuple[AccessUnit, ...]:
    """`count` units in decode order, the frame shown as number n carrying counter n; sets out of band."""
    codec = av.CodecContext.create("libx265", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = camera.width, camera.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS)
    parameters = f"keyint={camera.gop}:min-keyint={camera.gop}:scenecut=0:bframes={camera.bframes}:b-adapt=0"
    codec.options = {
        "preset": "ultrafast",
        "crf": "28",
        "x265-params": f"{parameters}:repeat-headers=1:log-level=none:pools=1:frame-threads=1:open-gop=0",
    }
    packets = []
    for index in range(count):
        picture = np.full((camera.height, camera.width, 3), 90, np.uint8)
        draw_counter(picture, first + index)
        frame = av.VideoFrame.from_ndarray(picture, "bgr24")
        frame.pts, frame.pict_type = index, PictureType.NONE
        packets += codec.encode(frame)
    packets += codec.encode(None)
    sets = (h265.NAL_VPS, h265.NAL_SPS, h265.NAL_PPS)
    nals = [split_nal_units(bytes(packet)) for packet in packets]
    epoch = Epoch(
        Codec.H265,
        camera.width,
        camera.height,
        annex_b(nal for nal in nals[0] if h265.nal_type(nal) in sets),
    )
    return tuple(
        AccessUnit(
            sequence=first + index,
            run=run,
            epoch=epoch,
            is_keyframe=packet.is_keyframe,
            pts_ns=time_of(first + (packet.pts or 0)),
            dts_ns=time_of(first + (packet.dts or 0)),
            duration_ns=round(NS_PER_S / FPS),
            data=annex_b(nal for nal in own if h265.nal_type(nal) not in sets),
        )
        for index, (packet, own) in enumerate(zip(packets, nals, strict=True))
    )


def header_of(
    unit: AccessUnit, span: tuple[int, int | None], rotation_deg: int = 0, recording_id: str = "clip"
) -> PartHeader:
    """The header of a part file that begins with `unit`; the span in nanoseconds."""
    return PartHeader(
        recording_id=recording_id,
        camera_id="cam",
        recorder_id="box",
        epoch=unit.epoch,
        base_ns=START_NS,
        base_label_us=BASE_LABEL_US,
        start_ns=span[0],
        end_ns=span[1],
        pressed_ns=span[0],
        rotation_deg=rotation_deg,
    )


def write_part(
    path: Path, units: Sequence[AccessUnit], span: tuple[int, int | None], rotation_deg: int = 0
) -> Path:
    """A part file as a killed recording leaves it: without a seal."""
    writer = PartWriter(path, header_of(units[0], span, rotation_deg))
    writer.append(units)
    writer.close()
    return path
