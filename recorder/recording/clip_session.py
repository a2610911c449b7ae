"""The state machine of one recording: events in, commands out. Decides, never performs.

Here: planning a span (`plan_span`) and the state machine (`ClipSession`). Events and commands are values, so
a test is a list of events and expected commands. Not here: files, codecs, clocks, threads; `recording_task`
executes the commands. Pure.

All times are nanoseconds on the host's monotonic clock. Spans are half-open: a frame is inside if and
only if `start_ns <= pts_ns < end_ns`.

    state       event                              next        commands
    recording   UnitsArrived, all before the end   recording   Append
    recording   UnitsArrived, one with DTS ≥ end   finishing   Append, Finish
    recording   UnitsArrived, not for this file    finishing   Append, Continue if the end is later, Finish
    recording   StreamQuiet, the end has passed    finishing   Finish
    recording   StopPressed                        recording   MoveEnd (the next unit or quiet finishes)
    recording   Extended                           recording   MoveEnd
    recording   WriteFailed                        failed      ReportFailure
    finishing   FinishSucceeded                    done        –
    finishing   FinishBroke                        failed      ReportFailure
    any         Discarded                          discarded   –
    any other pair                                 unchanged   –
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from recorder.base.errors import SpanOutsideBuffer
from recorder.base.media_time import NS_PER_S
from recorder.bitstream.access_unit import AccessUnit

QUIET_GRACE_NS = 2 * NS_PER_S
"""How long after its end a recording waits for units of a silent camera before it finishes without them."""


AHEAD_NS = 60 * NS_PER_S
"""A time further ahead of the newest frame is a mistake, such as a missing time zone; a nearer one is "now"
to a user whose camera lags."""

LONGEST_HOLE_NS = 3600 * NS_PER_S
"""A longer outage begins a new clip: MP4 cannot hold a picture for more than six hours at 90 kHz."""


def fits_one_file(before: AccessUnit, unit: AccessUnit) -> bool:
    """Whether `unit` can follow `before` in one file: same codec parameters, no hole that is too long."""
    return unit.epoch == before.epoch and unit.dts_ns - before.dts_ns <= LONGEST_HOLE_NS


def fitting(units: tuple[AccessUnit, ...]) -> tuple[AccessUnit, ...]:
    """The longest prefix of `units` that fits one file."""
    border = next((i for i, (a, b) in enumerate(pairwise(units), 1) if not fits_one_file(a, b)), len(units))
    return units[:border]


@dataclass(frozen=True, slots=True)
class RequestedSpan:
    """The span of a request: seconds around a time, or an absolute span.

    `at_ns` None means the newest frame. `after_ns` None means until stopped. `start_ns` and `end_ns`
    together make the span absolute; the other fields are then ignored.
    """

    at_ns: int | None = None
    before_ns: int = 0
    after_ns: int | None = 0
    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """The span that a recording will hold. `end_ns` None: until stopped."""

    pressed_ns: int
    start_ns: int
    end_ns: int | None


def plan_span(requested: RequestedSpan, oldest_ns: int, newest_ns: int) -> SpanPlan:
    """Plan the span of a request, given the times of the oldest and the newest buffered frame.

    A time after the newest frame becomes the newest; a start before the oldest becomes the oldest.
    Raises SpanOutsideBuffer if no frame of the span is buffered or can still arrive.
    """
    absolute = requested.start_ns is not None and requested.end_ns is not None
    if not absolute and requested.at_ns is not None:
        check_not_ahead(requested.at_ns, newest_ns)
    if requested.start_ns is not None and requested.end_ns is not None:
        pressed, start = min(requested.end_ns, newest_ns), requested.start_ns
        end: int | None = requested.end_ns
    else:
        pressed = newest_ns if requested.at_ns is None else min(requested.at_ns, newest_ns)
        start = pressed - requested.before_ns
        end = None if requested.after_ns is None else pressed + requested.after_ns
    if end is not None and end <= max(start, oldest_ns):
        raise SpanOutsideBuffer(
            "The asked span is empty or ends before the oldest frame.", "end" if absolute else "at"
        )
    if start > newest_ns:
        raise SpanOutsideBuffer("The asked span begins after the newest frame.", "start")
    return SpanPlan(pressed, max(start, oldest_ns), end)


def check_not_ahead(at_ns: int, newest_ns: int) -> None:
    """Raise SpanOutsideBuffer for a time further ahead than any camera lags."""
    if at_ns > newest_ns + AHEAD_NS:
        raise SpanOutsideBuffer("The asked moment is more than a minute after the newest frame.", "at")


# Events.


@dataclass(frozen=True, slots=True)
class UnitsArrived:
    """New units in decode order, following the previous ones."""

    units: Sequence[AccessUnit]


@dataclass(frozen=True, slots=True)
class StreamQuiet:
    """The camera has sent nothing for a while; the time is `now_ns`."""

    now_ns: int


@dataclass(frozen=True, slots=True)
class StopPressed:
    """End at `at_ns` (exclusive), or at the planned end if that is earlier."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Extended:
    """Postpone a planned end by `by_ns`."""

    by_ns: int


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """The part file could not be written."""

    reason: str


@dataclass(frozen=True, slots=True)
class FinishSucceeded:
    """The finished file is durable."""


