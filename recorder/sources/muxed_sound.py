"""Reads the sound of a source with one clock for sound and pictures: a file, an MPEG transport stream.

Not here: converting to AAC (`aac_frames`), sound with a separate clock (`rtsp.sound`). Used by the capture
thread alone. Problems with the sound are not raised but returned as `SoundTrouble`.
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
    """The sound of one connection or one looped file."""

    def __init__(self, streams: Sequence[AudioStream]) -> None:
        """Uses the first stream, as for RTSP; there may be none."""
        self._converter: AacConverter | None = None
        self._pending: list[SoundItem] = []
        self.streams = tuple(streams[:1])
        """The streams to demux."""
        for stream in self.streams:
            opened = open_aac_converter(stream)
            if isinstance(opened, SoundTrouble):
                self._pending.append(opened)
                self.streams = ()
            else:
                self._converter = opened

    def troubles(self) -> list[SoundItem]:
        """Problems found before the first frame; returned once."""
        items, self._pending = self._pending, []
        return items

    def take(self, packet: "Packet[AudioStream]", shift_s: Fraction = Fraction(0)) -> list[SoundItem]:
        """The frames that `packet` completes, in nanoseconds; `shift_s` is added to its time."""
        if self._converter is None:
            return []
        if packet.pts is not None:
            # Before the conversion, so encoded samples continue across the seam of a looped file.
            packet.pts += round(shift_s * packet.time_base.denominator / packet.time_base.numerator)
        return [
            replace(item, pts=to_ns(item.pts, item.time_base), time_base=_NS)
            if isinstance(item, SourceAudio)
            else item
            for item in self._converter.take(packet)
        ]
