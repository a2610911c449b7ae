"""The sound values that pass from a source to the ring and from the ring to a file.

Here: formats, sound frames, and reports of lost sound. All sound inside the recorder is AAC, one raw frame
per unit (no ADTS header); `sources/aac_frames` converts other encodings. Not here: parsing AAC (`aac`),
keeping units (`sound_ring`). Pure: immutable values.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from recorder.base.media_time import NS_PER_S

FRAME_SAMPLES = 1024


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The format of sound frames; `config` is the AudioSpecificConfig (ISO 14496-3).

    A frame holds FRAME_SAMPLES samples at `sample_rate_hz`, the rate of the AAC core. With SBR the decoder
    outputs a higher rate, but time is still counted in core samples.
    """

    sample_rate_hz: int
    channels: int
    config: bytes = field(repr=False)

    @property
    def codec(self) -> str:
        """The codec name in clips and metrics."""
        return "aac"

    @property
    def frame_ns(self) -> int:
        """Duration of one frame."""
        return FRAME_SAMPLES * NS_PER_S // self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class SourceAudio:
    """One sound frame as a source delivers it. `pts` is on the clock of the source's video."""

    data: bytes = field(repr=False)
    format: AudioFormat
    pts: int
    time_base: Fraction


@dataclass(frozen=True, slots=True)
class SoundTrouble:
    """A report of missing sound: `lost` frames, and whether the connection's sound or a decoder `failed`."""

    lost: int
    failed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class AudioUnit:
    """One sound frame on the recorder's own timeline; its first sample plays at `pts_ns`.

    `sequence` counts the frames of a camera from 0; `pts_ns` never decreases.
    """

    sequence: int
    format: AudioFormat
    pts_ns: int
    data: bytes = field(repr=False)

    @property
    def end_ns(self) -> int:
        """End of its last sample."""
        return self.pts_ns + self.format.frame_ns
