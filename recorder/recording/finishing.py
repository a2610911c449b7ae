"""From a part file to a finished clip, whatever the camera sent and whoever asks: the one way to finish.

Here: the steps that are the same for a recording that just ended, a retry, and a part file found at
start-up. Not here: recordings under way (`recording_task`), cutting (`muxer`), encoding (`transcoder`).
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
    """What finishing needs. Event loop only."""

    threads: Executor
    transcoder: Transcoder

    async def finish(self, files: ClipFiles, on_share: Callable[[float], None]) -> FinishedClip:
        """Make the finished file from a part file that nobody writes to, durably.

        `on_share` hears how much of a transcode is done. Raises FinishFailed, PartFileDamaged, Busy,
        OSError; the part file is kept either way.
        """
        codec = await in_thread(self.threads, partial(part_codec, files))
        if codec is Codec.H264:
            return await in_thread(self.threads, partial(finish_part, files))
        work = self.transcoder.begin(
            files.recording_id, (files.part, files.temporary), on_share, follow=False
        )
        return await self.transcoded(files, work)

    async def transcoded(self, files: ClipFiles, work: Transcode) -> FinishedClip:
        """Wait for a transcode of a complete part file and make its result the clip."""
        try:
            cut = await work.result()
        except asyncio.CancelledError:
            self.transcoder.cancel(work)
            await work.ended.wait()
            raise
        return await in_thread(self.threads, partial(publish_cut, files, cut))


def part_codec(files: ClipFiles) -> Codec:
    """How the units of the part file are encoded. Blocking; raises PartFileDamaged, OSError."""
    return PartReader(files.part).header.epoch.codec


def finish_part(files: ClipFiles) -> FinishedClip:
    """Make the finished file from an H.264 part file, durably. Blocking.

    Raises FinishFailed or PartFileDamaged; the part file is kept either way.
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
    """Give the file of a transcode its name, durably, and its labels as the part file now has them.

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
    """Put labels on a cut. `label` turns host-monotonic nanoseconds into naive UTC."""
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
    """Labels as the part file knows them; the process that wrote it may be long gone."""
    return lambda ns: label_of(header.base_label_us + (ns - header.base_ns) // NS_PER_US)


def read_part_header(files: ClipFiles) -> PartHeader | None:
    """Header of a part file, or None when it is damaged beyond use. Blocking."""
    try:
        return PartReader(files.part).header
    except (PartFileDamaged, OSError):
        return None
