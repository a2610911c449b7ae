"""The sound of a source that has one clock for sound and pictures: a file, an MPEG transport stream.

Not here: what becomes AAC (`aac_frames`), sound on a clock of its own (`rtsp.sound`). Used by the capture
thread alone. Nothing that is wrong with the sound is raised: it is told as `SoundTrouble`.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from av.audio.stream import AudioStream
from av.packet import Packet

from recorder.base.media_time import NS_PER_S, to_ns
from recorder.bitstream.audio_unit import SoundTrouble, SourceAudio
from recorder.sources.aac_frames import Heard, SoundDoor, opened_door

_NS = Fraction(1, NS_PER_S)


class SoundBeside:
    """One connection, or one file that goes round."""

    def __init__(self, streams: Sequence[AudioStream]) -> None:
        """The first of the streams is listened to, as with RTSP; there may be none."""
        self._door: SoundDoor | None = None
        self._told: list[Heard] = []
        self.streams = tuple(streams[:1])
        """What is to be read from the container."""
        for stream in self.streams:
            opened = opened_door(stream)
            if isinstance(opened, SoundTrouble):
                self._told.append(opened)
                self.streams = ()
            else:
                self._door = opened

    def troubles(self) -> list[Heard]:
        """What is to be told before the first frame; once."""
        told, self._told = self._told, []
        return told

    def take(self, packet: "Packet[AudioStream]", shift_s: Fraction = Fraction(0)) -> list[Heard]:
        """The frames `packet` completes, in nanoseconds; `shift_s` is added to its time."""
        if self._door is None:
            return []
        if packet.pts is not None:
            # Before the door: samples that are encoded go on over the seam of a file.
            packet.pts += round(shift_s * packet.time_base.denominator / packet.time_base.numerator)
        return [
            replace(heard, pts=to_ns(heard.pts, heard.time_base), time_base=_NS)
            if isinstance(heard, SourceAudio)
            else heard
            for heard in self._door.take(packet)
        ]
