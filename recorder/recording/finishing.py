"""Makes a finished clip of a part file.

Here: the steps shared by a recording that just ended, a retry, and a part file found at start-up. Not here:
recordings in progress (`recording_task`), cutting (`muxer`), encoding (`transcoder`). `Finisher` belongs to
the event loop; the functions block.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from recorder.base.errors import FinishFailed, PartFileDamaged
from recorder.base.media_time import FOREVER_NS, NS_PER_US, label_of
from recorder.base.threads import in_thread
from recorder.base.values import FinishedClip, Gap
from recorder.bitstream.access_unit import Codec
from recorder.mp4.muxer import CutResult, write_mp4
from recorder.recording.clip_files import ClipFiles
from recorder.recording.part_file import PartHeader, PartReader
from recorder.recording.transcoder import Transcode, Transcoder

GAP_REASON = "There are no pictures of this time; the last one before is held."


@dataclass(frozen=True, slots=True)
class Finisher:
    """The resources for finishing clips. Event loop only."""

    threads: Executor
    transcoder: Transcoder

    async def finish(self, files: ClipFiles, on_share: Callable[[float], None]) -> FinishedClip:
        """Make the finished file, durably, of a part file that has no writer.

        `on_share` receives the completed share of a transcode. Raises FinishFailed, PartFileDamaged, Busy,
        OSError; the part file is always kept.
        """
        codec = await in_thread(self.threads, partial(part_codec, files))
        if codec is Codec.H264:
            return await in_thread(self.threads, partial(finish_part, files))
        work = self.transcoder.begin(
            files.recording_id, (files.part, files.temporary), on_share, follow=False
        )
        return await self.transcoded(files, work)

    async def transcoded(self, files: ClipFiles, work: Transcode) -> FinishedClip:
        """Wait for the transcode of a complete part file and publish its result as the clip."""
        try:
            cut = await work.result()
        except asyncio.CancelledError:
            self.transcoder.cancel(work)
            await work.ended.wait()
            raise
        return await in_thread(self.threads, partial(publish_cut, files, cut))


def part_codec(files: ClipFiles) -> Codec:
    """The codec of the part file's units. Blocking; raises PartFileDamaged, OSError."""
    return PartReader(files.part).header.epoch.codec


def finish_part(files: ClipFiles) -> FinishedClip:
    """Make the finished file of an H.264 part file, durably. Blocking.

    Raises FinishFailed or PartFileDamaged; the part file is always kept.
    """
    reader = PartReader(files.part)
    header = reader.header
    end_ns = FOREVER_NS if header.end_ns is None else header.end_ns
    try:
        cut = write_mp4(
            files.temporary,
            iter(reader),
            header.start_ns,
            end_ns,
            may_break_off=True,
            rotation_deg=header.rotation_deg,
            sound=reader.sound,
        )
        files.publish()
    except OSError as error:
        files.temporary.unlink(missing_ok=True)
        raise FinishFailed(f"The clip could not be written: {error.strerror}.") from error
    except FinishFailed:
        files.temporary.unlink(missing_ok=True)
        raise
    return finished_clip(cut, files.clip, header_label(header))


def publish_cut(files: ClipFiles, cut: CutResult) -> FinishedClip:
    """Publish the file of a transcode, durably, with the labels of the part file's current anchor.

    Blocking; raises FinishFailed, PartFileDamaged.
    """
    try:
        header = PartReader(files.part).header
        files.publish()
    except OSError as error:
        files.temporary.unlink(missing_ok=True)
        raise FinishFailed(f"The clip could not be written: {error.strerror}.") from error
    return finished_clip(cut, files.clip, header_label(header))


def finished_clip(cut: CutResult, path: Path, label: Callable[[int], datetime]) -> FinishedClip:
    """Add labels to a cut. `label` converts monotonic nanoseconds into naive UTC."""
    return FinishedClip(
        path=path,
        start_time=label(cut.first_pts_ns),
        end_time=label(cut.end_ns),
        duration_s=cut.duration_s,
        frame_count=cut.frame_count,
        width=cut.width,
        height=cut.height,
        fps=cut.fps,
        video_codec=cut.video_codec,
        size_bytes=cut.size_bytes,
        sha256=cut.sha256,
        gaps=tuple(Gap(label(start), label(end), GAP_REASON) for start, end in cut.gaps),
        audio_codec=cut.audio_codec,
        lead_in_s=cut.lead_in_s,
    )


def header_label(header: PartHeader) -> Callable[[int], datetime]:
    """The label function of a part file; it does not need the process that wrote the file."""
    return lambda ns: label_of(header.base_label_us + (ns - header.base_ns) // NS_PER_US)


def read_part_header(files: ClipFiles) -> PartHeader | None:
    """The header of a part file, or None if it is unreadable. Blocking."""
    try:
        return PartReader(files.part).header
    except (PartFileDamaged, OSError):
        return None
