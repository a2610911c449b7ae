"""Converts the sound of a source to AAC frames that any player can decode.

AAC is kept as it is, without its ADTS header. Each frame is test-decoded: one frame that a decoder rejects
would stop the whole clip in a browser, so it is dropped and counted. G.711 and PCM are encoded. Not here: the
clock of the timestamps (`rtsp.sound`, `muxed_sound`). One connection, one thread; PyAV packets stay in this
package.
"""

from fractions import Fraction
from typing import Protocol

import av
import av.error
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet

from recorder.base.errors import SourceUnsupported
from recorder.bitstream import aac
from recorder.bitstream.audio_unit import FRAME_SAMPLES, AudioFormat, SoundTrouble, SourceAudio

SoundItem = SourceAudio | SoundTrouble

ENCODED_HZ = 48_000
"""The rate of AAC made from G.711: frames last 21 ms; at 8 kHz they would last 128 ms, too coarse to cut."""
_BITS_PER_CHANNEL = 48_000
_PCM = ("pcm_mulaw", "pcm_alaw", "pcm_u8", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_f32le")
_MOST_PCM_BYTES = 1 << 18
_JUMP_S = Fraction(4, 100)
"""A packet further than this from the end of the previous samples restarts the encoder."""
_SLEW = 500
"""Smaller differences are slewed by one part in this many, so a drifting clock is followed seamlessly."""


class AacConverter(Protocol):
    """Converts the packets of one sound stream to AAC frames. One connection, one thread."""

    def take(self, packet: "Packet[AudioStream]") -> list[SoundItem]:
        """The frames that `packet` completes, on the clock of its stream."""
        ...

    def shift(self, by_s: Fraction) -> None:
        """Note that the stream's clock was stepped ahead by `by_s`; the sound itself has no hole."""
        ...


def aac_converter(stream: AudioStream) -> AacConverter:
    """The converter for a stream. Raises SourceUnsupported, naming the source's encoding."""
    # FFmpeg lists streams it cannot decode, without a codec context.
    context = getattr(stream, "codec_context", None)
    name = "something unknown" if context is None else stream.codec_context.name
    try:
        if name == "aac":
            return _AacPassthrough(stream)
        if name in _PCM:
            return _PcmEncoder(stream)
    except (ValueError, av.error.FFmpegError) as error:
        msg = f"The sound cannot be kept: {error}. The video is not affected."
        raise SourceUnsupported(msg) from error
    msg = (
        f"The sound is encoded as {name.upper()}; set the source to AAC or G.711. The video is not affected."
    )
    raise SourceUnsupported(msg)


def open_aac_converter(stream: AudioStream) -> AacConverter | SoundTrouble:
    """The converter, or a report why there is none: unsupported sound must not fail the connection."""
    try:
        return aac_converter(stream)
    except SourceUnsupported as error:
        return SoundTrouble(0, True, str(error))


class _AacPassthrough:
    def __init__(self, stream: AudioStream) -> None:
        self._decoder = stream.codec_context
        self._following: int | None = None
        config = stream.codec_context.extradata
        self._format = aac.format_of(config) if config else None

    def take(self, packet: "Packet[AudioStream]") -> list[SoundItem]:
        pts = self._following if packet.pts is None else packet.pts
        if not packet.size or pts is None:
            return []
        try:
            frame_format, frame = self._unwrapped(bytes(packet))
            self._decoder.decode(packet)
        except (ValueError, av.error.FFmpegError) as error:
            # The next packet has its own time; without one, do not guess it after a damaged packet.
            self._following = None
            return [SoundTrouble(1, False, f"A frame of sound was damaged ({type(error).__name__}).")]
        time_base = _exact(packet)
        self._following = pts + round(Fraction(FRAME_SAMPLES, frame_format.sample_rate_hz) / time_base)
        return [SourceAudio(frame, frame_format, pts, time_base)]

    def shift(self, by_s: Fraction) -> None:
        """Discard the predicted time; the next packet must have its own."""
        self._following = None

    def _unwrapped(self, data: bytes) -> tuple[AudioFormat, bytes]:
        if self._format is None:
            return aac.from_adts(data)
        if len(data) > aac.MAX_FRAME_BYTES:
            raise ValueError("A frame of AAC is longer than any can be.")
        return self._format, data


class _PcmEncoder:
    def __init__(self, stream: AudioStream) -> None:
        self._decoder = stream.codec_context
        channels = stream.codec_context.channels
        if channels not in (1, 2):
            msg = f"Sound of {channels} channels is not taken; set the camera to one or two."
            raise SourceUnsupported(msg)
        self._layout = "mono" if channels == 1 else "stereo"
        self._rate_hz = stream.codec_context.sample_rate
        self._anchor_s = Fraction(0)
        self._taken: int | None = None
        """Samples since the anchor; None before the first."""
        self._restart()

    def take(self, packet: "Packet[AudioStream]") -> list[SoundItem]:
        if not packet.size or packet.size > _MOST_PCM_BYTES or packet.pts is None:
            return [SoundTrouble(1, False, "A packet of sound was damaged.")] if packet.size else []
        begins_s = packet.pts * _exact(packet)
        error_s = _JUMP_S * 2 if self._taken is None else begins_s - self._ends_s(self._taken)
        if abs(error_s) > _JUMP_S:
            self._restart()
            self._anchor_s, self._taken, error_s = begins_s, 0, Fraction(0)
        taken = self._taken or 0
        try:
            frames = self._samples(packet)
        except (ValueError, av.error.FFmpegError) as error:
            self._taken = None
            return [SoundTrouble(1, False, f"A packet of sound was damaged ({type(error).__name__}).")]
        most_s = Fraction((self._taken or 0) - taken, self._rate_hz * _SLEW)
        self._anchor_s += max(-most_s, min(most_s, error_s))
        return frames

    def shift(self, by_s: Fraction) -> None:
        """Shift the anchor, so frames still in the encoder are on the new clock."""
        self._anchor_s += by_s

    def _samples(self, packet: "Packet[AudioStream]") -> list[SoundItem]:
        frames: list[SoundItem] = []
        for frame in self._decoder.decode(packet):
            taken = self._taken or 0
            frame.pts, frame.time_base = taken, Fraction(1, self._rate_hz)
            self._taken = taken + frame.samples
            for chunk in self._resampler.resample(frame):
                frames += self._encoded(chunk)
        return frames

    def _ends_s(self, taken: int) -> Fraction:
        return self._anchor_s + Fraction(taken, self._rate_hz)

    def _restart(self) -> None:
        encoder = av.CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.layout = ENCODED_HZ, self._layout
        encoder.format = "fltp"
        encoder.time_base = Fraction(1, ENCODED_HZ)
        encoder.bit_rate = _BITS_PER_CHANNEL * (1 if self._layout == "mono" else 2)
        encoder.options = {"aac_coder": "fast"}
        encoder.open()
        self._encoder = encoder
        self._resampler = AudioResampler("fltp", self._layout, ENCODED_HZ, FRAME_SAMPLES)
        self._format = aac.format_of(encoder.extradata or b"")

    def _encoded(self, frame: "av.AudioFrame") -> list[SoundItem]:
        anchor, time_base = round(self._anchor_s * ENCODED_HZ), Fraction(1, ENCODED_HZ)
        return [
            SourceAudio(bytes(packet), self._format, anchor + packet.pts, time_base)
            for packet in self._encoder.encode(frame)
            # The encoder's priming frame precedes the first sample and would overlap the previous sound.
            if packet.pts is not None and packet.pts >= 0
        ]


def _exact(packet: "Packet[AudioStream]") -> Fraction:
    return Fraction(packet.time_base.numerator, packet.time_base.denominator)