@dataclass(frozen=True, slots=True)
class FinishBroke:
    """The finished file could not be written; the part file is kept."""

    reason: str


@dataclass(frozen=True, slots=True)
class Discarded:
    """The user deleted the recording while it was in progress."""


SessionEvent = (
    UnitsArrived
    | StreamQuiet
    | StopPressed
    | Extended
    | WriteFailed
    | FinishSucceeded
    | FinishBroke
    | Discarded
)


# Commands.


@dataclass(frozen=True, slots=True)
class Append:
    """Write these units to the part file; they are synced soon after."""

    units: tuple[AccessUnit, ...]


@dataclass(frozen=True, slots=True)
class MoveEnd:
    """Write the new end of the span to the part file, so it survives a crash."""

    end_ns: int


@dataclass(frozen=True, slots=True)
class Continue:
    """Begin another recording at `first`, which does not fit this recording's file."""

    first: AccessUnit
    end_ns: int | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Write the finished file of [start_ns, end_ns) from the part file."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class ReportFailure:
    """Report that the recording failed; the part file is kept for a retry."""

    reason: str


Command = Append | MoveEnd | Continue | Finish | ReportFailure


class SessionState(StrEnum):
    """The state of a recording."""

    RECORDING = "recording"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    DISCARDED = "discarded"


OVER = frozenset({SessionState.DONE, SessionState.FAILED, SessionState.DISCARDED})


class ClipSession:
    """The state machine of one recording. Has no lock: one task owns it."""

    def __init__(self, start_ns: int, end_ns: int | None) -> None:
        self.state = SessionState.RECORDING
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.shown_end_ns = start_ns
        """End of the latest recorded frame inside the span."""
        self._last: AccessUnit | None = None

    @property
    def over(self) -> bool:
        """Whether the session will issue no more commands."""
        return self.state in OVER

    @property
    def recorded_ns(self) -> int:
        """Recorded length so far."""
        return self.shown_end_ns - self.start_ns

    @property
    def progress(self) -> float | None:
        """Recorded share of the plan, 0–1; None without a planned end."""
        if self.end_ns is None:
            return None
        return min(1.0, self.recorded_ns / max(1, self.end_ns - self.start_ns))

    def handle(self, event: SessionEvent) -> list[Command]:
        """Handle one event and return the resulting commands in execution order."""
        if isinstance(event, Discarded):
            if not self.over:
                self.state = SessionState.DISCARDED
            return []
        if self.state is SessionState.RECORDING:
            return self._while_recording(event)
        if self.state is SessionState.FINISHING:
            return self._while_finishing(event)
        return []

    def _while_recording(self, event: SessionEvent) -> list[Command]:
        match event:
            case UnitsArrived(units):
                return self._take(units)
            case StreamQuiet(now_ns):
                if self.end_ns is not None and now_ns >= self.end_ns + QUIET_GRACE_NS:
                    return [self._finish()]
            case StopPressed(at_ns):
                stop_ns = max(at_ns, self.start_ns + 1)
                return self._move_end(stop_ns if self.end_ns is None else min(self.end_ns, stop_ns))
            case Extended(by_ns):
                if self.end_ns is not None:
                    return self._move_end(self.end_ns + by_ns)
            case WriteFailed(reason):
                return self._fail(reason)
            case _:
                pass
        return []

    def _while_finishing(self, event: SessionEvent) -> list[Command]:
        match event:
            case FinishSucceeded():
                self.state = SessionState.DONE
            case FinishBroke(reason) | WriteFailed(reason):
                return self._fail(reason)
            case _:
                pass
        return []

    def _take(self, units: Sequence[AccessUnit]) -> list[Command]:
        kept: list[AccessUnit] = []
        commands: list[Command] = []
        for unit in units:
            if self._last is not None and unit.sequence <= self._last.sequence:
                continue
            # Every later unit has PTS ≥ DTS ≥ this DTS, so no frame of the span can still arrive.
            if self.end_ns is not None and unit.dts_ns >= self.end_ns:
                commands = [self._finish()]
                break
            if self._last is not None and not fits_one_file(self._last, unit):
                # Continue first: finishing may take long, and the ring holds only a minute.
                if self.end_ns is None or unit.pts_ns < self.end_ns:
                    commands.append(Continue(unit, self.end_ns))
                commands.append(self._finish())
                break
            self._last = unit
            self._note_shown(unit)
            kept.append(unit)
        return [Append(tuple(kept)), *commands] if kept else commands

    def _note_shown(self, unit: AccessUnit) -> None:
        end_ns = unit.pts_ns + unit.duration_ns
        if self.end_ns is None or unit.pts_ns < self.end_ns:
            self.shown_end_ns = max(self.shown_end_ns, end_ns)

    def _move_end(self, end_ns: int) -> list[Command]:
        self.end_ns = end_ns
        return [MoveEnd(end_ns)]

    def _finish(self) -> Finish:
        self.state = SessionState.FINISHING
        end_ns = self.shown_end_ns if self.end_ns is None else min(self.end_ns, self.shown_end_ns)
        return Finish(self.start_ns, max(end_ns, self.start_ns + 1))

    def _fail(self, reason: str) -> list[Command]:
        self.state = SessionState.FAILED
        return [ReportFailure(reason)]
