"""Which samples of a finished clip its clean form copies, and which it must encode anew.

A finished clip hides what it needs only for decoding: a lead-in since the keyframe before its first frame,
and pictures behind its last one that B-pictures refer to. The clean form holds neither. Here: the decision,
over the times of the samples. Not here: reading them (`finished_file`), encoding (`clean_copy`). Pure.
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
    """Samples in decode order: `[0, head)` is encoded anew, `[head, tail)` copied, the rest encoded anew.

    Only what is shown of a range is encoded. The rest is decoded from `tail_key` on.
    """

    head: int
    tail: int
    tail_key: int
    count: int

    @property
    def copies_all(self) -> bool:
        """The file is clean as it is."""
        return self.head == 0 and self.tail == self.count

    @property
    def copies_none(self) -> bool:
        """The whole file is encoded."""
        return self.head >= self.tail


@dataclass(frozen=True, slots=True)
class JoinedSets:
    """How pictures must be encoded to share a track with the camera's, whose sets are `own`."""

    own: bytes
    number: int
    """Of the SPS and the PPS of the new pictures: one the camera does not use."""
    profile: str
    level: str | None
    """None: one no encoder here knows by name."""
    aspect: Fraction
    """Width of a pixel by its height; 0: the camera does not tell."""


def plan_clean(
    pts: Sequence[int], keys: Sequence[int], length: int, is_idr: Callable[[int], bool]
) -> CleanPlan:
    """Plan by the times of all samples (0 ≤ shown < `length`); `is_idr` looks at the sample itself.

    Copied pictures begin at an IDR picture and are shown after all encoded ones, so that none refers to a
    picture that is not there: an open GOP cannot be entered by a decoder that comes from foreign pictures.
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
    """What an encoder must keep to where its pictures go beside the camera's; None where ours cannot.

    Size, sampling, depth and profile must be the same, and both kinds of sets in one file: players take
    them from its index, and tell them apart by number.
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
    """Where copying may begin; the number of samples where it may nowhere."""
    latest = pts[0]
    for index in range(1, len(pts)):
        if keys[index] and pts[index] > max(latest, 0) and is_idr(index):
            return index
        latest = max(latest, pts[index])
    return len(pts)
