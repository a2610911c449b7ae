"""Muxes access units of one epoch into a progressive, frame-exact H.264 MP4, without re-encoding.

Here: the file of a span, synced and measured. Not here: choosing its units (`span_cut`), patching boxes
(`edit_list`), live fragments (`live.muxer`), renaming and syncing the directory (the caller).

Blocking; any thread, one file per call, no shared state. FFmpeg holds the GIL while it writes header and
trailer, so `moov` goes into space reserved at the front instead of taking a second pass over the file.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from io import FileIO
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from recorder.base.errors import CutFailed, FinishFailed
from recorder.base.media_time import TICKS_PER_S, ticks
from recorder.bitstream.aac import with_adts
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch, upright_size
from recorder.bitstream.audio_unit import FRAME_SAMPLES, AudioFormat, AudioUnit
from recorder.bitstream.self_contained import self_contained
from recorder.mp4.edit_list import matrix_patch, presentation_patches
from recorder.mp4.finished_file import read_moov
from recorder.mp4.sound_cut import CopiedSound, Piece, SoundCut
from recorder.mp4.span_cut import SpanCut
from recorder.mp4.ticks import TickLine

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from av.container import OutputContainer
    from av.stream import Stream

TIME_BASE = Fraction(1, TICKS_PER_S)
# Upper bounds, so the reserved space always suffices. Per unit: stsz 4, stts 8, ctts 8, stss 4, and a chunk
# of its own (stsc 12, co64 8); for sound the same without ctts and stss. The rest of moov is constant, except
# the parameter sets.
_MOOV_BYTES_PER_UNIT = 44
_MOOV_BYTES_PER_PIECE = 32
_MOOV_BYTES = 4096 + 1024
_INTERLEAVE_US = "1000000"
_BUFFER_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class CutResult:
    """The properties of a finished file. Times are those of the units; `end_ns` is the end of the last frame.

    `gaps` are outages as (start_ns, end_ns), during which the frame before is held. `fps` is the frame rate
    outside of gaps.
    """

    first_pts_ns: int
    end_ns: int
    frame_count: int
    duration_s: float
    width: int
    height: int
    fps: float
    video_codec: str
    size_bytes: int
    sha256: str
    gaps: tuple[tuple[int, int], ...]
    audio_codec: str | None = None
    """None: no sound."""
    lead_in_s: float = 0.0
    """Length of the hidden lead-in before the first frame."""


def write_mp4(  # noqa: PLR0913  (three options that most calls leave out)
    out: Path,
    units: Iterable[AccessUnit],
    start_ns: int,
    end_ns: int,
    *,
    may_break_off: bool = False,
    rotation_deg: int = 0,
    sound: Iterable[AudioUnit] | CopiedSound = (),
) -> CutResult:
    """Write the frames with `start_ns ≤ pts_ns < end_ns` to `out` and fsync it (not its directory).

    `units`: in decode order and of one epoch, from a keyframe not after the first frame to at least the last
    frame; further units are skipped. May be an iterator over hours: only one GOP is held in memory.
    A length hint (sequences, their iterators, `PartReader`) must not be too small.
    `may_break_off`: the units may end anywhere before the last frame, as in an interrupted recording.
    `rotation_deg`: players rotate the pictures clockwise; width and height are those after rotation.
    `sound`: in order, starting a few frames before the span; holes are filled with silence.
    Raises FinishFailed and leaves no file behind.
    """
    hint = length_hint(units)
    try:
        cut = SpanCut(units, start_ns, end_ns, may_break_off=may_break_off)
        sound_cut = sound if isinstance(sound, CopiedSound) else SoundCut(sound, cut.first_pts_ns, end_ns)
        _write_media(out, cut, sound_cut, hint)
        length = ticks(cut.end_ns - cut.first_pts_ns)
        _present(out, length, rotation_deg)
        size_bytes, sha256 = _sync(out)
    except OSError as error:
        out.unlink(missing_ok=True)
        raise FinishFailed(f"The clip could not be written: {error.strerror}.") from error
    except (av.error.FFmpegError, ValueError) as error:
        out.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, av.error.FFmpegError) else str(error).rstrip(".")
        raise FinishFailed(f"The clip could not be cut: {reason}.") from error
    except FinishFailed:
        out.unlink(missing_ok=True)
        raise
    width, height = upright_size(cut.epoch.width, cut.epoch.height, rotation_deg)
    held = sum(ticks(gap_end_ns - gap_start_ns) for gap_start_ns, gap_end_ns in cut.gaps)
    return CutResult(
        first_pts_ns=cut.first_pts_ns,
        end_ns=cut.end_ns,
        frame_count=cut.frame_count,
        duration_s=length / TICKS_PER_S,
        width=width,
        height=height,
        fps=cut.frame_count * TICKS_PER_S / max(1, length - held),
        video_codec=cut.epoch.codec.value,
        size_bytes=size_bytes,
        sha256=sha256,
        gaps=tuple(cut.gaps),
        audio_codec=None if sound_cut.format is None else sound_cut.format.codec,
        lead_in_s=ticks(cut.lead_in_ns) / TICKS_PER_S,
    )


@contextmanager
def raising_cut_failed() -> Iterator[None]:
    """Convert FinishFailed from a cut without part file: to OSError for the disk, CutFailed for the units."""
    try:
        yield
    except FinishFailed as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error
        raise CutFailed(f"What the camera sent cannot be put into a video ({error})") from error


def add_video_track(container: "OutputContainer", epoch: Epoch) -> "Stream":
    """Add a track for encoded units of `epoch`; it takes the parameter sets from the first packet."""
    if epoch.codec is not Codec.H264:
        raise FinishFailed(f"Units of {epoch.codec.value} must be transcoded before they go into an MP4.")
    return container.add_mux_stream("h264", width=epoch.width, height=epoch.height, time_base=TIME_BASE)


def packet_of(data: bytes, is_keyframe: bool, stream: "Stream") -> "av.Packet[Stream]":
    """A packet that shares `data`. Muxing modifies packets, so use each for one mux call."""
    packet = av.Packet(data)
    packet.stream = stream
    packet.time_base = TIME_BASE
    packet.is_keyframe = is_keyframe
    return packet


def _write_media(out: Path, cut: SpanCut, sound_cut: SoundCut | CopiedSound, unit_hint: int) -> None:
    # No reader follows the file, so flush when the buffer is full, not after every picture.
    options = {"movie_timescale": str(TICKS_PER_S), "video_track_timescale": str(TICKS_PER_S)}
    options["flush_packets"] = "0"
    # FFmpeg delays a track's packets until the other track catches up; missing or late sound must not make it
    # buffer more than this.
    options["max_interleave_delta"] = _INTERLEAVE_US
    if unit_hint:
        bounds = _MOOV_BYTES + len(cut.epoch.parameter_sets)
        bounds += _MOOV_BYTES_PER_UNIT * unit_hint + _MOOV_BYTES_PER_PIECE * sound_cut.most_pieces
        options["moov_size"] = str(bounds)
    else:
        options["movflags"] = "faststart"
    line = TickLine(cut.first_pts_ns)
    is_first = True
    with _output(out, options) as container:
        stream = add_video_track(container, cut.epoch)
        track = None if sound_cut.format is None else _SoundTrack(container, sound_cut.format)
        for unit, is_last in _marking_last(cut):
            _require_same(cut.epoch, unit)
            data = self_contained(unit) if is_first else unit.data
            is_first = False
            packet = packet_of(data, unit.is_keyframe, stream)
            packet.pts, packet.dts = line.place(unit.pts_ns, unit.dts_ns)
            # Only the last packet's duration matters; the others follow from the next DTS.
            shown_last = is_last and unit.pts_ns == cut.last_pts_ns
            packet.duration = max(1, ticks(cut.end_ns - unit.pts_ns if shown_last else unit.duration_ns))
            if track is not None:
                track.write(sound_cut.before(unit.dts_ns))
            container.mux_one(packet)
        if track is not None:
            track.write(sound_cut.before(cut.end_ns))


class _SoundTrack:
    """An AAC track; the muxer takes its configuration from the ADTS headers, which it strips."""

    def __init__(self, container: "OutputContainer", audio_format: AudioFormat) -> None:
        self._container = container
        self._format = audio_format
        self._time_base = Fraction(1, audio_format.sample_rate_hz)
        self._stream = container.add_mux_stream(
            "aac", rate=audio_format.sample_rate_hz, time_base=self._time_base
        )

    def write(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            packet = av.Packet(with_adts(self._format, piece.data))
            packet.stream = self._stream
            packet.time_base = self._time_base
            packet.is_keyframe = True
            packet.pts = packet.dts = piece.pts
            packet.duration = FRAME_SAMPLES
            self._container.mux_one(packet)


@contextmanager
def _output(out: Path, options: dict[str, str]) -> Iterator["OutputContainer"]:
    """An MP4 whose trailer is written on success; after a failure, errors while closing it are ignored.

    The file is opened here, because PyAV never closes its own file if writing the header fails, and a deleted
    file that is still open keeps its space on a full disk.
    """
    # Absolute, so FFmpeg takes no part of the name for a protocol when it reopens the file for reading.
    with _File(out.absolute(), "wb", opener=_not_through_a_link) as file:
        container = av.open(file, "w", format="mp4", options=options, buffer_size=_BUFFER_BYTES)
        try:
            yield container
        except BaseException:
            with suppress(av.error.FFmpegError, OSError, ValueError):  # the first error is the one to report
                container.close()
            raise
        container.close()


def _not_through_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


class _File(FileIO):
    """An unbuffered file without short writes, which FFmpeg does not detect."""

    def write(self, data: "ReadableBuffer", /) -> int:
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) :]
        return len(memoryview(data))


def _require_same(epoch: Epoch, unit: AccessUnit) -> None:
    if unit.epoch is not epoch and unit.epoch != epoch:
        raise FinishFailed("The codec parameters change inside the span; one file holds one epoch.")


def _marking_last(units: Iterable[AccessUnit]) -> Iterator[tuple[AccessUnit, bool]]:
    held: AccessUnit | None = None
    for unit in units:
        if held is not None:
            yield held, False
        held = unit
    if held is not None:
        yield held, True


def _present(out: Path, length: int, rotation_deg: int) -> None:
    """Patch the closed file to present exactly `length` ticks, rotated.

    Raises ValueError if the moov box is not in front.
    """
    with out.open("r+b") as file:
        offset, moov = read_moov(file)
        for patch in (*presentation_patches(moov, length), matrix_patch(moov, rotation_deg)):
            file.seek(offset + patch.offset)
            file.write(patch.data)


def _sync(out: Path) -> tuple[int, str]:
    """Fsync the file and return its size and SHA-256. Syncing and hashing run in parallel."""
    with out.open("rb") as file, ThreadPoolExecutor(1, thread_name_prefix="fsync") as disk:
        synced = disk.submit(os.fsync, file.fileno())
        digest = hashlib.file_digest(file, "sha256")
        synced.result()
        return os.fstat(file.fileno()).st_size, digest.hexdigest()
