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
from recorder.sources.aac_frames import AacConverter, SoundItem, open_aac_converter

_NS = Fraction(1, NS_PER_S)


class MuxedSound:
    """One connection, or one file that goes round."""

    def __init__(self, streams: Sequence[AudioStream]) -> None:
        """The first of the streams is listened to, as with RTSP; there may be none."""
        self._converter: AacConverter | None = None
        self._pending: list[SoundItem] = []
        self.streams = tuple(streams[:1])
        """What is to be read from the container."""
        for stream in self.streams:
            opened = open_aac_converter(stream)
            if isinstance(opened, SoundTrouble):
                self._pending.append(opened)
                self.streams = ()
            else:
                self._converter = opened

    def troubles(self) -> list[SoundItem]:
        """What is to be told before the first frame; once."""
        items, self._pending = self._pending, []
        return items

    def take(self, packet: "Packet[AudioStream]", shift_s: Fraction = Fraction(0)) -> list[SoundItem]:
        """The frames `packet` completes, in nanoseconds; `shift_s` is added to its time."""
        if self._converter is None:
            return []
        if packet.pts is not None:
            # Before the door: samples that are encoded go on over the seam of a file.
            packet.pts += round(shift_s * packet.time_base.denominator / packet.time_base.numerator)
        return [
            replace(item, pts=to_ns(item.pts, item.time_base), time_base=_NS)
            if isinstance(item, SourceAudio)
            else item
            for item in self._converter.take(packet)
        ]
