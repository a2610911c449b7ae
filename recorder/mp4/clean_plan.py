"""Decides which samples of a finished clip the clean form copies and which it re-encodes.

A finished clip hides pictures that are needed only for decoding: the lead-in from the keyframe before its
first frame, and pictures after its last frame that B-frames refer to. The clean form contains neither. Here:
the decision, from sample times. Not here: reading samples (`finished_file`), encoding (`clean_copy`). Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from recorder.bitstream import h264
from recorder.bitstream.nal_units import split_nal_units

_LEVELS = frozenset({10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52})
_PROFILES = {66: "baseline", 77: "main", 100: "high"}
_MOST_SET_NUMBER = 31


@dataclass(frozen=True, slots=True)
class CleanPlan:
    """Samples in decode order: `[0, head)` is re-encoded, `[head, tail)` copied, the rest re-encoded.

    Only the shown frames of a range are encoded. Decoding of the last range starts at `tail_key`.
    """

    head: int
    tail: int
    tail_key: int
    count: int

    @property
    def copies_all(self) -> bool:
        """Whether the file is already clean."""
        return self.head == 0 and self.tail == self.count

    @property
    def copies_none(self) -> bool:
        """Whether the whole file is re-encoded."""
        return self.head >= self.tail


@dataclass(frozen=True, slots=True)
class JoinedSets:
    """How to encode pictures that share a track with the camera's, whose parameter sets are `own`."""

    own: bytes
    number: int
    """SPS and PPS id of the new pictures, unused by the camera."""
    profile: str
    level: str | None
    """None: a level that the encoder has no name for."""
    aspect: Fraction
    """Sample aspect ratio; 0 if the camera does not specify it."""


def plan_clean(
    pts: Sequence[int], keys: Sequence[int], length: int, is_idr: Callable[[int], bool]
) -> CleanPlan:
    """Plan from the times of all samples (shown: 0 ≤ PTS < `length`); `is_idr` inspects a sample.

    Copied pictures begin at an IDR picture and are shown after the re-encoded head, so none refers to a
    missing picture: a decoder cannot continue from foreign pictures into an open GOP.
    """
    count = len(pts)
    head = _head(pts, keys, is_idr) if any(time < 0 for time in pts) else 0
    tail = next((index for index in range(head, count) if pts[index] >= length), count)
    shown_after = [time for time in pts[tail:] if time < length]
    if not shown_after:
        return CleanPlan(head, tail, tail, count)
    if max(pts[head:tail], default=-1) >= min(shown_after):
        return CleanPlan(count, count, count, count)
    tail_key = max(index for index in range(tail + 1) if keys[index] and pts[index] <= min(shown_after))
    return CleanPlan(head, tail, tail_key, count)


def joined_sets(own: bytes) -> JoinedSets | None:
    """How to encode pictures that share a track with the camera's; None if our encoder cannot.

    Size, chroma format, bit depth and profile must match, and the file's index holds both groups of parameter
    sets, which players tell apart by id.
    """
    nals = split_nal_units(own)
    sps = [nal for nal in nals if h264.nal_type(nal) == h264.NAL_SPS]
    if len(sps) != 1:
        return None
    facts = h264.sps_facts(sps[0])
    if facts.profile not in _PROFILES or not facts.is_plain:
        return None
    used = h264.set_numbers(own)
    number = next((number for number in range(1, _MOST_SET_NUMBER + 1) if number not in used), None)
    if number is None:
        return None
    level = f"{facts.level / 10:.1f}" if facts.level in _LEVELS else None
    return JoinedSets(own, number, _PROFILES[facts.profile], level, facts.aspect)


def _head(pts: Sequence[int], keys: Sequence[int], is_idr: Callable[[int], bool]) -> int:
    """The first sample that may be copied; the number of samples if there is none."""
    latest = pts[0]
    for index in range(1, len(pts)):
        if keys[index] and pts[index] > max(latest, 0) and is_idr(index):
            return index
        latest = max(latest, pts[index])
    return len(pts)
