"""Reads the sound of an RTSP connection and puts it on the clock of the pictures.

Not here: analysing the clocks (`rtsp.clock`), converting to AAC (`aac_frames`). Used by the capture thread
alone. Problems with the sound are not raised but returned as `SoundTrouble`.
"""

from collections import deque
from dataclasses import replace
from fractions import Fraction

from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from recorder.base.clock import Clock
from recorder.base.media_time import NS_PER_S, to_ns
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio
from recorder.sources.aac_frames import AacConverter, SoundItem, open_aac_converter
from recorder.sources.rtsp.clock import FirstReport, SoundAlignment, VideoStepFilter

MOST_WAITING = 1024
"""Limit of frames waiting for the camera's reports; four seconds are 200."""


class RtspSound:
    """The sound beside one video stream, and the correction of the steps it causes in the video's times."""

    def __init__(self, stream: AudioStream, video: VideoStream, clock: Clock) -> None:
        self._clock = clock
        self._time_base = Fraction(video.time_base or 1)
        self._steady = VideoStepFilter(self._time_base)
        self._alignment = SoundAlignment()
        self._first_report = FirstReport()
        self._reported = {"video": False, "audio": False}
        self._waiting: deque[SourceAudio] = deque()
        self._pending: list[SoundItem] = []
        self._converter: AacConverter | None = None
        opened = open_aac_converter(stream)
        if isinstance(opened, SoundTrouble):
            self._pending.append(opened)
        else:
            self._converter = opened

    def video_shift(self, packet: "Packet[VideoStream]") -> int:
        """The correction to add to this picture's times, in ticks of its time base."""
        # Every packet after the first report carries report times.
        self._reported["video"] |= packet.has_sidedata("prft")
        if packet.pts is None:
            return self._steady.shift
        arrival_ns = self._clock.monotonic_ns()
        shift = self._steady.note(packet.pts, arrival_ns)
        self._alignment.video.note(to_ns(packet.pts, self._time_base), arrival_ns)
        return shift

    def take(self, packet: "Packet[AudioStream]") -> list[SoundItem]:
        """The frames that are ready, in nanoseconds on the corrected clock of the pictures."""
        self._reported["audio"] |= packet.has_sidedata("prft")
        items, self._pending = self._pending, []
        if self._converter is None:
            return items
        arrival_ns = self._clock.monotonic_ns()
        if packet.pts is not None:
            pts_ns = to_ns(packet.pts, Fraction(packet.time_base.numerator, packet.time_base.denominator))
            moved_ns = self._first_report.note(pts_ns, reported=self._reported["audio"])
            if moved_ns:
                self._move(self._converter, moved_ns)
            self._alignment.sound.note(pts_ns, arrival_ns)
        for item in self._converter.take(packet):
            if isinstance(item, SoundTrouble):
                items.append(item)
            else:
                self._waiting.append(item)
        reported = all(self._reported.values())
        offset_ns = self._alignment.offset_ns(reported=reported, now_ns=arrival_ns)
        if offset_ns is None and len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            items.append(SoundTrouble(1, False, "Sound waited too long for the camera's reports."))
        return items if offset_ns is None else items + self._ready(offset_ns)

    def _move(self, converter: AacConverter, by_ns: int) -> None:
        """Move the sound received before the first report to the clock that the report sets."""
        converter.shift(Fraction(by_ns, NS_PER_S))
        self._alignment.move_sound(by_ns)
        moved = [
            replace(item, pts=item.pts + round(Fraction(by_ns, NS_PER_S) / item.time_base))
            for item in self._waiting
        ]
        self._waiting = deque(moved)

    def _ready(self, offset_ns: int) -> list[SoundItem]:
        offset_ns += to_ns(self._steady.shift, self._time_base)
        ready: list[SoundItem] = [
            replace(
                item,
                pts=to_ns(item.pts, item.time_base) + offset_ns,
                time_base=Fraction(1, NS_PER_S),
            )
            for item in self._waiting
        ]
        self._waiting.clear()
        return ready
