"""The recorder's inputs and outputs: plain, picklable values without codecs or locks.

Times are timezone-naive UTC datetimes ("labels"); durations are seconds as floats and carry `_s`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class StreamState(StrEnum):
    """What a camera is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    RECONNECTING = "reconnecting"
    STOPPED = "stopped"


class ClockState(StrEnum):
    """How reliable a label is."""

    SYNCHRONISED = "synchronised"
    UNSYNCHRONISED = "unsynchronised"
    STEPPED = "stepped"


@dataclass(frozen=True, slots=True)
class BufferStatus:
    """The newest `capacity_s` seconds (first four fields) and everything held, older frames included."""

    frame_count: int
    duration_s: float
    oldest_frame: datetime | None
    newest_frame: datetime | None
    capacity_s: float
    max_bytes: int
    held_frames: int
    held_s: float
    held_bytes: int
    pinned_bytes: int


@dataclass(frozen=True, slots=True)
class StreamCounters:
    """Every loss, gap, drop and retry since the daemon started."""

    units: int = 0
    bytes: int = 0
    connects: int = 0
    reconnects: int = 0
    losses: int = 0
    """Connections that delivered pictures and then ended for any reason (an unplugged cable, a restart)."""
    stalls: int = 0
    """Losses because the camera went silent."""
    freezes: int = 0
    """Losses because the picture stopped changing."""
    discontinuities: int = 0
    units_before_keyframe: int = 0
    units_damaged: int = 0
    sound_frames: int = 0
    sound_frames_lost: int = 0
    sound_failures: int = 0
    gops_evicted_by_bytes: int = 0
    gops_too_large: int = 0
    pins_let_go: int = 0
    """Replays whose frames were given up because pins kept too much."""
    ingest_gops_dropped: int = 0
    ingest_failures: int = 0
    live_drops: int = 0
    live_gops_dropped: int = 0
    """Skipped in the live view because transcoding H.265 was too slow."""
    live_pictures_damaged: int = 0
    """H.265 pictures that could not be decoded for the live view, plus encoder failures."""
    live_sound_drops: int = 0
    recording_units_lost: int = 0
    write_failures: int = 0
    finish_failures: int = 0
    task_failures: int = 0
    thread_failures: int = 0


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera now. `last_error` and `reason` are redacted sentences."""

    camera_id: str
    name: str
    source: str
    """Redacted: never contains credentials."""
    state: StreamState
    reason: str
    state_since: datetime
    next_try: datetime | None
    last_error: str | None
    codec: str | None
    """Codec of the buffered units, from which clips are made."""
    width: int | None
    height: int | None
    fps: float | None
    buffer: BufferStatus
    counters: StreamCounters
    clock: ClockState
    recordings: int
    viewers: int
    audio_codec: str | None = None
    """None without sound."""
    audio_trouble: str | None = None
    """The last problem with the sound of this connection, in words."""
    listeners: int = 0
    """Clients listening to the live sound."""
    source_codec: str | None = None
    """Codec the camera sends; differs from `codec` if the units are encoded on ingest."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An outage inside a clip, in labels: the last frame before it is held until its end."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """A span to record: either `start` and `end`, or seconds around `at` (None: the newest label).

    `after_s` None records until `stop`. Spans are half-open: start ≤ label < end.
    """

    recording_id: str
    at: datetime | None = None
    before_s: float = 15.0
    after_s: float | None = 15.0
    start: datetime | None = None
    end: datetime | None = None
    replay: str | None = None
    """Take `start` to `end` from this replay, whose frames stay pinned."""


@dataclass(frozen=True, slots=True)
class FinishedClip:
    """A durable, playable MP4 and its properties, measured while it was written."""

    path: Path
    start_time: datetime
    end_time: datetime
    duration_s: float
    frame_count: int
    width: int
    height: int
    fps: float
    video_codec: str
    size_bytes: int
    sha256: str
    gaps: tuple[Gap, ...]
    audio_codec: str | None = None
    """None: the clip has no sound."""
    lead_in_s: float = 0.0
    """Length of the hidden lead-in before the first frame."""


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """A recording whose pre-roll is durable; if `finished` is set, the whole clip is."""

    recording_id: str
    camera_id: str
    pressed_at: datetime
    """The label that the seconds before and after count from."""
    start_time: datetime
    """Label of the first frame."""
    planned_end: datetime | None
    """None: until stopped."""
    covered_before_s: float
    covered_after_s: float
    width: int
    height: int
    fps: float | None
    video_codec: str
    clock: ClockState
    part_path: Path | None
    finished: FinishedClip | None
    continued_from: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG with the label of its frame. `approximate`: a keyframe near the requested time."""

    jpeg: bytes = field(repr=False)
    label: datetime
    width: int
    height: int
    approximate: bool


@dataclass(frozen=True, slots=True)
class FrameList:
    """Frames of a buffered span, oldest first. `labels` may be an even selection of them."""

    frame_count: int
    labels: tuple[datetime, ...]
    start_time: datetime
    """Label of the first frame."""
    end_time: datetime
    """End of the last frame."""
    offsets_us: tuple[int, ...]
    """For every frame, microseconds from `start_time` to its label."""


@dataclass(frozen=True, slots=True)
class RecordingProgressed:
    """A recording in progress: its length and the share of its plan that is done (None: open-ended)."""

    recording_id: str
    recorded_s: float
    progress: float | None


@dataclass(frozen=True, slots=True)
class RecordingProcessing:
    """All units are in the part file; the finished file is being written."""

    recording_id: str


@dataclass(frozen=True, slots=True)
class FinishProgressed:
    """The finished file is being transcoded; `progress` is the completed share, 0–1."""

    recording_id: str
    progress: float


@dataclass(frozen=True, slots=True)
class RecordingFinished:
    """The finished file is durable. The receiver commits the row, then calls `discard_part`."""

    recording_id: str
    clip: FinishedClip
    clock: ClockState


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """The recording cannot be finished now; the part file, if any, is kept for a retry."""

    recording_id: str
    reason: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class RecordingContinued:
    """New codec parameters ended `recording_id`; `started` continues it under a new id.

    The receiver commits a row for `started` and then acknowledges it as usual.
    """

    recording_id: str
    started: RecordingStarted


@dataclass(frozen=True, slots=True)
class CameraChanged:
    """The state, codec, size or sound of a camera changed."""

    camera_id: str


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock stepped by `by_s` seconds; all labels in the buffer moved with it."""

    by_s: float


RecorderEvent = (
    RecordingProgressed
    | RecordingProcessing
    | FinishProgressed
    | RecordingFinished
    | RecordingFailed
    | RecordingContinued
    | CameraChanged
    | ClockStepped
)
