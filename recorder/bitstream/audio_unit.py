"""The values that sound travels in, from a source to the ring and from the ring to a file.

Here: formats, frames of sound, and word of what was lost. All sound inside the recorder is AAC, one raw frame
per unit (no ADTS header); other encodings become AAC at the door (`sources/aac_frames`). Not here: how AAC
is parsed (`aac`), where units are kept (`sound_ring`). Pure: immutable values.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from recorder.base.media_time import NS_PER_S

FRAME_SAMPLES = 1024


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How a stretch of sound is to be decoded: `config` is its AudioSpecificConfig (ISO 14496-3).

    A frame holds FRAME_SAMPLES samples of `sample_rate_hz`, which is the rate of the AAC core: where a
    decoder makes more of it (SBR), time is still counted in the core's samples.
    """

    sample_rate_hz: int
    channels: int
    config: bytes = field(repr=False)

    @property
    def codec(self) -> str:
        """The name clips and metrics show."""
        return "aac"

    @property
    def frame_ns(self) -> int:
        """Length of one frame."""
        return FRAME_SAMPLES * NS_PER_S // self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class SourceAudio:
    """One frame of sound as a source delivers it. `pts` counts on the clock of the source's video."""

    data: bytes = field(repr=False)
    format: AudioFormat
    pts: int
    time_base: Fraction


@dataclass(frozen=True, slots=True)
class SoundTrouble:
    """Word of sound that is missing: `lost` frames, and whether a whole connection or decoder `failed`."""

    lost: int
    failed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class AudioUnit:
    """One frame of sound on the recorder's own timeline; its first sample is heard at `pts_ns`.

    `sequence` counts the frames of a camera from 0; `pts_ns` never decreases.
    """

    sequence: int
    format: AudioFormat
    pts_ns: int
    data: bytes = field(repr=False)

    @property
    def end_ns(self) -> int:
        """Where its last sample ends."""
        return self.pts_ns + self.format.frame_ns
