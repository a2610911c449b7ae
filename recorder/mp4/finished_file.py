"""Reads a finished clip: any range of its samples, as access units and sound frames.

Here: reading the files that `muxer` writes. Not here: parsing their index (`sample_table`), decoding.
Blocking; one reader per thread. Keeps the index and one sample in memory.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from recorder.base.errors import FinishFailed
from recorder.base.media_time import TICKS_PER_S, ns_of
from recorder.base.own_files import open_own
from recorder.bitstream import h264
from recorder.bitstream.aac import format_of, silence
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.audio_unit import FRAME_SAMPLES
from recorder.bitstream.nal_units import START_CODE, split_nal_units
from recorder.mp4.sample_table import Track, aac_config, avc_parameter_sets, tracks
from recorder.mp4.sound_cut import CopiedSound, Piece

_MOST_MOOV_BYTES = 512 << 20


class FinishedFile:
    """A finished file, used as a context manager. Raises FinishFailed if we did not write it, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = open_own(path)
        try:
            _, moov = read_moov(self._file)
            found = tracks(moov)
            self.video = next(track for track in found if track.kind == b"vide")
            self.sound = next((track for track in found if track.kind == b"soun"), None)
            self.parameter_sets = avc_parameter_sets(self.video.entry)
            sps = next(
                nal for nal in split_nal_units(self.parameter_sets) if h264.nal_type(nal) == h264.NAL_SPS
            )
            self.epoch = Epoch(Codec.H264, *h264.sps_size(sps), self.parameter_sets)
            if self.video.time_scale != TICKS_PER_S:
                raise ValueError("The pictures of the file are timed in another way than ours are.")
        except StopIteration as error:
            self._file.close()
            raise FinishFailed("The clip's file holds no video.") from error
        except (ValueError, IndexError, struct.error) as error:
            self._file.close()
            raise FinishFailed(f"The clip's file cannot be read: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def last_pts(self) -> int:
        """PTS of the last shown frame, in ticks."""
        return max(time for time in self.video.samples.pts if time < self.video.length)

    def data(self, index: int) -> bytes:
        """A video sample, as Annex B."""
        return _annex_b(self._read(self.video, index))

    def units(self, begin: int, end: int) -> Iterator[AccessUnit]:
        """The video samples `begin` ≤ n < `end` as units of one run; time 0 is the first frame shown."""
        samples, length, last = self.video.samples, self.video.length, self.last_pts
        for index in range(begin, end):
            pts, dts = samples.pts[index], samples.dts[index]
            following = samples.dts[index + 1] if index + 1 < len(samples) else length
            yield AccessUnit(
                sequence=index,
                run=0,
                epoch=self.epoch,
                is_keyframe=bool(samples.keys[index]),
                pts_ns=ns_of(pts),
                dts_ns=ns_of(dts),
                duration_ns=max(1, ns_of(length - pts if pts == last else following - dts)),
                data=self.data(index),
            )

    @property
    def hides_pictures(self) -> bool:
        """Whether a picture lies before the start or behind the end of what is shown."""
        return not all(0 <= time < self.video.length for time in self.video.samples.pts)

    @property
    def hides_sound(self) -> bool:
        """Whether a sound frame lies wholly before the start or behind the end, and is not silence."""
        if self.sound is None:
            return False
        track, quiet = self.sound, silence(format_of(aac_config(self.sound.entry)))
        return any(
            (_is_before(pts) or self._is_behind(track, pts)) and self._read(track, index) != quiet
            for index, pts in enumerate(track.samples.pts)
        )

    def clean_sound(self) -> CopiedSound | None:
        """The sound without what is not heard in the clip; None without sound.

        Frames wholly before the first picture become silence: a decoder needs a frame before the first one
        it plays, but not its content. Frames wholly behind the end are left out.
        """
        if self.sound is None:
            return None
        track = self.sound
        audio_format = format_of(aac_config(track.entry))

        def pieces() -> Iterator[Piece]:
            for index, pts in enumerate(track.samples.pts):
                if not self._is_behind(track, pts):
                    yield Piece(silence(audio_format) if _is_before(pts) else self._read(track, index), pts)

        return CopiedSound(audio_format, pieces(), len(track.samples))

    def _is_behind(self, sound: Track, pts: int) -> bool:
        return pts * TICKS_PER_S >= self.video.length * sound.time_scale

    def _read(self, track: Track, index: int) -> bytes:
        size, offset = track.samples.sizes[index], track.samples.offsets[index]
        data = os.pread(self._file.fileno(), size, offset)
        if len(data) != size:
            raise FinishFailed("The clip's file is shorter than its index says. Run `hindsight fsck`.")
        return data


def _is_before(pts: int) -> bool:
    return pts + FRAME_SAMPLES <= 0


def read_moov(file: BinaryIO) -> tuple[int, bytes]:
    """The offset of a file's moov box, and the box. Raises ValueError if the moov box is not in front."""
    offset = 0
    while True:
        file.seek(offset)
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("The finished file has no moov box.")
        size, kind = struct.unpack(">I4s", head)
        if kind == b"moov" and size <= _MOST_MOOV_BYTES:
            file.seek(offset)
            return offset, file.read(size)
        if kind in {b"mdat", b"moov"} or size < 8:
            raise ValueError("The finished file does not have its moov box in front.")
        offset += size


def _annex_b(data: bytes) -> bytes:
    """Replace the four-byte length prefixes of NAL units by start codes, which have the same size."""
    made = bytearray(data)
    position = 0
    with suppress(struct.error):
        while position < len(made):
            (size,) = struct.unpack_from(">I", made, position)
            made[position : position + 4] = START_CODE
            position += 4 + size
    return bytes(made)
